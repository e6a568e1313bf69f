package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/store"
)

// endless is a source that takes longer to prepare than any test waits. It fills memory, which
// costs little fuel.
const endless = `const a = new Uint8Array(3e7); for (;;) a.fill(1)
export default () => 1`

// coded is a workflow that responds with the result of code.
func coded(source, webhook string) string {
	return fmt.Sprintf(`{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":%s}},
		{"id":"c","type":"code","config":{"source":%q}}],"edges":[{"source":"t","target":"c"}]}`, webhook, source)
}

// write stores values by key, "" = none. It does not wait until they are prepared.
func (s *site) write(keyValues ...string) {
	s.t.Helper()
	var put []store.Entry
	var del []string
	for i := 0; i < len(keyValues); i += 2 {
		if keyValues[i+1] == "" {
			del = append(del, keyValues[i])
		} else {
			put = append(put, store.Entry{Key: keyValues[i], Value: []byte(keyValues[i+1])})
		}
	}
	if _, err := s.app.mirror.Write(s.t.Context(), put, del); err != nil {
		s.t.Fatalf("writing to the store: %v", err)
	}
}

// TestWhilePreparing sends requests while the first version of a workflow is being prepared. It
// responds to what does not depend on the version, and otherwise is not ready. Other workflows are
// not affected.
func TestWhilePreparing(t *testing.T) {
	s := newSite(t, `{"limits":{"queue_wait":"10ms","body":1000}}`, `{}`)
	s.putWorkflow("other", trigger(`{"responseMode":"lastNode"}`))
	s.write("secrets/new", secret, "workflows/new", coded(endless, `{"responseMode":"lastNode"}`),
		"secrets/github", secret, "workflows/github", coded(endless, `{"signature":{"scheme":"github"}}`),
		"workflows/manual", strings.Replace(coded(endless, `{}`), `"triggerType":"webhook"`, `"triggerType":"manual"`, 1))
	for name, c := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"signed":               {to("new", `{}`), http.StatusServiceUnavailable, "not_ready"},
		"by its scheme":        {call{path: defaultPrefix + "github", body: `{}`}.sign(`{"scheme":"github"}`, secret, time.Now()), http.StatusServiceUnavailable, "not_ready"},
		"by another scheme":    {to("github", `{}`), http.StatusUnauthorized, "invalid_signature"},
		"unsigned":             {call{path: defaultPrefix + "new", body: `{}`}, http.StatusUnauthorized, "invalid_signature"},
		"another method":       {call{method: http.MethodGet, path: defaultPrefix + "new"}, http.StatusMethodNotAllowed, "method_not_allowed"},
		"a large body":         {to("new", `"`+strings.Repeat("x", 1000)+`"`), http.StatusRequestEntityTooLarge, "body_too_large"},
		"what is no JSON":      {to("new", `{`), http.StatusBadRequest, "invalid_json"},
		"no webhook":           {to("manual", `{}`), http.StatusNotFound, "workflow_not_found"},
		"another workflow":     {to("other", `{}`), http.StatusOK, ""},
		"another one, unknown": {to("unknown", `{}`), http.StatusNotFound, "workflow_not_found"},
	} {
		r := s.do(c.call)
		if r.status != c.status || r.code() != c.code || (c.code == "not_ready") != (r.header.Get("Retry-After") != "") {
			t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
		}
	}
	if n := s.app.engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use", n)
	}

	// A new version of a serving workflow changes nothing until it is prepared.
	s.write("workflows/other", coded(endless, `{}`))
	if r := s.do(to("other", `1`)); r.status != http.StatusOK || r.body != "1" {
		t.Errorf("while a new version is being prepared: %d %s", r.status, r.body)
	}
}

// TestWaitingForTheFirstVersion checks that a waiting request gets the version present at the end
// of the wait, whatever it is. The request is checked against that version.
func TestWaitingForTheFirstVersion(t *testing.T) {
	slow := coded(endless, `{}`)
	for _, handler := range []string{`{}`, `{"unknown_workflow":401}`} {
		s := newSite(t, `{"limits":{"queue_wait":"1m"}}`, handler)
		gone := "404 workflow_not_found"
		if handler != `{}` {
			gone = "401 invalid_signature"
		}
		for _, c := range []struct {
			name, first string
			change      []string
			want        string // status and code, or body
		}{
			{"prepared", coded(`return [input, "ready"]`, `{"responseMode":"lastNode"}`), nil, `200 [{"_query":{}},"ready"]`},
			{"invalid", coded(`return (`, `{}`), nil, "503 workflow_invalid"},
			{"deleted", slow, []string{"workflows/w", ""}, gone},
			{"inactive", slow, []string{"workflows/w", `{"active":false,` + trigger(`{}`)[1:]}, gone},
			{"another scheme", slow, []string{"workflows/w", trigger(`{"signature":{"scheme":"github"}}`)}, "401 invalid_signature"},
			{"another secret", slow, []string{"secrets/w", "another", "workflows/w", trigger(`{}`)}, "401 invalid_signature"},
			{
				"another document", slow,
				[]string{"workflows/w", coded(endless+" + 2", `{}`), "workflows/w", trigger(`{"responseMode":"lastNode"}`)},
				`200 {"_query":{}}`,
			},
		} {
			s.write("secrets/w", secret, "workflows/w", c.first)
			reply := s.start(to("w", `{}`))
			for i := 0; i < len(c.change); i += 2 {
				s.write(c.change[i : i+2]...)
			}
			r := <-reply
			got := fmt.Sprint(r.status, " ", r.code())
			if r.code() == "" {
				got = fmt.Sprint(r.status, " ", r.body)
			}
			if got != c.want {
				t.Errorf("%s, with %s: %s, want %s", c.name, handler, got, c.want)
			}
			s.write("workflows/w", "", "secrets/w", "")
		}
		if n := s.app.engine.InUse(); n != 0 {
			t.Errorf("%d slots are in use", n)
		}
	}
}

// TestReloadWithCode checks that workflows that must be prepared again serve during a reload.
func TestReloadWithCode(t *testing.T) {
	r := run(t, `{}`)
	s := site{t: t, app: r.app(), caddy: r}
	const workflows = 30
	for i := range workflows {
		s.putWorkflow(fmt.Sprintf("code%d", i), coded(fmt.Sprintf("return %d", i), `{"responseMode":"lastNode"}`))
	}
	for n := range 3 {
		if err := r.load(fmt.Sprintf(`{"limits":{"queue_wait":"1ms","executions":%d}}`, 10+n)); err != nil {
			t.Fatal(err)
		}
		for i := range workflows {
			if got := s.do(to(fmt.Sprintf("code%d", i), `{}`)); got.status != http.StatusOK || got.body != fmt.Sprint(i) {
				t.Fatalf("code%d after reload %d: %d %s", i, n, got.status, got.body)
			}
		}
	}
}
