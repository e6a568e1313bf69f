package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logtest "go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/internal/version"
	"github.com/flowtrux/edge/runtime/store"
)

// TestRefusedSignatureIsLogged checks that the log has the reason and the number of bytes hashed,
// but nothing that was sent.
func TestRefusedSignatureIsLogged(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{}`))
	s.put("workflows/no-secret", trigger(`{}`))
	core, logs := logtest.New(zapcore.InfoLevel)
	h := s.handler(`{"unknown_workflow":401}`)
	h.logger = zap.New(core)
	server := httptest.NewServer(s.serve(h))
	defer server.Close()
	s.server = server
	const body = `{"private":"text"}`
	for _, c := range []struct {
		call                     call
		workflow, reason, header string
	}{
		{call{path: defaultPrefix + "order", body: body}, "order", "no_header", "X-Webhook-Signature"},
		{to("order", body).with("X-Webhook-Signature", "zz"), "order", "malformed", "X-Webhook-Signature"},
		{to("order", body).with("X-Webhook-Signature", "abcd"), "order", "wrong_length", "X-Webhook-Signature"},
		{call{path: defaultPrefix + "order", body: body}.sign("", "wrong", time.Now()), "order", "mismatch", ""},
		{to("no-secret", body), "no-secret", "no_secret", ""},
		{to("unknown", body), "unknown", "unknown_workflow", ""},
	} {
		if r := s.do(c.call); r.code() != "invalid_signature" {
			t.Errorf("%s: %d %s", c.reason, r.status, r.body)
		}
		lines := logs.TakeAll()
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines", c.reason, len(lines))
		}
		fields := lines[0].ContextMap()
		if fields["workflow"] != c.workflow || fields["reason"] != c.reason || fields["bytes"] != int64(len(body)) || fields["client_ip"] != "203.0.113.7" {
			t.Errorf("%s: fields %v", c.reason, fields)
		}
		if header, _ := fields["header"].(string); header != c.header {
			t.Errorf("%s: header %q, want %q", c.reason, header, c.header)
		}
		for name, value := range fields {
			if text, ok := value.(string); ok && (strings.Contains(text, "text") || strings.Contains(text, secret)) {
				t.Errorf("%s: field %s holds what was sent: %s", c.reason, name, text)
			}
		}
	}
}

// TestSlackChallenge checks that Slack's challenge, which tests whether the endpoint knows the
// secret, gets a response without an execution.
func TestSlackChallenge(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	const slack = `{"scheme":"slack"}`
	s.putWorkflow("slack", trigger(`{"responseMode":"lastNode","signature":`+slack+`}`))
	s.putWorkflow("plain", trigger(`{"responseMode":"lastNode"}`))
	ask := `{"type":"url_verification","token":"t","challenge":"3eZbrw1a\u00e4"}`
	slackCall := func(body string) call {
		return call{path: defaultPrefix + "slack", body: body}.sign(slack, secret, time.Now())
	}
	r := s.do(slackCall(ask))
	if r.status != http.StatusOK || r.body != `{"challenge":"3eZbrw1a\u00e4"}` || r.header.Get("X-Execution-Id") != "" ||
		r.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	for name, c := range map[string]call{
		"another event":      slackCall(`{"type":"event_callback","challenge":"x"}`),
		"no challenge":       slackCall(`{"type":"url_verification"}`),
		"no text":            slackCall(`{"type":"url_verification","challenge":{}}`),
		"no object":          slackCall(`["url_verification"]`),
		"not Slack's schema": to("plain", ask),
	} {
		if r := s.do(c); r.status != http.StatusOK || r.header.Get("X-Execution-Id") == "" {
			t.Errorf("%s: %d %s, want an execution", name, r.status, r.body)
		}
	}
	if r := s.do(slackCall(ask).with("X-Slack-Signature", "v0="+strings.Repeat("0", 64))); r.code() != "invalid_signature" {
		t.Errorf("unsigned: %d %s", r.status, r.body)
	}
	if r := s.do(slackCall(ask).with("Content-Type", "text/plain")); r.code() != "unsupported_media_type" {
		t.Errorf("as text: %d %s", r.status, r.body)
	}
}

// TestModes checks that all responses but errors have the workflow's status and headers.
func TestModes(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	settings := `"statusCode":201,"headers":{"X-Flow":"ok"}`
	for mode, want := range map[string]string{
		`"lastNode"`:                          `{"n":1,"_query":{"a":["1","2"],"b":"x y"}}`,
		`"allNodes"`:                          `{"t":{"name":"t","output":{"n":1,"_query":{"a":["1","2"],"b":"x y"}}}}`,
		`"specificNode","responseNodeId":"t"`: `{"n":1,"_query":{"a":["1","2"],"b":"x y"}}`,
		`"minimal"`:                           `{"success":true,"executionId":"exec-`,
	} {
		s.putWorkflow("mode", trigger(`{"responseMode":`+mode+`,`+settings+`}`))
		c := to("mode", `{"n":1}`)
		c.path += "?a=1&b=x+y&a=2"
		r := s.do(c)
		if r.status != http.StatusCreated || r.header.Get("X-Flow") != "ok" || !strings.HasPrefix(r.body, want) ||
			!strings.HasPrefix(r.header.Get("X-Execution-Id"), "exec-") {
			t.Errorf("%s: %d %v %s", mode, r.status, r.header, r.body)
		}
	}
	for _, status := range []string{"204", "304"} {
		s.putWorkflow("mode", trigger(`{"responseMode":"lastNode","statusCode":`+status+`}`))
		if r := s.do(to("mode", `{"n":1}`)); r.body != "" || r.header.Get("Content-Length") != "" {
			t.Errorf("%s: %d %v %s", status, r.status, r.header, r.body)
		}
	}
	s.putWorkflow("mode", trigger(`{"responseMode":"lastNode","headers":{"Content-Type":"text/plain"}}`))
	if r := s.do(to("mode", `"just text"`)); r.body != "just text" || r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("text: %v %s", r.header, r.body)
	}
}

