package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestRequestOnTheWire(t *testing.T) {
	s := serve(t, echo)
	c := newClient(t, Rules{})
	r, f := do(t, c, hostapi.HTTPOptions{IdempotencyKey: "exec-1-notify-0"}, map[string]any{
		"method": "POST", "url": s.URL + "/orders?a=b", "query": map[string]any{"c": 1},
		"headers": map[string]any{"X-Key": "k"}, "body": map[string]any{"total": 1},
	})
	if f != nil {
		t.Fatal(f.Detail)
	}
	got := sawOf(t, r)
	if got.Method != "POST" || got.URI != "/orders?a=b&c=1" || got.Body != `{"total":1}` {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Content-Length": "11", "User-Agent": "flowtrux-edge",
		"X-Key": "k", "Idempotency-Key": "exec-1-notify-0", "Accept-Encoding": "gzip",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if len(got.Header) != 6 {
		t.Errorf("%v", got.Header)
	}
}

func TestIdempotencyKey(t *testing.T) {
	s := serve(t, echo)
	c := newClient(t, Rules{})
	for _, tt := range []struct{ method, own, want string }{
		{"GET", "", ""}, {"POST", "", "key"}, {"PUT", "", "key"}, {"DELETE", "", "key"}, {"PATCH", "own", "own"}, {"GET", "own", "own"},
	} {
		req := map[string]any{"method": tt.method, "url": s.URL + "/"}
		if tt.own != "" {
			req["headers"] = map[string]any{"idempotency-key": tt.own}
		}
		r, f := do(t, c, hostapi.HTTPOptions{IdempotencyKey: "key"}, req)
		if f != nil {
			t.Fatal(f.Detail)
		}
		if got := sawOf(t, r).Header["Idempotency-Key"]; strings.Join(got, "|") != tt.want {
			t.Errorf("%s: %q, want %q", tt.method, got, tt.want)
		}
	}
}

func TestResponses(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body, want string
	}{
		{"JSON", "application/json", ` {"b": 1.50, "a": [null]} `, `{"b":1.50,"a":[null]}`},
		{"JSON with a charset", "Application/JSON; charset=utf-8", `1e400`, `1e400`},
		{"+json", "application/problem+json", `"x"`, `"x"`},
		{"repeated keys", "application/json", `{"a":1,"a":2}`, `{"a":2}`},
		{"broken JSON", "application/json", `{"a":`, `"{\"a\":"`},
		{"two values", "application/json", `1 2`, `"1 2"`},
		{"deep JSON", "application/json", strings.Repeat("[", 511) + strings.Repeat("]", 511), strings.Repeat("[", 511) + strings.Repeat("]", 511)},
		{"too deep JSON", "application/json", strings.Repeat("[", 512) + strings.Repeat("]", 512), `"` + strings.Repeat("[", 512) + strings.Repeat("]", 512) + `"`},
		{"JSON in Latin 1", "application/json", "\"\xe4\"", `"IuQi","encoding":"base64"`},
		{"no JSON type", "text/plain", `{"a":1}`, `"{\"a\":1}"`},
		{"text", "text/html; charset=utf-8", "<p>ä\u2028\x00\n", `"<p>ä` + "\u2028" + `\u0000\n"`},
		{"bytes", "application/octet-stream", "\x00\x01\xff", `"AAH/","encoding":"base64"`},
		{"empty", "application/json", "", `""`},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			w.Header().Set("Content-Type", tt.contentType)
			w.Header().Set("Content-Encoding", "identity")
			w.Header()["X-Two"] = []string{"a", "b\xff"}
			w.Header()["Set-Cookie"] = []string{"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"}
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, tt.body)
			w.(http.Flusher).Flush() // no Content-Length
		})
		c := newClient(t, Rules{})
		out, err := c.Do(t.Context(), []byte(`{"url":"`+s.URL+`"}`), hostapi.HTTPOptions{}, nil)
		want := `{"status":418,"headers":{"content-encoding":"identity","content-type":"` + tt.contentType + `",` +
			`"set-cookie":["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT","b=2"],"x-two":"a, b` + "\uFFFD" + `"},"body":` + tt.want + `}`
		if err != nil || string(out) != want {
			t.Errorf("%s: %s, %v\nwant %s", tt.name, out, err, want)
		}
	}
}

