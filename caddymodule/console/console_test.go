package console

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// newConsole returns a console whose API says what it was asked, and the writes that it notes.
func newConsole(o Options) (*Console, *[]Write) {
	var writes []Write
	o.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(r.Method + " " + r.URL.Path))
	})
	o.Wrote = func(w Write) { writes = append(writes, w) }
	return New(o), &writes
}

func serve(c *Console, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://edge.example.com"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	SetHeaders(w.Header())
	c.Serve(w, r, "alice")
	return w
}

// message returns the error in a response.
func message(w *httptest.ResponseRecorder) adminapi.Error {
	var e adminapi.Error
	_ = json.Unmarshal(w.Body.Bytes(), &e)
	return e
}

func TestWhatReachesTheAPI(t *testing.T) {
	own := []string{"Sec-Fetch-Site", "same-origin"}
	sent := append([]string{"Content-Type", "application/json; charset=utf-8"}, own...)
	for name, test := range map[string]struct {
		method, path, body string
		header             []string
		want, readOnly     int // statuses
	}{
		"a read":                          {"GET", "status", "", own, 202, 202},
		"a head":                          {"HEAD", "status", "", own, 202, 202},
		"a read without a browser":        {"GET", "status", "", nil, 202, 202},
		"a typed address":                 {"GET", "status", "", []string{"Sec-Fetch-Site", "none"}, 202, 202},
		"a read by another site":          {"GET", "status", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		"a read by a neighbor":            {"GET", "status", "", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
		"a run":                           {"POST", "send", "{}", sent, 202, 403},
		"a run without a body":            {"POST", "executions/x/cancel", "", own, 202, 403},
		"a check":                         {"POST", "validate", "{}", sent, 202, 202},
		"a check by another site":         {"POST", "validate", "{}", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403, 403},
		"a typed write":                   {"POST", "send", "{}", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "none"}, 403, 403},
		"a write that says nothing":       {"POST", "send", "{}", []string{"Content-Type", "application/json"}, 403, 403},
		"two claims":                      {"POST", "send", "{}", append([]string{"Sec-Fetch-Site", "cross-site"}, sent...), 403, 403},
		"an origin":                       {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "https://EDGE.example.com"}, 202, 403},
		"an origin with another port":     {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "https://edge.example.com:8443"}, 403, 403},
		"a foreign origin":                {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "https://example.com"}, 403, 403},
		"an origin without TLS":           {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "http://edge.example.com"}, 403, 403},
		"an origin of a sandbox":          {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "null"}, 403, 403},
		"two origins":                     {"POST", "send", "{}", []string{"Content-Type", "application/json", "Origin", "https://edge.example.com", "Origin", "https://example.com"}, 403, 403},
		"a form":                          {"POST", "send", "a=b", append([]string{"Content-Type", "text/plain"}, own...), 415, 403},
		"no type":                         {"POST", "send", "{}", own, 415, 403},
		"two types":                       {"POST", "send", "{}", append([]string{"Content-Type", "text/plain"}, sent...), 415, 403},
		"a revision":                      {"PUT", "workflows/x", "{}", append([]string{"If-Match", `"3"`}, sent...), 202, 403},
		"a new one":                       {"PUT", "workflows/x", "{}", append([]string{"If-None-Match", "*"}, sent...), 202, 403},
		"no revision":                     {"PUT", "workflows/x", "{}", sent, 428, 403},
		"deleting without a revision":     {"DELETE", "secrets/x", "", own, 428, 403},
		"deleting":                        {"DELETE", "secrets/x", "", append([]string{"If-Match", `"3"`}, own...), 202, 403},
		"a path that begins like a check": {"POST", "validate/x", "{}", sent, 202, 403},
	} {
		t.Run(name, func(t *testing.T) {
			for readOnly, want := range map[bool]int{false: test.want, true: test.readOnly} {
				c, writes := newConsole(Options{ReadOnly: readOnly})
				w := serve(c, test.method, adminapi.Base+test.path, test.body, test.header...)
				if w.Code != want {
					t.Errorf("read-only %t: status %d, want %d: %s", readOnly, w.Code, want, w.Body)
				}
				if w.Code != 202 && message(w).Message == "" {
					t.Errorf("read-only %t: no error in %s", readOnly, w.Body)
				}
				if code := message(w).Code; (code == adminapi.CodeReadOnly) != (w.Code == 403 && test.want != 403) {
					t.Errorf("read-only %t: code %q", readOnly, code)
				}
				if got := w.Header().Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q", got)
				}
				noted := test.method != "GET" && test.method != "HEAD" && test.path != "validate"
				if (len(*writes) == 1) != noted {
					t.Fatalf("writes %+v", *writes)
				}
				if noted && ((*writes)[0].User != "alice" || (*writes)[0].What != test.path || (*writes)[0].Status != want) {
					t.Errorf("noted %+v", (*writes)[0])
				}
			}
		})
	}
}

func TestSession(t *testing.T) {
	c, _ := newConsole(Options{Door: DoorSite, ReadOnly: true})
	w := serve(c, "GET", SessionPath, "")
	var s Session
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s.User != "alice" || !s.ReadOnly || s.Door != "site" || s.Version == "" {
		t.Errorf("%s: %v", w.Body, err)
	}
	if w := serve(c, "POST", SessionPath, `{"token":"x"}`); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestHeadersOfEachResponse(t *testing.T) {
	c, _ := newConsole(Options{})
	for _, path := range []string{"/", "/nowhere", SessionPath, adminapi.Base + "status"} {
		h := serve(c, "GET", path, "").Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
			"Referrer-Policy":         "no-referrer",
			"X-Content-Type-Options":  "nosniff",
		} {
			if got := h.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s %q", path, name, got)
			}
		}
	}
}

func TestDenyEscapes(t *testing.T) {
	for accept, want := range map[string]string{
		"text/html":        "<h1>&lt;b&gt; is refused</h1>",
		"application/json": `"error": "\u003cb\u003e is refused"`,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		Deny(w, r, http.StatusForbidden, "<b> is refused", "one <i>", "\tcode <i>")
		if w.Code != 403 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "<i>") {
			t.Errorf("%s: %d %s", accept, w.Code, w.Body)
		}
	}
}

// TestDenyHasStyles checks that the page of a request finds its styles, which anybody gets.
func TestDenyHasStyles(t *testing.T) {
	for path, want := range map[string]string{
		"/": `href="denied.css"`, "/session": `href="denied.css"`, "/flowtrux/globals/a%2Fb": `href="../../denied.css"`,
	} {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		w := httptest.NewRecorder()
		if ServeOpen(w, r) {
			t.Errorf("anybody gets %s", path)
		}
		Deny(w, r, http.StatusForbidden, "nobody is logged in", "text", "\tcode")
		for _, part := range []string{want, "<h1>Nobody is logged in</h1>", "<p>text</p>", ">code</pre>"} {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: no %s in %s", path, part, w.Body)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, denyStylesPath, http.NoBody)
	if w := httptest.NewRecorder(); !ServeOpen(w, r) || w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || w.Body.Len() == 0 {
		t.Errorf("the styles: %d %v", w.Code, w.Header())
	}
}
