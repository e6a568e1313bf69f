package egress

import "net/netip"

// special4 are the IPv4 ranges that are not public: those that the IANA IPv4 Special-Purpose
// Address Registry does not call globally reachable, the whole of 192.0.0.0/24, and multicast.
var special4 = prefixes(
	"0.0.0.0/8",       // this network (RFC 791)
	"10.0.0.0/8",      // private use (RFC 1918)
	"100.64.0.0/10",   // shared address space of carrier-grade NAT (RFC 6598)
	"127.0.0.0/8",     // loopback (RFC 1122)
	"169.254.0.0/16",  // link-local, with the metadata services of clouds (RFC 3927)
	"172.16.0.0/12",   // private use
	"192.0.0.0/24",    // IETF protocol assignments (RFC 6890)
	"192.0.2.0/24",    // documentation (RFC 5737)
	"192.88.99.0/24",  // former 6to4 relay anycast (RFC 7526)
	"192.168.0.0/16",  // private use
	"198.18.0.0/15",   // benchmarking (RFC 2544)
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast (RFC 5771)
	"240.0.0.0/4",     // reserved, and limited broadcast (RFC 1112, RFC 919)
)

var (
	// global6 is the range from which the IANA assigns global unicast addresses (RFC 4291).
	// Addresses outside of it, such as loopback, link-local, unique local, site-local and multicast
	// addresses, are not public.
	global6 = netip.MustParsePrefix("2000::/3")

	// special6 are the exceptions within global6, from the IANA IPv6 Special-Purpose Address
	// Registry, with the whole of 2001::/23.
	special6 = prefixes(
		"2001::/23",     // IETF protocol assignments: Teredo, benchmarking, ORCHID, ... (RFC 2928)
		"2001:db8::/32", // documentation (RFC 3849)
		"3fff::/20",     // documentation (RFC 9637)
	)

	// global, though outside of global6 (RFC 6052)
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
)

// public reports whether an address is global unicast and not in a special range. Embedded
// addresses do not count here. a is not IPv4-mapped. Addresses with a zone are never public.
func public(a netip.Addr) bool {
	if a.Is4() {
		return !within(a, special4)
	}
	return nat64.Contains(a) || global6.Contains(a) && !within(a, special6)
}

// embedded returns the IPv4 addresses to which, or through which, traffic to an IPv6 address is
// sent.
func embedded(a netip.Addr) []netip.Addr {
	if a.Is4() {
		return nil
	}
	b := a.As16()
	four := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case nat64.Contains(a), nat64Local.Contains(a):
		return []netip.Addr{four(12)}
	case sixToFour.Contains(a):
		return []netip.Addr{four(2)}
	case teredo.Contains(a):
		client := [4]byte{^b[12], ^b[13], ^b[14], ^b[15]}
		return []netip.Addr{four(4), netip.AddrFrom4(client)}
	}
	return nil
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
