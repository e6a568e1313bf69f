package caddymodule

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// sender is a client that writes to and reads from a connection directly.
type sender struct {
	t testing.TB
	net.Conn
	answers *bufio.Reader
}

// dialFrom opens a connection from a loopback address, "" = any.
func dialFrom(t testing.TB, from, to string) *sender {
	t.Helper()
	var d net.Dialer
	if from != "" {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))
	}
	conn, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &sender{t, conn, bufio.NewReader(conn)}
}

// post sends the head of a request for a workflow, and the given part of its body.
func (s *sender) post(id, head, body string) {
	s.t.Helper()
	s.request(http.MethodPost, id, head, body)
}

func (s *sender) request(method, id, head, body string) {
	s.t.Helper()
	if _, err := fmt.Fprintf(s, "%s /api/webhooks/%s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", method, id, head, body); err != nil {
		s.t.Fatal(err)
	}
}

// reply reads a response. err is the connection's.
func (s *sender) reply() (reply, error) {
	resp, err := http.ReadResponse(s.answers, nil)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b)}, err
}

// want reads a response and checks its status and error code.
func (s *sender) want(what string, status int, code string) {
	s.t.Helper()
	r, err := s.reply()
	if err != nil || r.status != status || r.code() != code {
		s.t.Errorf("%s: %d %s, %v; want %d %s", what, r.status, r.body, err, status, code)
	}
}

// wantEnd checks that the connection ends.
func (s *sender) wantEnd(what string) {
	s.t.Helper()
	if n, err := s.answers.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		s.t.Errorf("%s: %d bytes after the response, %v", what, n, err)
	}
}

// loopback returns one of many loopback addresses.
func loopback(n int) string { return fmt.Sprintf("127.0.%d.%d", 1+n/250, 1+n%250) }

// used returns the bytes that count towards body_memory.
func (a *App) used() int64 { return a.bodies.memory.used.Load() }

// nothingHeld waits until all memory that senders used is released.
func nothingHeld(t testing.TB, a *App) {
	t.Helper()
	for _, s := range []*shares{&a.bodies.memory, &a.linger.conns} {
		eventually(t, "all memory is released", func() bool { return s.used.Load() == 0 && len(s.heldBy()) == 0 })
	}
}

// TestSilentSenders checks that a sender that announces much and sends little uses only the memory
// of what it sends. The addresses do not matter, nor whether the workflow exists.
func TestSilentSenders(t *testing.T) {
	const many, announced = 300, 100_000
	for _, c := range []struct{ name, handler, id string }{
		{"a workflow's id", ``, "echo"},
		{"a workflow's id where ids are hidden", `,"unknown_workflow":401`, "echo"},
		{"any id where ids are hidden", `,"unknown_workflow":401`, "any"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runWith(t, `{"limits":{"body":100000,"body_memory":1000000,"body_timeout":"1m"}}`, around{handler: c.handler})
			var sent int64
			var silent []*sender
			for n := range many {
				s := dialFrom(t, loopback(n), r.address)
				switch n % 4 {
				case 0:
					s.post(c.id, fmt.Sprintf("Content-Length: %d", announced), "")
				case 1: // a byte, and perhaps more
					s.post(c.id, fmt.Sprintf("Content-Length: %d", announced), "{")
					sent++
				case 2: // a chunk of 4 GiB
					s.post(c.id, "Transfer-Encoding: chunked", "FFFFFFF0\r\n"+strings.Repeat(" ", firstBuffer+100))
					// the first buffer, and a byte that shows that there is more
					sent += firstBuffer + 1
				case 3:
					s.post(c.id, "Transfer-Encoding: chunked", "")
				}
				silent = append(silent, s)
			}
			app := r.app()
			eventually(t, "all parts have arrived", func() bool { return app.used() == sent })
			for n := 1; n < 40; n += 4 { // byte by byte
				for range 5 {
					fmt.Fprint(silent[n], " ")
					sent++
				}
			}
			eventually(t, "a little more has arrived", func() bool { return app.used() == sent })
			for range 20 {
				r.echo(`"` + strings.Repeat("x", 20_000) + `"`)
			}
			for _, s := range silent {
				s.Close()
			}
			nothingHeld(t, app)
		})
	}
}

