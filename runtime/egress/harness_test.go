package egress

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient makes a client that may reach loopback.
func newClient(t testing.TB, r Rules) *Client {
	t.Helper()
	if r.Allow == nil {
		r.Allow = []string{"127.0.0.1"}
	}
	c, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// trust makes c trust the certificates of a test server.
func trust(c *Client, s *httptest.Server) {
	c.transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// response is a decoded result of Do.
type response struct {
	Status   int
	Headers  map[string]any
	Body     json.RawMessage
	Encoding string
}

// do sends a request.
func do(t testing.TB, c *Client, o hostapi.HTTPOptions, req map[string]any) (response, *hostapi.Failure) {
	t.Helper()
	raw, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Do(t.Context(), raw, o, []byte("dst"))
	return decode(t, out, err)
}

func decode(t testing.TB, out []byte, err error) (response, *hostapi.Failure) {
	t.Helper()
	if string(out[:3]) != "dst" {
		t.Fatalf("dst was not kept: %s", out)
	}
	var f *hostapi.Failure
	if err != nil {
		if !errors.As(err, &f) || f.Code == "" || f.Message == "" || len(out) > 3 {
			t.Fatalf("%#v with %s", err, out)
		}
		return response{}, f
	}
	var r response
	if err := json.Unmarshal(out[3:], &r); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return r, nil
}

// get sends a GET request that must succeed.
func get(t testing.TB, c *Client, url string) response {
	t.Helper()
	r, f := do(t, c, hostapi.HTTPOptions{}, map[string]any{"url": url})
	if f != nil {
		t.Fatalf("%s: %s: %v", url, f.Message, f.Detail)
	}
	return r
}

// fails sends a request that must fail with a code.
func fails(t testing.TB, c *Client, req map[string]any, code string) *hostapi.Failure {
	t.Helper()
	r, f := do(t, c, hostapi.HTTPOptions{}, req)
	if f == nil {
		t.Fatalf("%v: %+v, want %s", req, r, code)
	}
	if f.Code != code {
		t.Errorf("%v: %s (%v), want %s", req, f.Code, f.Detail, code)
	}
	return f
}

// newResolver makes a resolver for a name server on loopback with the given names.
func newResolver(t testing.TB, names map[string][]string) *net.Resolver {
	return newResolverFunc(t, func(name string) []string { return names[name] })
}

// newResolverFunc is newResolver with a function that is called for each query of IPv4 addresses.
func newResolverFunc(t testing.TB, lookup func(name string) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, err := answerQuestion(buf[:n], lookup); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
}

func answerQuestion(question []byte, lookup func(name string) []string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		list := lookup(strings.ToLower(q.Name.String()))
		if len(list) == 0 {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, s := range list {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(s).As4()},
			})
		}
	}
	return m.Pack()
}

func interfaceAddrs(t testing.TB) []netip.Addr {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var out []netip.Addr
	for _, n := range list {
		out = append(out, netip.MustParsePrefix(n.String()).Addr())
	}
	return out
}
