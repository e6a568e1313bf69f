package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logtest "go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/runtime/journal"
)

// logged serves the site's webhooks with a handler whose log it returns.
func (s *site) logged(handler string) *logtest.ObservedLogs {
	s.t.Helper()
	core, logs := logtest.New(zapcore.DebugLevel)
	h := s.handler(handler)
	h.logger = zap.New(core)
	server := httptest.NewServer(s.serve(h))
	s.t.Cleanup(server.Close)
	s.server = server
	return logs
}

// TestRefusalsAreLogged checks that each rejected request leaves one log line. It has what an
// operator needs to find the sender, and nothing of what was sent.
func TestRefusalsAreLogged(t *testing.T) {
	s := newSite(t, `{"limits":{"body":1000}}`, `{}`)
	s.putWorkflow("order", trigger(`{"responseMode":"lastNode","idempotency":{"header":"Idempotency-Key"}}`))
	s.putWorkflow("never-valid", `{"nodes":[]}`)
	logs := s.logged(`{}`)
	const private = `{"private":"text"}`
	with := func(c call, f func(*call)) call { f(&c); return c }
	if r := s.do(to("order", private).with("Idempotency-Key", "private-key")); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	logs.TakeAll()
	for _, c := range []struct {
		call     call
		workflow string
		code     string
		level    zapcore.Level
	}{
		{to("nobody", private), "nobody", "workflow_not_found", zapcore.InfoLevel},
		{to(strings.Repeat("n", 500), private), strings.Repeat("n", 64), "workflow_not_found", zapcore.InfoLevel},
		{with(to("order", private), func(c *call) { c.method = http.MethodDelete }), "order", "method_not_allowed", zapcore.InfoLevel},
		{to("order", private+strings.Repeat(" ", 1000)), "order", "body_too_large", zapcore.InfoLevel},
		{with(to("order", private), func(c *call) { c.header.Set("X-Webhook-Signature", "private") }), "order", "invalid_signature", zapcore.InfoLevel},
		{to("order", private).with("Content-Type", "text/private"), "order", "unsupported_media_type", zapcore.InfoLevel},
		{to("order", private+private), "order", "invalid_json", zapcore.InfoLevel},
		{to("never-valid", private), "never-valid", "workflow_invalid", zapcore.WarnLevel},
		{to("order", private+" ").with("Idempotency-Key", "private-key"), "order", "idempotency_key_reused", zapcore.InfoLevel},
		{to("order", private).with("Idempotency-Key", "private"+strings.Repeat("k", journal.MaxKey)), "order", "invalid_idempotency_key", zapcore.InfoLevel},
	} {
		if r := s.do(c.call); r.code() != c.code {
			t.Errorf("%s: %d %s", c.code, r.status, r.body)
		}
		lines := logs.TakeAll()
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines: %v", c.code, len(lines), lines)
		}
		fields := lines[0].ContextMap()
		if fields["workflow"] != c.workflow || fields["code"] != c.code || fields["client_ip"] != "203.0.113.7" || lines[0].Level != c.level {
			t.Errorf("%s: a line of level %s with %v", c.code, lines[0].Level, fields)
		}
		text := fmt.Sprint(lines[0].Message, fields)
		signature := c.call.header.Get("X-Webhook-Signature")
		if strings.Contains(text, "private") || strings.Contains(text, secret) || strings.Contains(text, signature) {
			t.Errorf("%s: the line contains what was sent: %s", c.code, text)
		}
	}
	// a duplicate that is answered
	s.do(to("order", private).with("Idempotency-Key", "private-key"))
	if lines := logs.TakeAll(); len(lines) != 0 {
		t.Errorf("a request that is not rejected is logged: %v", lines)
	}
}