// TestSilentSendersHoldLittle checks that the buffer for a body grows with the bytes that have
// arrived, not with the declared length.
func TestSilentSendersHoldLittle(t *testing.T) {
	for _, come := range []int{0, 1, 4096, 4097, 10_000, 65_536, 65_537, 300_000} {
		for _, declared := range []int64{-1, mib} {
			s := readerOf(mib, 10*mib)
			held := make(chan *body, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b := &body{owner: s, from: peerOf(clientIP(r))}
				_ = b.readAll(io.LimitReader(r.Body, int64(come)), declared, time.Now().Add(time.Minute))
				held <- b
			}))
			resp, err := server.Client().Post(server.URL, "", bytes.NewReader(make([]byte, come)))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			server.Close()
			b := <-held
			if len(b.data) != come || b.held != int64(come) || s.memory.used.Load() != int64(come) {
				t.Errorf("%d bytes of %d: %d read, %d counted", come, declared, len(b.data), b.held)
			}
			if room := cap(b.data); room > max(firstBuffer, 2*come) {
				t.Errorf("%d bytes of %d: a buffer of %d", come, declared, room)
			}
			b.release()
			if used := s.memory.used.Load(); used != 0 {
				t.Errorf("%d bytes of %d: %d still counted", come, declared, used)
			}
		}
	}
}

// TestShareOfAddress checks that one address gets no more than its quarter while more than half is
// in use. Others do get memory.
func TestShareOfAddress(t *testing.T) {
	const piece = 8000
	r := runWith(t, `{"limits":{"body":9000,"body_memory":64000,"body_timeout":"1m"}}`, around{})
	app := r.app()
	var held int64
	hold := func(from string) *sender {
		t.Helper()
		s := dialFrom(t, from, r.address)
		s.post("echo", "Content-Length: 9000", strings.Repeat(" ", piece))
		held += piece
		eventually(t, "its bytes have arrived", func() bool { return app.used() == held })
		return s
	}
	refused := func(what, from string) {
		t.Helper()
		s := dialFrom(t, from, r.address)
		// Bytes counted before the last ones are released.
		s.post("echo", "Content-Length: 9000", strings.Repeat(" ", piece))
		answer, err := s.reply()
		if err != nil || answer.status != http.StatusServiceUnavailable || answer.code() != "overloaded" || answer.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v %s, %v", what, answer.status, answer.header, answer.body, err)
		}
		s.wantEnd(what)
		s.Close()
		eventually(t, "its memory is released", func() bool { return app.used() == held })
	}
	var first []*sender
	for range 4 {
		first = append(first, hold("127.0.0.2")) // half of all, while no other address wants it
	}
	refused("a fifth of the first address", "127.0.0.2")
	hold("127.0.0.3")
	second := hold("127.0.0.3")
	refused("a third of the second one", "127.0.0.3")
	r.echo(`"from a third"`)
	fmt.Fprint(first[0], strings.Repeat(" ", 500))
	first[0].want("one that is being read", http.StatusServiceUnavailable, "overloaded")
	held -= piece
	eventually(t, "its memory is released", func() bool { return app.used() == held })
	hold("127.0.0.4")
	hold("127.0.0.4")
	hold("127.0.0.5")
	refused("of another one, when all is taken", "127.0.0.6")
	second.Close()
	held -= piece
	eventually(t, "its memory is released", func() bool { return app.used() == held })
	r.echo(`"from a third"`)
	for range 3 {
		first[len(first)-1].Close()
		first = first[:len(first)-1]
		held -= piece
	}
	eventually(t, "their memory is released", func() bool { return app.used() == held })
	hold("127.0.0.2")
}