func TestOneCookieIsAnArray(t *testing.T) {
	if got := string(appendHeaders(nil, http.Header{"Set-Cookie": {"a=1"}})); got != `{"set-cookie":["a=1"]}` {
		t.Error(got)
	}
	if got := string(appendHeaders(nil, nil)); got != `{}` {
		t.Error(got)
	}
}

func TestResponseLimit(t *testing.T) {
	bomb := new(bytes.Buffer)
	z := gzip.NewWriter(bomb)
	_, _ = z.Write(make([]byte, 1<<20))
	z.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/declared":
			w.Header().Set("Content-Length", "1001")
			_, _ = w.Write(make([]byte, 1001))
		case "/chunked":
			for range 1001 {
				_, _ = w.Write([]byte("x"))
			}
			w.(http.Flusher).Flush()
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/fits":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
		case "/headers":
			w.Header().Set("X-Large", strings.Repeat("x", maxResponseHeader))
		}
	})
	c := newClient(t, Rules{})
	for _, path := range []string{"/declared", "/chunked", "/endless", "/bomb"} {
		_, f := do(t, c, hostapi.HTTPOptions{MaxResponse: 1000}, map[string]any{"url": s.URL + path})
		if f == nil || f.Code != CodeTooLarge || !f.Fatal {
			t.Errorf("%s: %v", path, f)
		}
	}
	r, f := do(t, c, hostapi.HTTPOptions{MaxResponse: 1000}, map[string]any{"url": s.URL + "/fits"})
	if f != nil || len(r.Body) != 1002 {
		t.Errorf("/fits: %d, %v", len(r.Body), f)
	}
	if r, f = do(t, c, hostapi.HTTPOptions{}, map[string]any{"url": s.URL + "/bomb"}); f != nil || len(r.Body) != 6*1<<20+2 {
		t.Errorf("a mebibyte is the limit when none is given: %d, %v", len(r.Body), f)
	}
	r, f = do(t, c, hostapi.HTTPOptions{MaxResponse: 1000}, map[string]any{"method": "HEAD", "url": s.URL + "/declared"})
	if f != nil || r.Headers["content-length"] != "1001" {
		t.Errorf("a length without a body counts: %+v, %v", r, f)
	}
	fails(t, c, map[string]any{"url": s.URL + "/headers"}, CodeFailed)
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-body" {
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	c := newClient(t, Rules{})
	for _, path := range []string{"/slow-header", "/slow-body"} {
		f := fails(t, c, map[string]any{"url": s.URL + path, "timeout": "20ms"}, CodeTimeout)
		if f.Fatal {
			t.Errorf("%s: another attempt may mend it", path)
		}
	}
	// The end of the call counts, too, and so does its being cancelled.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, []byte(`{"url":"`+s.URL+`"}`), hostapi.HTTPOptions{}, nil)
	if f := new(hostapi.Failure); !errors.As(err, &f) || f.Code != CodeTimeout {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = c.Do(ctx, []byte(`{"url":"`+s.URL+`"}`), hostapi.HTTPOptions{}, nil)
	if f := new(hostapi.Failure); !errors.As(err, &f) || f.Code != CodeFailed || f.Message != "the request was cancelled" {
		t.Errorf("%v", err)
	}
}

