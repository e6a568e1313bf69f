package egress

import (
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	reachable := []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.255",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"192.31.196.1", "192.52.193.1", "192.175.48.1", // special purpose, but globally reachable
		"::ffff:8.8.8.8",
		"2000::1", "2001:200::1", "2001:4860:4860::8888", "2606:4700:4700::1111", "2620:4f:8000::1", "2a00::1", "3ffe::1",
		"64:ff9b::8.8.8.8", "2002:808:808::1",
	}
	refused := []string{
		"0.0.0.0", "0.0.0.1", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255",
		"192.0.0.0", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1",
		"255.255.255.255",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::ffff:169.254.169.254",
		"::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8",
		"100::1", "100:0:0:1::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1", "2001:db8::1", "3fff::1", "3fff:fff::1",
		"5f00::1", "4000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2a00::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
		// what hides in other addresses
		"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::0.0.0.0", "64:ff9b:0:1::8.8.8.8", "64:ff9b:1::8.8.8.8", "64:ff9b:1::10.0.0.1",
		"2002:a00:1::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:c0a8:101::1",
		"2001:0:808:808::f7f7:f7f7",   // Teredo with public addresses
		"2001:0:808:808::f5ff:fffe",   // Teredo to 10.0.0.1
		"2001:0:a00:1::f7f7:f7f7",     // Teredo through 10.0.0.1
		"2001:0:808:808::80ff:fffe",   // Teredo to 127.0.0.1
		"2001:0:7f00:1:0:0:f7f7:f7f7", // Teredo through 127.0.0.1
	}
	g := newGuard(t, Rules{})
	for _, s := range reachable {
		if reason := g.check(t.Context(), "name.test", netip.AddrPortFrom(netip.MustParseAddr(s), 80)); reason != "" {
			t.Errorf("%s: %s", s, reason)
		}
	}
	for _, s := range refused {
		if reason := g.check(t.Context(), "name.test", netip.AddrPortFrom(netip.MustParseAddr(s), 80)); reason == "" {
			t.Errorf("%s is reachable", s)
		}
	}
}

func newGuard(t testing.TB, r Rules) *guard {
	t.Helper()
	rules, err := r.parse()
	if err != nil {
		t.Fatal(err)
	}
	return &guard{rules: rules}
}