// TestPeer checks that the peer is the address that Caddy trusts, and that an IPv6 network counts
// as one peer.
func TestPeer(t *testing.T) {
	of := func(address string) peer {
		r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
		ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{caddyhttp.ClientIPVarKey: address})
		return peerOf(clientIP(r.WithContext(ctx)))
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"@", "no address", true}, // of a Unix socket
		{"@", "192.0.2.1", false},
	} {
		if same := of(c.a) == of(c.b); same != c.same {
			t.Errorf("%s and %s are the same: %t", c.a, c.b, same)
		}
	}
}

// TestShareBehindProxies checks that the address that a client claims counts only if a trusted
// proxy passes it on.
func TestShareBehindProxies(t *testing.T) {
	trusted := `,"trusted_proxies":{"source":"static","ranges":["127.0.0.2/32"]}`
	for _, c := range []struct {
		name, from string
		forwarded  []string // X-Forwarded-For of five requests that hold an eighth each
		status     int      // of the fifth
	}{
		{"clients of their own", "127.0.0.2", []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}, http.StatusOK},
		{"networks of their own", "127.0.0.2", []string{"2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1", "2001:db8:0:5::1"}, http.StatusOK},
		{"one network", "127.0.0.2", []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"}, http.StatusServiceUnavailable},
		{"no proxy that is trusted", "127.0.0.3", []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}, http.StatusServiceUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runWith(t, `{"limits":{"body":9000,"body_memory":64000,"body_timeout":"1m"}}`, around{server: trusted})
			app := r.app()
			for n, address := range c.forwarded {
				s := dialFrom(t, c.from, r.address)
				body := strings.Repeat(" ", 8000)
				if n < 4 {
					s.post("echo", "Content-Length: 9000\r\nX-Forwarded-For: "+address, body)
					eventually(t, "its bytes have arrived", func() bool { return app.used() == int64(n+1)*8000 })
					continue
				}
				body = `"` + body + `"`
				s.post("echo", fmt.Sprintf("Content-Length: %d\r\nX-Forwarded-For: %s\r\nX-Webhook-Signature: %s", len(body), address,
					to("echo", body).header.Get("X-Webhook-Signature")), body)
				if answer, err := s.reply(); err != nil || answer.status != c.status {
					t.Errorf("%d %.100s, %v, want %d", answer.status, answer.body, err, c.status)
				}
			}
		})
	}
}

// TestAnswerIsSeen sends whole bodies before it reads a response, as most HTTP/1.1 clients do. With
// unread bytes, the server would end the connection with a reset, and the response would be lost.
func TestAnswerIsSeen(t *testing.T) {
	const size = 6 * mib
	declared := fmt.Sprintf("Content-Length: %d", size)
	body := strings.Repeat(" ", size)
	chunks := strings.Repeat("100000\r\n"+strings.Repeat(" ", mib)+"\r\n", size/mib) + "0\r\n\r\n"
	for name, c := range map[string]struct {
		app string
		around
		method, id string
		status     int
		code       string
	}{
		"too large":       {``, around{}, "POST", "echo", 413, "body_too_large"},
		"to nobody":       {``, around{}, "POST", "nobody", 404, "workflow_not_found"},
		"another method":  {``, around{}, "PUT", "echo", 405, "method_not_allowed"},
		"hidden":          {``, around{handler: `,"unknown_workflow":401`}, "POST", "nobody", 413, "body_too_large"},
		"no room":         {`,"body":8388608,"body_memory":8388608`, around{}, "POST", "echo", 503, "overloaded"},
		"the site's":      {`,"body":8388608`, around{before: `{"handler":"request_body","max_size":1000},`}, "POST", "echo", 413, "body_too_large"},
		"with access log": {``, around{server: `,"logs":{}`}, "POST", "echo", 413, "body_too_large"},
		"with encodings":  {``, around{before: `{"handler":"encode","encodings":{"gzip":{}}},`}, "POST", "echo", 413, "body_too_large"},
		"no idle timeout": {``, around{server: `,"read_idle_timeout":-1,"write_idle_timeout":-1`}, "POST", "echo", 413, "body_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			r := runWith(t, `{"limits":{"body_timeout":"1m"`+c.app+`}}`, c.around)
			app := r.app()
			if c.code == "overloaded" {
				if err := app.bodies.memory.take(peer{1}, 4*mib); err != nil { // of another client
					t.Fatal(err)
				}
				defer app.bodies.memory.give(peer{1}, 4*mib)
			}
			bodies := map[string]string{declared: body, "Transfer-Encoding: chunked": chunks}
			if name == "the site's" { // Caddy itself rejects declared lengths
				delete(bodies, declared)
			}
			for head, body := range bodies {
				s := dialFrom(t, "", r.address)
				if _, err := fmt.Fprintf(s, "%s /api/webhooks/%s HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n%s\r\n\r\n", c.method, c.id, head); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(s, body); err != nil {
					t.Errorf("%s: sending: %v", head, err)
				}
				s.want(head, c.status, c.code)
				s.wantEnd(head)
				s.Close()
			}
			eventually(t, "the connections have ended", func() bool { return app.linger.conns.used.Load() == 0 })
		})
	}
}

