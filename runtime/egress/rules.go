package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Rules say which addresses may be dialed in addition to public ones.
type Rules struct {
	// Allow adds a CIDR ("10.1.0.0/16"), an address ("10.1.2.3", "fd00::7"), a host name
	// ("crm.internal": any port, and any address that it resolves to), or host:port with a name or
	// an address. Names are compared as a whole, ignoring case; there are no wildcards.
	Allow []string

	// Refuse names services of this machine and its network that nodes must never reach, as
	// host:port: Caddy's admin endpoint, the store. They are refused under every name and address
	// that leads there, unless Allow has them as exact host:port. Without a host, or with an
	// unspecified address, it is the port on all addresses of this machine.
	Refuse []string
}

// rules are parsed Rules. Names are in lower case and without a trailing dot.
type rules struct {
	prefixes []netip.Prefix
	hosts    map[string]bool
	pairs    map[endpoint]bool
	refuse   []endpoint
}

// endpoint is a host name or an address, and a port. With neither name nor address it stands for
// every address of this machine.
type endpoint struct {
	name string
	addr netip.Addr
	port uint16
}

func (r Rules) parse() (rules, error) {
	p := rules{hosts: make(map[string]bool), pairs: make(map[endpoint]bool)}
	for _, s := range r.Allow {
		if err := p.allow(s); err != nil {
			return rules{}, fmt.Errorf("allowing %q: %w", s, err)
		}
	}
	for _, s := range r.Refuse {
		e, err := parseEndpoint(s)
		if err != nil {
			return rules{}, fmt.Errorf("refusing %q: %w", s, err)
		}
		p.refuse = append(p.refuse, e)
	}
	return p, nil
}

// CheckAllow checks an entry of Rules.Allow.
func CheckAllow(entry string) error {
	_, err := Rules{Allow: []string{entry}}.parse()
	return err
}

// CheckHost checks an entry of HTTPOptions.Hosts: a host name or an address, with or without a
// port.
func CheckHost(entry string) error {
	bare := strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil || validName(canonicalHost(entry)) {
		return nil
	}
	if e, err := parseEndpoint(entry); err == nil && (e.name != "" || e.addr.IsValid()) {
		if e.port == 0 {
			return fmt.Errorf("%q: %w", entry, errPortZero)
		}
		return nil
	}
	return fmt.Errorf("%q is neither a host nor host:port", entry)
}

// errPortZero is the error for an entry that would allow nothing.
var errPortZero = errors.New("nothing listens on port 0; without a port all of them are allowed")

func (p *rules) allow(s string) error {
	if strings.Contains(s, "/") {
		if strings.Contains(s, "://") {
			return errors.New("a URL; give only its host, or host:port")
		}
		prefix, err := netip.ParsePrefix(s)
		if err != nil || prefix.Addr().Is4In6() {
			return errors.New("not a range such as 10.1.0.0/16")
		}
		p.prefixes = append(p.prefixes, prefix.Masked())
		return nil
	}
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		if a.Zone() != "" {
			return errors.New("addresses with a zone are never reached")
		}
		a = a.Unmap()
		p.prefixes = append(p.prefixes, netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	if strings.Contains(s, ":") {
		e, err := parseEndpoint(s)
		if err != nil {
			return err
		}
		switch {
		case e.name == "" && !e.addr.IsValid():
			return errors.New("names no host")
		case e.port == 0:
			return errPortZero
		}
		p.pairs[e] = true
		return nil
	}
	name := canonicalHost(s)
	if !validName(name) {
		return errors.New("not a host name; wildcards are not known")
	}
	p.hosts[name] = true
	return nil
}

func parseEndpoint(s string) (endpoint, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return endpoint{}, errors.New("not of the form host:port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return endpoint{}, fmt.Errorf("not a port: %q", port)
	}
	e := endpoint{port: uint16(n)}
	if host == "" {
		return e, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if !a.IsUnspecified() {
			e.addr = a.Unmap()
		}
		return e, nil
	}
	if e.name = canonicalHost(host); !validName(e.name) {
		return endpoint{}, fmt.Errorf("not a host name: %q", host)
	}
	return e, nil
}

// exact reports whether a host:port is allowed explicitly: by the requested name, or by the very
// address that is dialed. An address that is only embedded in the dialed one was not named.
func (p *rules) exact(host string, a netip.Addr, port uint16) bool {
	return p.pairs[endpoint{name: host, port: port}] || p.pairs[endpoint{addr: a, port: port}]
}

// canonicalHost returns the form in which host names are compared.
func canonicalHost(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// validName reports whether s can be a host name: ASCII letters, digits, hyphens, underscores and
// dots.
func validName(s string) bool {
	if s == "" || len(s) > 253 || s[0] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
