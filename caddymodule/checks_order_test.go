package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// stripe is a scheme that signs a time.
const stripe = `{"scheme":"stripe"}`

// faults lists what can be wrong with a request, by the error code of the check that rejects it, in
// the order of the checks.
var faults = []struct {
	code   string
	status int
}{
	{"workflow_not_found", http.StatusNotFound},
	{"method_not_allowed", http.StatusMethodNotAllowed},
	{"body_too_large", http.StatusRequestEntityTooLarge},
	{"invalid_signature", http.StatusUnauthorized},
	{"stale_signature", http.StatusUnauthorized},
	{"unsupported_media_type", http.StatusUnsupportedMediaType},
	{"invalid_json", http.StatusBadRequest},
	{"workflow_invalid", http.StatusServiceUnavailable},
}

// faulty returns a request with the faults of the given codes.
func faulty(codes ...string) call {
	has := func(code string) bool { return slices.Contains(codes, code) }
	c := call{path: defaultPrefix + "good", body: `{"n":1}`}
	if has("workflow_invalid") {
		c.path = defaultPrefix + "never-valid"
	}
	if has("workflow_not_found") {
		c.path = defaultPrefix + "unknown"
	}
	if has("method_not_allowed") {
		c.method = http.MethodPut
	}
	if has("invalid_json") {
		c.body = `{"n":1`
	}
	if has("body_too_large") {
		c.body += strings.Repeat(" ", 2000)
	}
	at, key := time.Now(), secret
	if has("stale_signature") {
		at = at.Add(-time.Hour)
	}
	if has("invalid_signature") {
		key = "wrong"
	}
	c = c.sign(stripe, key, at)
	if has("unsupported_media_type") {
		c = c.with("Content-Type", "text/plain")
	}
	return c
}

// TestChecksInOrder sends requests with each fault and each pair of faults. The first check
// determines the response.
func TestChecksInOrder(t *testing.T) {
	s := newSite(t, `{"limits":{"body":1000}}`, `{}`)
	s.putWorkflow("good", trigger(`{"responseMode":"lastNode","signature":`+stripe+`}`))
	s.putWorkflow("never-valid",
		strings.Replace(trigger(`{"signature":`+stripe+`}`), `"edges":[]`, `"edges":[{"source":"t","target":"nowhere"}]`, 1))
	if r := s.do(faulty()); r.status != http.StatusOK || r.body != `{"n":1,"_query":{}}` {
		t.Fatalf("a request without faults: %d %s", r.status, r.body)
	}
	for i, first := range faults {
		for _, second := range faults[i:] {
			t.Run(first.code+" and "+second.code, func(t *testing.T) {
				r := s.do(faulty(first.code, second.code))
				if r.status != first.status || r.code() != first.code {
					t.Errorf("%d %s, want %d %s", r.status, r.body, first.status, first.code)
				}
				if got := r.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
					t.Errorf("Content-Type %q", got)
				}
				if id := r.header.Get("X-Execution-Id"); id != "" {
					t.Errorf("execution %s of a rejected request", id)
				}
			})
		}
	}
	if n := s.app.engine.InUse(); n != 0 {
		t.Errorf("%d executions in use", n)
	}
}