// TestLateSender checks that a sender that was too slow sees the response, even if it then sends
// the rest.
func TestLateSender(t *testing.T) {
	r := run(t, `{"limits":{"body_timeout":"50ms"}}`)
	rest := strings.Repeat(" ", 500_000)
	for head, begin := range map[string]string{
		"Content-Length: 900000":     "{",
		"Transfer-Encoding: chunked": "3\r\n{",
	} {
		s := dialFrom(t, "", r.address)
		s.post("echo", head, begin)
		if _, err := s.answers.Peek(1); err != nil { // the response has arrived
			t.Fatal(err)
		}
		if _, err := io.WriteString(s, rest); err != nil {
			t.Errorf("%s: sending the rest: %v", head, err)
		}
		s.want(head, http.StatusRequestTimeout, "body_timeout")
		s.wantEnd(head)
		s.Close()
	}
	nothingHeld(t, r.app())
}

// TestAnswerIsSeenWithTLS is TestAnswerIsSeen over HTTP/1.1 with TLS.
func TestAnswerIsSeenWithTLS(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("echo", trigger(`{"responseMode":"lastNode"}`))
	server := httptest.NewUnstartedServer(s.server.Config.Handler)
	server.StartTLS()
	defer server.Close()
	raw := dialFrom(t, "", server.Listener.Addr().String())
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos, config.ServerName = []string{"http/1.1"}, "example.com"
	conn := tls.Client(raw.Conn, config)
	secured := &sender{t, conn, bufio.NewReader(conn)}
	secured.post("echo", fmt.Sprintf("Content-Length: %d", 6*mib), "")
	if _, err := io.WriteString(secured, strings.Repeat(" ", 6*mib)); err != nil {
		t.Errorf("sending: %v", err)
	}
	secured.want("TLS", http.StatusRequestEntityTooLarge, "body_too_large")
	secured.wantEnd("TLS")
	conn.Close()
	nothingHeld(t, s.app)
}