func TestEmbedded(t *testing.T) {
	for s, want := range map[string][]string{
		"8.8.8.8":                   nil,
		"2a00::1":                   nil,
		"64:ff9b::10.1.2.3":         {"10.1.2.3"},
		"64:ff9b:1:2::10.1.2.3":     {"10.1.2.3"},
		"2002:a01:203::1":           {"10.1.2.3"},
		"2001:0:a01:203::f5fe:fdfc": {"10.1.2.3", "10.1.2.3"},
	} {
		got := embedded(netip.MustParseAddr(s))
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", s, got, want)
			continue
		}
		for i := range got {
			if got[i].String() != want[i] {
				t.Errorf("%s: %v, want %v", s, got, want)
			}
		}
	}
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		allow, refuse []string
		host, to      string
		ok            bool
	}{
		{allow: []string{"10.1.0.0/16"}, to: "10.1.2.3:80", ok: true},
		{allow: []string{"10.1.9.9/16"}, to: "10.1.2.3:80", ok: true},
		{allow: []string{"10.1.0.0/16"}, to: "10.2.0.1:80"},
		{allow: []string{"10.1.2.3"}, to: "10.1.2.3:80", ok: true},
		{allow: []string{"10.1.2.3"}, to: "[::ffff:10.1.2.3]:80", ok: true},
		{allow: []string{"::ffff:10.1.2.3"}, to: "10.1.2.3:80", ok: true},
		{allow: []string{"10.1.2.3"}, to: "10.1.2.4:80"},
		{allow: []string{"[fd00::7]"}, to: "[fd00::7]:80", ok: true},
		{allow: []string{"10.1.2.3:8080"}, to: "10.1.2.3:8080", ok: true},
		{allow: []string{"10.1.2.3:8080"}, to: "10.1.2.3:80"},
		{allow: []string{"[fd00::7]:8080"}, to: "[fd00::7]:8080", ok: true},
		{allow: []string{"crm.internal"}, to: "10.1.2.3:80", host: "crm.internal", ok: true},
		{allow: []string{"CRM.Internal."}, to: "10.1.2.3:80", host: "crm.internal", ok: true},
		{allow: []string{"crm.internal"}, to: "10.1.2.3:80", host: "a.crm.internal"},
		{allow: []string{"crm.internal:80"}, to: "10.1.2.3:80", host: "crm.internal", ok: true},
		{allow: []string{"crm.internal:80"}, to: "10.1.2.3:81", host: "crm.internal"},

		// the unspecified address is loopback for the kernel
		{allow: []string{"0.0.0.0/0", "::/0", "any"}, to: "0.0.0.0:80", host: "any"},
		{allow: []string{"0.0.0.0/0", "::/0", "any"}, to: "[::]:80", host: "any"},
		{allow: []string{"0.0.0.0/0", "::/0", "any"}, to: "[::ffff:0.0.0.0]:80", host: "any"},

		// what hides in an allowed address has to be allowed as well
		{allow: []string{"64:ff9b:1::/48"}, to: "[64:ff9b:1::10.1.2.3]:80"},
		{allow: []string{"64:ff9b:1::/48"}, to: "[64:ff9b:1::8.8.8.8]:80", ok: true},
		{allow: []string{"64:ff9b:1::/48", "10.0.0.0/8"}, to: "[64:ff9b:1::10.1.2.3]:80", ok: true},
		{allow: []string{"10.0.0.0/8"}, to: "[64:ff9b::10.1.2.3]:80", ok: true},
		{allow: []string{"2001::/32"}, to: "[2001:0:808:808::f7f7:f7f7]:80", ok: true},
		{allow: []string{"2001::/32"}, to: "[2001:0:808:808::f5ff:fffe]:80"},

		// a host:port is that of the address itself
		{allow: []string{"127.0.0.1:18099"}, to: "127.0.0.1:18099", ok: true},
		// the same address in other words
		{allow: []string{"127.0.0.1:18099"}, to: "[::ffff:127.0.0.1]:18099", ok: true},
		{allow: []string{"127.0.0.1:18099"}, to: "[64:ff9b::127.0.0.1]:18099"},
		{allow: []string{"127.0.0.1:18099"}, to: "[64:ff9b:1::127.0.0.1]:18099"},
		{allow: []string{"127.0.0.1:18099"}, to: "[2002:7f00:1::1]:18099"},
		{allow: []string{"10.0.0.1:80"}, to: "[2001:0:808:808::f5ff:fffe]:80"},
		{allow: []string{"[64:ff9b::127.0.0.1]:18099"}, to: "[64:ff9b::127.0.0.1]:18099", ok: true},
		{allow: []string{"[64:ff9b::127.0.0.1]:18099"}, to: "127.0.0.1:18099"},
		{allow: []string{"127.0.0.1:2019"}, refuse: []string{"localhost:2019"}, to: "[64:ff9b::127.0.0.1]:2019"},
		{allow: []string{"127.0.0.1:2019", "127.0.0.0/8"}, refuse: []string{"localhost:2019"}, to: "[64:ff9b::127.0.0.1]:2019"},

		// refused services
		{allow: []string{"127.0.0.0/8"}, to: "127.0.0.1:2019", ok: true},
		{allow: []string{"127.0.0.0/8"}, refuse: []string{"127.0.0.1:2019"}, to: "127.0.0.1:2019"},
		{allow: []string{"127.0.0.0/8"}, refuse: []string{"127.0.0.1:2019"}, to: "[::ffff:127.0.0.1]:2019"},
		{allow: []string{"127.0.0.0/8"}, refuse: []string{"127.0.0.1:2019"}, to: "127.0.0.1:2020", ok: true},
		{allow: []string{"127.0.0.0/8", "::1"}, refuse: []string{"localhost:2019"}, to: "[::1]:2019"},
		{allow: []string{"127.0.0.0/8", "::1"}, refuse: []string{"localhost:2019"}, to: "127.0.0.1:2019"},
		{allow: []string{"127.0.0.1"}, refuse: []string{":2019"}, to: "127.0.0.1:2019"},
		{allow: []string{"127.0.0.1"}, refuse: []string{"0.0.0.0:2019"}, to: "127.0.0.1:2019"},
		{allow: []string{"::1"}, refuse: []string{"[::]:2019"}, to: "[::1]:2019"},
		{allow: []string{"localhost"}, refuse: []string{"127.0.0.1:2019"}, host: "localhost", to: "127.0.0.1:2019"},
		{allow: []string{"localhost:2019"}, refuse: []string{"127.0.0.1:2019"}, host: "localhost", to: "127.0.0.1:2019", ok: true},
		{allow: []string{"127.0.0.1:2019"}, refuse: []string{"localhost:2019"}, host: "localhost", to: "127.0.0.1:2019", ok: true},
		{allow: []string{"localhost:2019"}, refuse: []string{"127.0.0.1:2019"}, host: "other", to: "127.0.0.1:2019"},
		{refuse: []string{"8.8.8.8:53"}, to: "8.8.8.8:53"},
		{refuse: []string{"8.8.8.8:53"}, to: "[64:ff9b::8.8.8.8]:53"},
		// nobody can tell, so it is refused
		{refuse: []string{"no-such-host.invalid:443"}, to: "8.8.8.8:443"},
		{refuse: []string{":0"}, to: "8.8.8.8:443", ok: true},
	} {
		g := newGuard(t, Rules{Allow: tt.allow, Refuse: tt.refuse})
		g.resolver = newResolver(t, nil)
		if tt.host == "" {
			tt.host = "name.test"
		}
		if reason := g.check(t.Context(), tt.host, netip.MustParseAddrPort(tt.to)); (reason == "") != tt.ok {
			t.Errorf("allow %q refuse %q: %s (%s): %q", tt.allow, tt.refuse, tt.to, tt.host, reason)
		}
	}
}