func TestDeadline(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct{ left, timeout, want time.Duration }{
		{0, 10 * time.Second, 10 * time.Second}, // ctx has no end
		{time.Minute, 10 * time.Second, 10 * time.Second},
		{10 * time.Second, 10 * time.Second, 9900 * time.Millisecond},
		{10 * time.Second, time.Hour, 9900 * time.Millisecond},
		{100 * time.Millisecond, time.Second, 90 * time.Millisecond},
		{-time.Second, time.Second, -900 * time.Millisecond},
	} {
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if tt.left != 0 {
			ctx, cancel = context.WithDeadline(ctx, now.Add(tt.left))
		}
		if got := deadline(ctx, now, tt.timeout).Sub(now); got != tt.want {
			t.Errorf("%v left, timeout %v: %v, want %v", tt.left, tt.timeout, got, tt.want)
		}
		cancel()
	}
}

// raw serves each connection with fixed bytes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	})
	return "http://" + l.Addr().String()
}

func TestBrokenServers(t *testing.T) {
	c := newClient(t, Rules{})
	for name, answer := range map[string]string{
		"nothing":       "",
		"no HTTP":       "220 mail.test ESMTP\r\n",
		"cut off":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
		"bad chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"bad gzip":      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		"upgrade":       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"two lengths":   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"many headers":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n",
		"endless hints": strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", 10000),
	} {
		f := fails(t, c, map[string]any{"url": raw(t, answer)}, CodeFailed)
		if f.Fatal || f.Message == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestTLS(t *testing.T) {
	plain := serve(t, echo)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)

	stranger := newClient(t, Rules{})
	if f := fails(t, stranger, map[string]any{"url": secure.URL}, CodeTLS); f.Fatal {
		t.Error("another attempt may mend it")
	}
	fails(t, stranger, map[string]any{"url": "https" + strings.TrimPrefix(plain.URL, "http")}, CodeTLS)

	c := newClient(t, Rules{})
	trust(c, secure)
	var version string
	secure.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { version = r.Proto; echo(w, r) })
	if r := get(t, c, secure.URL+"/x"); sawOf(t, r).URI != "/x" || version != "HTTP/2.0" {
		t.Errorf("%s over %s", r.Body, version)
	}

	old := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = secure.Config.ErrorLog
	old.StartTLS()
	t.Cleanup(old.Close)
	fails(t, c, map[string]any{"url": old.URL}, CodeTLS)
}

func TestConnectionsAreReused(t *testing.T) {
	var mu sync.Mutex
	conns := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			conns++
			mu.Unlock()
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := newClient(t, Rules{})
	for range 5 {
		get(t, c, s.URL+"/302?to=/end")
	}
	mu.Lock()
	defer mu.Unlock()
	if conns != 1 {
		t.Errorf("%d connections", conns)
	}
}

// Requests that run at once share the client's buffers but not what is in them.
func TestConcurrentRequests(t *testing.T) {
	s := serve(t, echo)
	c := newClient(t, Rules{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			body := strings.Repeat(string(rune('a'+i)), 1000*(i+1))
			for range 20 {
				r, f := do(t, c, hostapi.HTTPOptions{}, map[string]any{"method": "POST", "url": s.URL + "/", "body": body})
				if f != nil {
					t.Error(f.Detail)
				} else if got := sawOf(t, r); got.Body != body {
					t.Errorf("%.20s came back as %.20s", body, got.Body)
				}
			}
		})
	}
	wg.Wait()
}

// The caller's bytes are its own again when Do returns.
func TestDoKeepsNothing(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {}) // does not read the body
	c := newClient(t, Rules{})
	req := []byte(`{"method":"POST","url":"` + s.URL + `","body":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`)
	if _, err := c.Do(t.Context(), req, hostapi.HTTPOptions{}, nil); err != nil {
		var f *hostapi.Failure
		if !errors.As(err, &f) || f.Code != CodeFailed {
			t.Fatal(err)
		}
	}
	clear(req) // the race detector sees it when the transport still reads
}

func BenchmarkDo(b *testing.B) {
	s := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	c := newClient(b, Rules{})
	req := []byte(`{"method":"POST","url":"` + s.URL + `/orders","headers":{"X-Key":"k"},"body":{"total":12.50}}`)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = c.Do(b.Context(), req, hostapi.HTTPOptions{}, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