// TestNothingIsAskedFor checks that a sender that waits for 100 Continue gets a response and need
// not send the body.
func TestNothingIsAskedFor(t *testing.T) {
	r := run(t, `{}`)
	for id, want := range map[string]struct {
		length, status int
		code           string
	}{
		"echo":   {2 * mib, http.StatusRequestEntityTooLarge, "body_too_large"},
		"nobody": {100, http.StatusNotFound, "workflow_not_found"},
	} {
		s := dialFrom(t, "", r.address)
		s.post(id, fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue", want.length), "")
		s.want(id, want.status, want.code)
		s.wantEnd(id)
		s.Close()
	}
	nothingHeld(t, r.app())
}

// TestSmallBodiesKeepTheConnection checks that a rejection before a small body was read does not
// cost the connection. A sender that announces such a body and does not send it still gets a
// response.
func TestSmallBodiesKeepTheConnection(t *testing.T) {
	r := run(t, `{}`)
	r.app().linger.time = 50 * time.Millisecond
	s := dialFrom(t, "", r.address)
	for range 3 {
		s.post("nobody", "Content-Length: 1000", strings.Repeat(" ", 1000))
		s.want("unknown", http.StatusNotFound, "workflow_not_found")
		s.request(http.MethodPut, "echo", "Content-Length: 1000", strings.Repeat(" ", 1000))
		s.want("method", http.StatusMethodNotAllowed, "method_not_allowed")
	}
	s.post("nobody", "Content-Length: 1000", "")
	s.want("silent", http.StatusNotFound, "workflow_not_found")
	s.wantEnd("silent")
}

// TestLingerBounds checks the limits on the bytes, time and connections used to read on after a
// response. One address cannot use all of these connections.
func TestLingerBounds(t *testing.T) {
	const tooLarge = "Content-Length: 9000000000"
	t.Run("bytes", func(t *testing.T) {
		r := run(t, `{}`)
		r.app().linger.bytes = 2 * mib
		s := dialFrom(t, "", r.address)
		s.post("echo", tooLarge, "")
		piece := make([]byte, mib)
		sent, err := 0, error(nil)
		for err == nil && sent < 1000 {
			_, err = s.Write(piece)
			sent++
		}
		if err == nil {
			t.Errorf("%d MiB were read", sent)
		}
		nothingHeld(t, r.app())
	})
	t.Run("time", func(t *testing.T) {
		r := run(t, `{}`)
		r.app().linger.time = 50 * time.Millisecond
		s := dialFrom(t, "", r.address)
		s.post("echo", tooLarge, "")
		s.want("silent", http.StatusRequestEntityTooLarge, "body_too_large")
		s.wantEnd("silent")
		nothingHeld(t, r.app()) // the sender has not closed
	})
	t.Run("connections", func(t *testing.T) {
		r := run(t, `{}`)
		app := r.app()
		app.linger.conns.limit, app.linger.conns.share = 8, 2
		app.linger.time = time.Hour
		var held int64
		open := func(from string, more int64) {
			t.Helper()
			s := dialFrom(t, from, r.address)
			s.post("echo", tooLarge, "")
			s.want(from, http.StatusRequestEntityTooLarge, "body_too_large")
			s.wantEnd(from)
			held += more
			eventually(t, from, func() bool { return app.linger.conns.used.Load() == held })
		}
		for range 4 {
			open("127.0.0.2", 1)
		}
		open("127.0.0.2", 0)
		open("127.0.0.3", 1)
		open("127.0.0.3", 1)
		open("127.0.0.3", 0)
		open("127.0.0.4", 1)
		open("127.0.0.4", 1)
		open("127.0.0.5", 0)
		r.echo(`1`)
		// A reload and the end of the process do not wait for them.
		if err := r.load(`{"limits":{"executions":9}}`); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := caddy.Stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("Caddy took %v to stop", took)
		}
	})
}

// TestAnswerIsWhole checks that reading on is left to the server if an earlier handler buffers or
// rewrites the response.
func TestAnswerIsWhole(t *testing.T) {
	for name, before := range map[string]string{
		"encoded":  `{"handler":"encode","encodings":{"gzip":{}},"minimum_length":1},`,
		"buffered": `{"handler":"intercept","handle_response":[{"match":{"status_code":[413]},"status_code":"499"}]},`,
	} {
		t.Run(name, func(t *testing.T) {
			r := runWith(t, `{}`, around{before: before})
			s := dialFrom(t, "", r.address)
			s.post("echo", "Accept-Encoding: gzip\r\nContent-Length: 9000000", "")
			answer, err := s.reply()
			if err != nil {
				t.Fatal(err)
			}
			status := 499
			if name == "encoded" {
				status = http.StatusRequestEntityTooLarge
				z, err := gzip.NewReader(strings.NewReader(answer.body))
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				answer.body = string(b)
			}
			if answer.status != status || answer.code() != "body_too_large" {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			s.wantEnd(name)
			nothingHeld(t, r.app())
		})
	}
}