// A service that listens on all addresses is refused under this machine's own ones, too.
func TestRefusedOnAllAddresses(t *testing.T) {
	g := newGuard(t, Rules{Allow: []string{"0.0.0.0/0", "::/0"}, Refuse: []string{":2019"}})
	for _, a := range interfaceAddrs(t) {
		if reason := g.check(t.Context(), "name.test", netip.AddrPortFrom(a, 2019)); reason != "a refused service" {
			t.Errorf("%s: %q", a, reason)
		}
	}
	if reason := g.check(t.Context(), "name.test", netip.MustParseAddrPort("192.0.2.1:2019")); reason != "" {
		t.Errorf("another machine's port: %s", reason)
	}
}

// A service that is refused by name is refused under the addresses of that name.
func TestRefusedByName(t *testing.T) {
	g := newGuard(t, Rules{Allow: []string{"10.0.0.0/8"}, Refuse: []string{"etcd.internal:2379"}})
	g.resolver = newResolver(t, map[string][]string{"etcd.internal.": {"10.0.0.5", "10.0.0.6"}})
	for to, want := range map[string]string{
		"10.0.0.5:2379": "a refused service", "10.0.0.6:2379": "a refused service", "10.0.0.7:2379": "", "10.0.0.5:2380": "",
	} {
		if reason := g.check(t.Context(), "other.internal", netip.MustParseAddrPort(to)); reason != want {
			t.Errorf("%s: %q, want %q", to, reason, want)
		}
	}
}

func TestBadRules(t *testing.T) {
	for entry, want := range map[string]string{
		"":                  `allowing "": not a host name; wildcards are not known`,
		"*.example.com":     `allowing "*.example.com": not a host name; wildcards are not known`,
		"https://example":   `allowing "https://example": a URL; give only its host, or host:port`,
		"10.0.0.0/33":       `allowing "10.0.0.0/33": not a range such as 10.1.0.0/16`,
		"::ffff:10.0.0.0/8": `allowing "::ffff:10.0.0.0/8": not a range such as 10.1.0.0/16`,
		"fe80::1%eth0":      `allowing "fe80::1%eth0": addresses with a zone are never reached`,
		"example.com:http":  `allowing "example.com:http": not a port: "http"`,
		"example.com:70000": `allowing "example.com:70000": not a port: "70000"`,
		"example.com:0":     `allowing "example.com:0": nothing listens on port 0; without a port all of them are allowed`,
		"10.0.0.1:00":       `allowing "10.0.0.1:00": nothing listens on port 0; without a port all of them are allowed`,
		"[fd00::1]:0":       `allowing "[fd00::1]:0": nothing listens on port 0; without a port all of them are allowed`,
		":80":               `allowing ":80": names no host`,
		"0.0.0.0:80":        `allowing "0.0.0.0:80": names no host`,
		"a b:80":            `allowing "a b:80": not a host name: "a b"`,
		"a..b":              `allowing "a..b": not a host name; wildcards are not known`,
	} {
		if _, err := New(Rules{Allow: []string{"example.com", entry}}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", entry, err, want)
		}
	}
	for _, entry := range []string{"", "localhost", "unix//run/admin.sock", "127.0.0.1:http"} {
		if _, err := New(Rules{Refuse: []string{entry}}); err == nil {
			t.Errorf("refusing %q gives no error", entry)
		}
	}
}
