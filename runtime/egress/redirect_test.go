package egress

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// echo answers with what it got; a path of /<status>?to=<location> redirects.
func echo(w http.ResponseWriter, r *http.Request) {
	if status, err := strconv.Atoi(strings.Trim(r.URL.Path, "/")); err == nil {
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(seen{r.Method, r.URL.RequestURI(), r.Header, string(body)})
}

// seen is a request as a server got it.
type seen struct {
	Method, URI string
	Header      http.Header
	Body        string
}

func sawOf(t *testing.T, r response) seen {
	t.Helper()
	var s seen
	if err := json.Unmarshal(r.Body, &s); err != nil {
		t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	return s
}

func TestRedirectMethods(t *testing.T) {
	s := serve(t, echo)
	c := newClient(t, Rules{})
	for _, tt := range []struct {
		status       int
		method, want string
	}{
		{301, "GET", "GET"},
		{301, "HEAD", "HEAD"},
		{301, "POST", "GET"},
		{301, "PUT", "PUT"},
		{302, "GET", "GET"},
		{302, "POST", "GET"},
		{302, "PATCH", "PATCH"},
		{303, "GET", "GET"},
		{303, "POST", "GET"},
		{303, "PUT", "GET"},
		{303, "DELETE", "GET"},
		{307, "GET", "GET"},
		{307, "POST", "POST"},
		{308, "POST", "POST"},
		{308, "PUT", "PUT"},
	} {
		req := map[string]any{"method": tt.method, "url": s.URL + "/" + strconv.Itoa(tt.status) + "?to=/end%3Fx%3Dy", "headers": map[string]any{"X-Key": "k"}}
		if tt.method != "GET" && tt.method != "HEAD" {
			req["body"] = "text"
		}
		r, f := do(t, c, hostapi.HTTPOptions{IdempotencyKey: "exec-1-notify-0"}, req)
		if f != nil {
			t.Errorf("%d %s: %v", tt.status, tt.method, f.Detail)
			continue
		}
		if tt.method == "HEAD" {
			if r.Status != 200 || string(r.Body) != `""` {
				t.Errorf("%d HEAD: %+v", tt.status, r)
			}
			continue
		}
		got := sawOf(t, r)
		body, kind, key := "text", "text/plain; charset=utf-8", "exec-1-notify-0"
		if tt.want == "GET" {
			body, kind, key = "", "", ""
		}
		if got.Method != tt.want || got.URI != "/end?x=y" || got.Body != body || got.Header.Get("Content-Type") != kind ||
			got.Header.Get("Idempotency-Key") != key || got.Header.Get("X-Key") != "k" {
			t.Errorf("%d %s: %+v", tt.status, tt.method, got)
		}
	}
}

func TestNotRedirects(t *testing.T) {
	s := serve(t, echo)
	c := newClient(t, Rules{})
	for _, path := range []string{"/302", "/300?to=/end", "/304?to=/end", "/305?to=/end", "/201?to=/end"} {
		r := get(t, c, s.URL+path)
		if want := path[1:4]; strconv.Itoa(r.Status) != want {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	r, f := do(t, c, hostapi.HTTPOptions{}, map[string]any{"url": s.URL + "/302?to=/end", "followRedirects": false})
	if f != nil || r.Status != 302 || r.Headers["location"] != "/end" {
		t.Errorf("%+v, %v", r, f)
	}
}

func TestRedirectLimit(t *testing.T) {
	var hops int
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		hops++
		if n > 0 {
			http.Redirect(w, r, "/?n="+strconv.Itoa(n-1), http.StatusFound)
		}
	})
	c := newClient(t, Rules{})
	if r := get(t, c, s.URL+"/?n=5"); r.Status != 200 || hops != 6 {
		t.Errorf("%d after %d requests", r.Status, hops)
	}
	hops = 0
	if f := fails(t, c, map[string]any{"url": s.URL + "/?n=6"}, CodeRedirect); !f.Fatal || hops != 6 {
		t.Errorf("fatal %v after %d requests", f.Fatal, hops)
	}
}

func TestCrossOrigin(t *testing.T) {
	a, b := serve(t, echo), serve(t, echo)
	c := newClient(t, Rules{})
	headers := map[string]any{"Authorization": "Bearer topsecret", "X-Key": "topsecret", "Cookie": "topsecret", "Accept": "x/y", "User-Agent": "me"}
	o := hostapi.HTTPOptions{IdempotencyKey: "exec-1-notify-0"}

	r, f := do(t, c, o, map[string]any{"url": a.URL + "/302?to=" + b.URL + "/end", "headers": headers})
	if f != nil {
		t.Fatal(f.Detail)
	}
	checkStripped := func(h http.Header) {
		t.Helper()
		if h.Get("Accept") != "x/y" || h.Get("User-Agent") != "me" {
			t.Errorf("Accept and User-Agent are gone: %v", h)
		}
		for _, name := range []string{"Authorization", "X-Key", "Cookie", "Idempotency-Key", "Referer"} {
			if h.Get(name) != "" {
				t.Errorf("%s crossed origins: %v", name, h)
			}
		}
	}
	checkStripped(sawOf(t, r).Header)

	// There and back again: what was dropped stays dropped.
	back := a.URL + "/302?to=" + b.URL + "/302%3Fto=" + a.URL + "/end"
	if r, f = do(t, c, o, map[string]any{"url": back, "headers": headers}); f != nil {
		t.Fatal(f.Detail)
	}
	checkStripped(sawOf(t, r).Header)

	// A body is not sent to another origin, but a method without one may be.
	for _, status := range []string{"307", "308", "301"} {
		method := map[string]any{"method": "PUT", "url": a.URL + "/" + status + "?to=" + b.URL + "/end", "body": map[string]any{"a": 1}}
		if f := fails(t, c, method, CodeRedirect); !f.Fatal {
			t.Errorf("%s: not fatal", status)
		}
		delete(method, "body")
		r, f := do(t, c, o, method)
		if f != nil {
			t.Fatal(f.Detail)
		}
		if got := sawOf(t, r); got.Method != "PUT" || got.Header.Get("Idempotency-Key") != "" {
			t.Errorf("%s: %+v", status, got)
		}
	}
	// 303 drops it.
	r, f = do(t, c, o, map[string]any{"method": "POST", "url": a.URL + "/303?to=" + b.URL + "/end", "body": "text", "headers": headers})
	if f != nil {
		t.Fatal(f.Detail)
	}
	if got := sawOf(t, r); got.Method != "GET" || got.Body != "" {
		t.Errorf("%+v", got)
	}
	checkStripped(sawOf(t, r).Header)
}

// TestSecretsStayWithTheirOrigin: also in the headers that cross origins.
func TestSecretsStayWithTheirOrigin(t *testing.T) {
	a, b := serve(t, echo), serve(t, echo)
	c := newClient(t, Rules{})
	o := hostapi.HTTPOptions{Secrets: []string{"", " ", " topsecret "}}
	headers := map[string]any{"Authorization": "topsecret", "Accept": "x/topsecret", "User-Agent": "topsecret"}
	for to, want := range map[string][3]string{a.URL: {"topsecret", "x/topsecret", "topsecret"}, b.URL: {"", "", userAgent}} {
		r, f := do(t, c, o, map[string]any{"url": a.URL + "/302?to=" + to + "/end", "headers": headers})
		if f != nil {
			t.Fatal(f.Detail)
		}
		h := sawOf(t, r).Header
		if got := [3]string{h.Get("Authorization"), h.Get("Accept"), h.Get("User-Agent")}; got != want {
			t.Errorf("from %s to %s: %q, want %q", a.URL, to, got, want)
		}
	}
	r, f := do(t, c, o, map[string]any{"url": a.URL + "/302?to=" + b.URL + "/end", "headers": map[string]any{"Accept": "x/y", "User-Agent": "me"}})
	if f != nil {
		t.Fatal(f.Detail)
	}
	if h := sawOf(t, r).Header; h.Get("Accept") != "x/y" || h.Get("User-Agent") != "me" {
		t.Errorf("headers without secrets: %v", h)
	}
}

func TestBadRedirects(t *testing.T) {
	plain := serve(t, echo)
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(secure.Close)
	c := newClient(t, Rules{})
	trust(c, secure)
	for _, url := range []string{
		secure.URL + "/302?to=" + plain.URL,
		plain.URL + "/302?to=ftp://example.com",
		plain.URL + "/302?to=file:///etc/passwd",
		plain.URL + "/302?to=http://u:p@127.0.0.1/",
		plain.URL + "/302?to=http://%2520/",
		plain.URL + "/302?to=http://:80/",
		plain.URL + "/302?to=%25zz",
	} {
		if f := fails(t, c, map[string]any{"url": url}, CodeRedirect); !f.Fatal {
			t.Errorf("%s: not fatal", url)
		}
	}
	if r := get(t, c, plain.URL+"/302?to="+secure.URL+"/end"); r.Status != 200 {
		t.Errorf("http to https: %d", r.Status)
	}
	// Each hop is held to the rules.
	port, count := counter(t, "127.0.0.2:0")
	fails(t, c, map[string]any{"url": plain.URL + "/302?to=http://" + net.JoinHostPort("127.0.0.2", port)}, CodeAddressRefused)
	if count.Load() != 0 {
		t.Error("a redirect led to a refused address")
	}
}