// TestInvalidUpdateKeepsServing checks that an invalid document changes nothing for senders, and
// that deleting it does.
func TestInvalidUpdateKeepsServing(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("order", trigger(`{"responseMode":"lastNode"}`))
	s.put("workflows/order", `{"nodes":`)
	if r := s.do(to("order", `1`)); r.status != http.StatusOK || r.body != "1" {
		t.Errorf("with an invalid update: %d %s", r.status, r.body)
	}
	s.put("secrets/order", "another secret")
	if r := s.do(to("order", `1`)); r.code() != "invalid_signature" {
		t.Errorf("with the secret from before: %d %s", r.status, r.body)
	}
	if _, err := s.app.mirror.Write(t.Context(), []store.Entry{}, []string{"workflows/order"}); err != nil {
		t.Fatal(err)
	}
	if r := s.do(to("order", `1`)); r.code() != "workflow_not_found" {
		t.Errorf("after its removal: %d %s", r.status, r.body)
	}
}

// TestSetGlobal checks that a workflow may write the globals that the operator lists, and that
// later executions see them.
func TestSetGlobal(t *testing.T) {
	s := newSite(t, `{"globals_write":["counters.*"]}`, `{}`)
	workflow := func(key string) string {
		return `{"nodes":[
			{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
			{"id":"set","type":"transform","config":{"operations":[{"op":"setGlobal","key":"` + key + `","value":"{{trigger.data.n}}"}]}},
			{"id":"out","type":"transform","config":{"output":{"now":"{{global[\"` + key + `\"]}}"}}}],
			"edges":[{"source":"t","target":"set"},{"source":"set","target":"out"}]}`
	}
	s.putWorkflow("allowed", workflow("counters.orders"))
	if r := s.do(to("allowed", `{"n":7.50}`)); r.status != http.StatusOK || r.body != `{"now":7.50}` {
		t.Errorf("%d %s", r.status, r.body)
	}
	if v, ok := s.app.catalog.Global("counters.orders"); !ok || string(v) != "7.50" {
		t.Errorf("global %s, %t", v, ok)
	}
	s.putWorkflow("other", workflow("orders"))
	r := s.do(to("other", `{"n":7}`))
	if r.code() != "execution_failed" || !strings.Contains(r.body, "not allowed") {
		t.Errorf("a key that is not listed: %d %s", r.status, r.body)
	}
	if _, ok := s.app.catalog.Global("orders"); ok {
		t.Error("it was written")
	}
}

// TestMetrics checks that requests and executions are counted, by the names and labels on which
// dashboards rely.
func TestMetrics(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("counted", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"out","type":"transform","config":{"output":1}}],"edges":[{"source":"t","target":"out"}]}`)
	s.do(to("counted", `{}`))
	s.do(to("counted", `{`))
	s.do(to("counted", `{}`).with("X-Webhook-Signature", "zz"))
	s.do(to("made-up", `{}`))
	families, err := s.app.ctx.GetMetricsRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			got[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = true
			if strings.Contains(strings.Join(labels, " "), "made-up") {
				t.Errorf("the label %s of %s comes from a sender", labels, f.GetName())
			}
		}
	}
	for _, want := range []string{
		"caddy_flowtrux_executions_total{mode=lastNode,status=succeeded,workflow=counted}",
		"caddy_flowtrux_execution_duration_seconds{mode=lastNode,workflow=counted}",
		"caddy_flowtrux_node_calls_total{result=ok,type=transform}",
		"caddy_flowtrux_node_duration_seconds{type=transform}",
		"caddy_flowtrux_verify_failures_total{reason=malformed}",
		"caddy_flowtrux_requests_refused_total{code=invalid_json}",
		"caddy_flowtrux_requests_refused_total{code=workflow_not_found}",
		"caddy_flowtrux_build_info{version=" + version.Version() + "}",
		"caddy_flowtrux_store_up{}",
		"caddy_flowtrux_store_revision{}",
		"caddy_flowtrux_executions_in_use{}",
		"caddy_flowtrux_executions_limit{}",
		"caddy_flowtrux_body_limit_bytes{}",
		"caddy_flowtrux_workflows_rejected{}",
		"caddy_flowtrux_journal_pending{}",
	} {
		if !got[want] {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}

// TestPatience checks that a store that remains unavailable does not delay requests.
func TestPatience(t *testing.T) {
	a := new(App)
	if got := a.patience(); got != readyWait {
		t.Errorf("before the start: %v", got)
	}
	before := time.Now().Add(-readyWait)
	a.started.Store(&before)
	if got := a.patience(); got > 0 {
		t.Errorf("later: %v", got)
	}
}