// TestRefusalSaysTheBound checks that the log names the limit, its value, and the option that
// changes it.
func TestRefusalSaysTheBound(t *testing.T) {
	s := newSite(t, `{"limits":{"body":1000,"body_memory":5000}}`, `{}`)
	s.putWorkflow("echo", trigger(`{}`))
	logs := s.logged(`{}`)
	wrong := func(c call) string {
		t.Helper()
		s.do(c)
		lines := logs.TakeAll()
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		return fmt.Sprint(lines[0].ContextMap()["error"])
	}
	if got, want := wrong(to("echo", strings.Repeat(" ", 1001))), "the body is longer than limits.body, 1000 bytes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.app.bodies.memory.used.Add(4900) // of other requests
	got := wrong(to("echo", strings.Repeat(" ", 500)))
	for _, want := range []string{"limits.body_memory", "5000 bytes", "1250", "all of it is in use"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	s.app.bodies.memory.used.Add(-4900)
}

// TestRefusalSaysWhichSlots checks that the log tells whether the workflow's own limit, its share,
// or the server's limit caused the rejection.
func TestRefusalSaysWhichSlots(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"executions":4,"queue_wait":"1ms","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("single", u.workflow(`{"responseMode":"lastNode","timeout":"1m","maxConcurrent":1}`))
	s.putWorkflow("any", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	logs := s.logged(`{}`)
	var running []<-chan reply
	hold := func(id string) {
		running = append(running, s.start(to(id, `{}`)))
		<-u.arrived
	}
	refused := func(id, code, want string) {
		t.Helper()
		logs.TakeAll()
		r := s.do(to(id, `{}`))
		lines := logs.TakeAll()
		if r.code() != code || len(lines) != 1 {
			t.Fatalf("%s: %d %s, %d lines", id, r.status, r.body, len(lines))
		}
		if got := fmt.Sprint(lines[0].ContextMap()["error"]); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	for range 3 {
		hold("any")
	}
	refused("any", "too_many_executions", "too many executions of this workflow: its share of limits.executions, 3")
	hold("single")
	refused("single", "too_many_executions", "too many executions of this workflow: its maxConcurrent, 1")
	refused("any", "overloaded", "too many executions: limits.executions, 4")
	close(u.answer)
	for _, c := range running {
		<-c
	}
}

// TestRefusalsAreLoggedAtABoundedRate checks that the rate of log lines is bounded, whatever is
// sent. The log has the number of lines left out, and the metrics count all rejections.
func TestRefusalsAreLoggedAtABoundedRate(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{}`))
	logs := s.logged(`{}`)
	limit := &lineLimit{rate: 1e-9, burst: 5}
	s.app.refusals = limit
	refused := map[string]call{
		"workflow_not_found": to("nobody", `{}`),
		"invalid_signature":  call{path: defaultPrefix + "order", body: `{}`}.sign("", "wrong", time.Now()),
		"invalid_json":       to("order", `{`),
	}
	const rounds = 20
	for range rounds {
		for code, c := range refused {
			if r := s.do(c); r.code() != code {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
	}
	if n := logs.Len(); n != 5 {
		t.Errorf("%d lines for %d rejections", n, rounds*len(refused))
	}
	limit.mu.Lock()
	limit.used = 0 // as after a while
	limit.mu.Unlock()
	logs.TakeAll()
	s.do(refused["invalid_json"])
	s.do(refused["invalid_json"])
	lines := logs.TakeAll()
	if len(lines) != 2 || lines[0].ContextMap()["left_out"] != int64(rounds*len(refused)-5) || lines[1].ContextMap()["left_out"] != nil {
		t.Errorf("then: %v", lines)
	}
}

func TestLineLimit(t *testing.T) {
	now := time.Now()
	l := &lineLimit{rate: 10, burst: 3}
	for i, c := range []struct {
		after   time.Duration
		ok      bool
		leftOut int
	}{
		{0, true, 0},
		{0, true, 0},
		{0, true, 0},
		{0, false, 0},
		{0, false, 0},
		{99 * time.Millisecond, false, 0},
		{2 * time.Millisecond, true, 3},
		{0, false, 0},
		{-time.Hour, false, 0}, // another goroutine's time
		{2 * time.Hour, true, 2},
		{0, true, 0},
		{0, true, 0},
		{0, false, 0},
	} {
		now = now.Add(c.after)
		if ok, leftOut := l.allow(now); ok != c.ok || leftOut != c.leftOut {
			t.Errorf("line %d: %t, %d left out; want %t, %d", i, ok, leftOut, c.ok, c.leftOut)
		}
	}
}