// TestChecksWhereIDsAreHidden is TestChecksInOrder with unknown_workflow 401: the method and the
// body are checked before the ID.
func TestChecksWhereIDsAreHidden(t *testing.T) {
	s := newSite(t, `{"limits":{"body":1000}}`, `{"unknown_workflow":401}`)
	s.putWorkflow("good", trigger(`{"responseMode":"lastNode","signature":`+stripe+`}`))
	s.putWorkflow("inactive", `{"active":false,`+strings.TrimPrefix(trigger(`{}`), "{"))
	s.putWorkflow("manual", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"}}],"edges":[]}`)
	if r := s.do(faulty()); r.status != http.StatusOK {
		t.Fatalf("a request without faults: %d %s", r.status, r.body)
	}
	wrong := s.do(faulty("invalid_signature"))
	const unknown = "workflow_not_found"
	for _, c := range []struct {
		faults []string
		code   string
	}{
		{[]string{unknown, "method_not_allowed"}, "method_not_allowed"},
		{[]string{unknown, "method_not_allowed", "body_too_large"}, "method_not_allowed"},
		{[]string{unknown, "body_too_large"}, "body_too_large"},
		{[]string{unknown}, "invalid_signature"},
		{[]string{unknown, "invalid_signature"}, "invalid_signature"},
		{[]string{unknown, "stale_signature"}, "invalid_signature"},
		{[]string{unknown, "unsupported_media_type"}, "invalid_signature"},
		{[]string{unknown, "invalid_json"}, "invalid_signature"},
		{[]string{"stale_signature"}, "stale_signature"},
	} {
		t.Run(strings.Join(c.faults, " and "), func(t *testing.T) {
			if r := s.do(faulty(c.faults...)); r.code() != c.code {
				t.Errorf("%d %s, want %s", r.status, r.body, c.code)
			}
		})
	}
	for _, id := range []string{"unknown", "inactive", "manual", "no%20id", "..x", strings.Repeat("a", 300)} {
		// correctly signed, as far as the sender can know
		r := s.do(to(id, `{"n":1}`))
		sameAnswer(t, id, r, wrong)
		sameAnswer(t, id+" unsigned", s.do(call{path: defaultPrefix + id, body: `{"n":1}`}), wrong)
	}
}

// sameAnswer compares everything that a sender sees except the time.
func sameAnswer(t testing.TB, what string, got, want reply) {
	t.Helper()
	got.header, want.header = got.header.Clone(), want.header.Clone()
	got.header.Del("Date")
	want.header.Del("Date")
	if got.status != want.status || got.body != want.body || fmt.Sprint(got.header) != fmt.Sprint(want.header) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// TestRefusedSignaturesLookAlike checks that a 401 does not reveal its reason.
func TestRefusedSignaturesLookAlike(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{}`))
	s.put("workflows/no-secret", trigger(`{}`))
	s.put("secrets/bad-secret", `{"secrets":"x"}`, "workflows/bad-secret", trigger(`{}`))
	s.putWorkflow("github", trigger(`{"signature":{"scheme":"github"}}`))
	body := `{"event":"test"}`
	good := to("order", body).header.Get("X-Webhook-Signature")
	want := s.do(call{path: defaultPrefix + "order", body: body})
	if want.status != http.StatusUnauthorized || want.code() != "invalid_signature" || want.header.Get("WWW-Authenticate") == "" {
		t.Fatalf("without a signature: %d %v %s", want.status, want.header, want.body)
	}
	twice := to("order", body)
	twice.header.Add("X-Webhook-Signature", good)
	for name, c := range map[string]call{
		"wrong key":       call{path: defaultPrefix + "order", body: body}.sign("", "wrong", time.Now()),
		"other body":      to("order", body+" "),
		"not hex":         to("order", body).with("X-Webhook-Signature", strings.Repeat("z", 64)),
		"too short":       to("order", body).with("X-Webhook-Signature", good[:62]),
		"empty":           to("order", body).with("X-Webhook-Signature", ""),
		"other prefix":    to("order", body).with("X-Webhook-Signature", "sha1="+good),
		"several":         twice,
		"no secret":       to("no-secret", body),
		"no valid secret": to("bad-secret", body),
		"other scheme":    to("github", body),
	} {
		if name == "other body" {
			c.body = body
		}
		sameAnswer(t, name, s.do(c), want)
	}
	for name, c := range map[string]call{
		"as it is":   to("order", body),
		"upper case": to("order", body).with("X-Webhook-Signature", strings.ToUpper(good)),
		"prefixed":   to("order", body).with("X-Webhook-Signature", "sha256="+good),
	} {
		if r := s.do(c); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// TestNotOurs checks that other paths reach the next handler, whatever the request.
func TestNotOurs(t *testing.T) {
	s := newSite(t, `{}`, `{"prefix":"/hooks/"}`)
	s.putWorkflow("order", trigger(`{"responseMode":"lastNode"}`))
	for _, path := range []string{"/", "/hooks", "/hooks/", "/hooks/order/", "/hooks/order/x", "/hooks//order", "/hooks%2Forder", "/api/webhooks/order", "/HOOKS/order"} {
		if r := s.do(call{path: path, body: strings.Repeat("x", 2*mib)}); r.body != "next handler" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	ours := to("order", `1`)
	for path, status := range map[string]int{
		"/hooks/order": http.StatusOK, "/hooks/%6Frder?x=1": http.StatusOK, "/hooks/a%2Fb": http.StatusNotFound,
		"/hooks/ord%20er": http.StatusNotFound, "/hooks/Order": http.StatusNotFound, "/hooks/order%00": http.StatusNotFound,
		"/hooks/" + strings.Repeat("a", 3000): http.StatusNotFound,
	} {
		ours.path = path
		if r := s.do(ours); r.status != status {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, status)
		}
	}
}

// TestMethods checks that only POST is accepted, and that the body of other methods is not read.
func TestMethods(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{}`))
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "X"} {
		c := to("order", `{}`)
		c.method = method
		if method == "GET" || method == "HEAD" {
			c.body = ""
		}
		r := s.do(c)
		if r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: %d, Allow %q", method, r.status, r.header.Get("Allow"))
		}
	}
}

// TestNotReady checks that until the store has loaded, the response only asks the sender to retry.
func TestNotReady(t *testing.T) {
	s := provisionSite(t, `{}`, `{}`)
	r := s.do(to("order", `{}`))
	if r.status != http.StatusServiceUnavailable || r.code() != "not_ready" || r.header.Get("Retry-After") == "" {
		t.Errorf("before the start: %d %v %s", r.status, r.header, r.body)
	}
}

// TestStopped checks that an app that has drained accepts what its journal keeps, that one whose
// journal is closed accepts nothing, and that one whose config has ended is not ready.
func TestStopped(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{}`))
	s.app.drain()
	r := s.do(to("order", `{}`))
	if r.status != http.StatusOK {
		t.Errorf("with a journal that keeps: %d %s", r.status, r.body)
	}
	s.app.closeExecutor()
	r = s.do(to("order", `{}`))
	if r.status != http.StatusServiceUnavailable || r.code() != "journal_unavailable" || r.header.Get("Retry-After") == "" {
		t.Errorf("with a closed journal: %d %s", r.status, r.body)
	}
	if err := s.app.Cleanup(); err != nil {
		t.Fatal(err)
	}
	r = s.do(to("order", `{}`))
	if r.status != http.StatusServiceUnavailable || r.code() != "not_ready" {
		t.Errorf("after the end: %d %s", r.status, r.body)
	}
}
