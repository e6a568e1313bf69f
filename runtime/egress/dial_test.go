package egress

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// counter is a server on an address of its own that counts its connections.
func counter(t *testing.T, address string) (port string, count *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	count = new(atomic.Int32)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			conn.Close()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, count
}

// An address that is not allowed sees no connection, whatever way leads to it.
func TestRefusedAddressIsNotDialed(t *testing.T) {
	port, count := counter(t, "127.0.0.1:0")
	c := newClient(t, Rules{Allow: []string{"127.0.0.2"}})
	c.guard.resolver = newResolver(t, map[string][]string{"inner.test.": {"127.0.0.1"}})
	for _, host := range []string{"127.0.0.1", "localhost", "inner.test", "INNER.test.", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]"} {
		f := fails(t, c, map[string]any{"url": "http://" + host + ":" + port + "/?key=topsecret", "headers": map[string]any{"X-Key": "topsecret"}}, CodeAddressRefused)
		if !f.Fatal || strings.Contains(f.Message, "127") || strings.Contains(f.Message, host) {
			t.Errorf("%s: fatal %v, %q", host, f.Fatal, f.Message)
		}
		if f.Detail == nil || strings.Contains(f.Detail.Error(), "topsecret") {
			t.Errorf("%s: %v", host, f.Detail)
		}
	}
	if n := count.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// Of several addresses of a name only the allowed ones are dialed.
func TestOnlyAllowedAddressesOfAName(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	_, count := counter(t, "127.0.0.2:"+port)
	c := newClient(t, Rules{Allow: []string{"127.0.0.1"}})
	c.guard.resolver = newResolver(t, map[string][]string{"both.test.": {"127.0.0.2", "127.0.0.1"}})
	if r := get(t, c, "http://both.test:"+port); string(r.Body) != `"ok"` {
		t.Errorf("%s", r.Body)
	}
	if n := count.Load(); n != 0 {
		t.Errorf("%d connections to the refused address", n)
	}
}

// A name that resolves to an allowed address first and to another one later gains nothing: each
// connection asks once, and what the answer says is what is checked and dialed.
func TestRebinding(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	_, count := counter(t, "127.0.0.2:"+port)
	var asked atomic.Int32
	c := newClient(t, Rules{Allow: []string{"127.0.0.1"}})
	c.guard.resolver = newResolverFunc(t, func(string) []string {
		if asked.Add(1) == 1 {
			return []string{"127.0.0.1"}
		}
		return []string{"127.0.0.2"}
	})
	url := "http://rebind.test:" + port
	get(t, c, url)
	if n := asked.Load(); n != 1 {
		t.Errorf("the name was resolved %d times for one connection", n)
	}
	get(t, c, url) // on the connection that is there
	c.Close()
	fails(t, c, map[string]any{"url": url}, CodeAddressRefused)
	if n := count.Load(); n != 0 {
		t.Errorf("%d connections to the refused address", n)
	}
}

func TestConnectFailures(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	c := newClient(t, Rules{})
	c.guard.resolver = newResolver(t, nil)
	for _, url := range []string{"http://" + closed, "http://no-such-host.test/"} {
		if f := fails(t, c, map[string]any{"url": url}, CodeConnect); f.Fatal {
			t.Errorf("%s: another attempt may mend it", url)
		}
	}
}

func TestProxyVariablesAreIgnored(t *testing.T) {
	port, count := counter(t, "127.0.0.1:0")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("ALL_PROXY", "http://127.0.0.1:"+port)
	c := newClient(t, Rules{})
	c.guard.resolver = newResolver(t, map[string][]string{"web.test.": {"127.0.0.3"}})
	fails(t, c, map[string]any{"url": "http://web.test:" + port}, CodeAddressRefused)
	if n := count.Load(); n != 0 {
		t.Errorf("%d connections to the proxy", n)
	}
	if c.transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

func TestGrantedHosts(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	c := newClient(t, Rules{})
	c.guard.resolver = newResolver(t, map[string][]string{"a.test.": {"127.0.0.1"}, "b.test.": {"127.0.0.1"}})
	a, b := "http://a.test:"+port, "http://b.test:"+port
	for _, tt := range []struct {
		hosts []string
		url   string
		ok    bool
	}{
		{nil, a, true},
		{[]string{"a.test"}, a, true},
		{[]string{"b.test", "A.Test."}, a, true},
		{[]string{"a.test:" + port}, a, true},
		{[]string{"a.test"}, "http://A.TEST.:" + port, true},
		{[]string{"127.0.0.1"}, "http://127.0.0.1:" + port, true},
		{[]string{"a.test"}, b, false},
		{[]string{"a.test:1"}, a, false},
		{[]string{"test"}, a, false},
		// the name is granted, not the address
		{[]string{"a.test"}, "http://127.0.0.1:" + port, false},
		{[]string{"a.test"}, a + "?to=" + a, true},
		{[]string{"a.test"}, a + "?to=" + b, false},
	} {
		_, f := do(t, c, hostapi.HTTPOptions{Hosts: tt.hosts}, map[string]any{"url": tt.url})
		if tt.ok != (f == nil) || f != nil && (f.Code != CodeAddressRefused || !f.Fatal) {
			t.Errorf("%q with %q: %v", tt.url, tt.hosts, f)
		}
	}
	if !granted([]string{"::1"}, mustParse(t, "http://[::1]:80/")) || !granted([]string{"[::1]"}, mustParse(t, "https://[::1]/")) ||
		!granted([]string{"[::1]:443"}, mustParse(t, "https://[::1]/")) || granted([]string{"[::1]:80"}, mustParse(t, "https://[::1]/")) {
		t.Error("IPv6 hosts")
	}
}
