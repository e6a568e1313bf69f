package caddymodule

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/flowtrux/edge/runtime/response"
)

// upstream is a server that workflows call. It responds when a test tells it to.
type upstream struct {
	*httptest.Server
	arrived chan *http.Request
	answer  chan struct{} // close it to respond to all
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{arrived: make(chan *http.Request, 100), answer: make(chan struct{})}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.arrived <- r
		select {
		case <-u.answer:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"from":"upstream"}`)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(u.Close)
	return u
}

// workflow is a workflow that calls the upstream and responds with its body.
func (u *upstream) workflow(webhook string) string {
	return `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":` + webhook + `}},
		{"id":"call","type":"http-request","timeout":"1m","config":{"url":"` + u.URL + `","timeout":"1m"}},
		{"id":"out","type":"transform","config":{"output":"{{steps.call.output.body}}"}}],
		"edges":[{"source":"t","target":"call"},{"source":"call","target":"out"}]}`
}

// app returns the config of an app that lets nodes call the upstream. more is further config that
// begins with a comma.
func (u *upstream) app(more string) string {
	return fmt.Sprintf(`{"egress":{"allow":[%q]}%s}`, u.Listener.Addr().String(), more)
}

// start sends a call in the background and returns a channel for its reply.
func (s *site) start(c call) <-chan reply {
	replies := make(chan reply, 1)
	go func() {
		r, err := s.try(c)
		if err != nil {
			s.t.Error(err)
		}
		replies <- r
	}()
	return replies
}

const answered = `{"from":"upstream"}`

// TestSlots checks the response at the workflow's own limit (429) and at the server's limit (503).
// Released slots can be used again.
func TestSlots(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"executions":2,"queue_wait":"20ms","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("one", u.workflow(`{"responseMode":"lastNode","maxConcurrent":1,"timeout":"1m"}`))
	s.putWorkflow("many", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	first := s.start(to("one", `{}`))
	<-u.arrived
	if r := s.do(to("one", `{}`)); r.status != http.StatusTooManyRequests || r.code() != "too_many_executions" || r.header.Get("Retry-After") == "" {
		t.Errorf("the workflow's limit: %d %v %s", r.status, r.header, r.body)
	}
	second := s.start(to("many", `{}`))
	<-u.arrived
	if r := s.do(to("many", `{}`)); r.status != http.StatusServiceUnavailable || r.code() != "overloaded" || r.header.Get("Retry-After") == "" {
		t.Errorf("the server's limit: %d %v %s", r.status, r.header, r.body)
	}
	if n := s.app.engine.InUse(); n != 2 {
		t.Errorf("%d executions in use", n)
	}
	close(u.answer)
	for _, c := range []<-chan reply{first, second} {
		if r := <-c; r.status != http.StatusOK || r.body != answered {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if r := s.do(to("one", `{}`)); r.status != http.StatusOK {
		t.Errorf("with free slots: %d %s", r.status, r.body)
	}
}

// TestTimeout checks that a sender waits no longer than the workflow's timeout, and then gets the
// response that onTimeout describes.
func TestTimeout(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	s.putWorkflow("error", u.workflow(`{"responseMode":"lastNode","statusCode":201,"headers":{"X-Flow":"ok"},"timeout":"50ms"}`))
	r := s.do(to("error", `{}`))
	if r.status != http.StatusGatewayTimeout || r.code() != "execution_timeout" || r.header.Get("X-Flow") != "ok" || !strings.HasPrefix(r.header.Get("X-Execution-Id"), "exec-") {
		t.Errorf("onTimeout error: %d %v %s", r.status, r.header, r.body)
	}
	s.putWorkflow("accept", u.workflow(`{"responseMode":"lastNode","statusCode":201,"headers":{"X-Flow":"ok"},"timeout":"50ms","onTimeout":"accept"}`))
	r = s.do(to("accept", `{}`))
	if want := fmt.Sprintf(`{"success":true,"executionId":%q}`, r.header.Get("X-Execution-Id")); r.status != http.StatusAccepted || r.body != want || r.header.Get("X-Flow") != "ok" {
		t.Errorf("onTimeout accept: %d %v %s", r.status, r.header, r.body)
	}
	if n := s.app.engine.InUse(); n != 1 {
		t.Errorf("%d executions in use after the response, want the one that continues", n)
	}
	close(u.answer)
	s.app.drain() // waits for it
	if n := s.app.engine.InUse(); n != 0 {
		t.Errorf("%d executions in use at the end", n)
	}
}

// TestMinimal checks that the response does not wait for the execution, and that a full journal
// accepts nothing.
func TestMinimal(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"journal":{"engine":"memory","max_pending":1,"accept_loss":true}`), `{}`)
	s.putWorkflow("order", u.workflow(`{}`))
	r := s.do(to("order", `{}`))
	if want := fmt.Sprintf(`{"success":true,"executionId":%q}`, r.header.Get("X-Execution-Id")); r.status != http.StatusOK || r.body != want {
		t.Errorf("%d %s", r.status, r.body)
	}
	<-u.arrived
	if r := s.do(to("order", `{}`)); r.status != http.StatusServiceUnavailable || r.code() != "journal_unavailable" || r.header.Get("Retry-After") == "" {
		t.Errorf("with a full journal: %d %v %s", r.status, r.header, r.body)
	}
	close(u.answer)
}

// TestSenderGoesAway checks that the execution continues.
func TestSenderGoesAway(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(""), `{}`)
	s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode"}`))
	c := to("order", `{}`)
	req, err := http.NewRequest(http.MethodPost, s.server.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header
	client := &http.Client{Transport: &http.Transport{}}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	called := <-u.arrived
	client.CloseIdleConnections()
	s.server.CloseClientConnections()
	<-gone
	select {
	case <-called.Context().Done():
		t.Error("the execution was cancelled")
	default:
	}
	close(u.answer)
	s.server.Close() // waits for the handler
	if n := s.app.engine.InUse(); n != 0 {
		t.Errorf("%d executions in use", n)
	}
}

// TestEventInTemplates checks what a workflow sees of the request.
func TestEventInTemplates(t *testing.T) {
	s := newSite(t, `{}`, `{}`)
	s.putWorkflow("show", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
		{"id":"out","type":"transform","config":{"output":{
			"data":"{{trigger.data.n}}","query":"{{trigger.data._query.source}}","method":"{{trigger.method}}",
			"ip":"{{trigger.clientIp}}","event":"{{trigger.headers.x-event}}",
			"secrets":["{{trigger.headers.authorization}}","{{trigger.headers.cookie}}","{{trigger.headers.x-webhook-signature}}"]}}}],
		"edges":[{"source":"t","target":"out"}]}`)
	c := to("show", `{"n":1.50}`).with("X-Event", "created").with("Authorization", "Bearer x").with("Cookie", "a=b")
	c.path += "?source=crm"
	const want = `{"data":1.50,"query":"crm","method":"POST","ip":"203.0.113.7","event":"created","secrets":[null,null,null]}`
	if r := s.do(c); r.status != http.StatusOK || r.body != want {
		t.Errorf("%d %s, want %s", r.status, r.body, want)
	}
}

// TestDrain checks that waiting senders get a response in time when the process exits.
func TestDrain(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"node_timeout":"1m"}`), `{}`)
	s.putWorkflow("order", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	waiting := s.start(to("order", `{}`))
	<-u.arrived
	s.app.drainWithin(100 * time.Millisecond)
	if r := <-waiting; r.status != http.StatusInternalServerError || r.code() != "execution_failed" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestSendersThatGoAway checks that a sender that leaves before its execution begins is not counted
// as rejected.
func TestSendersThatGoAway(t *testing.T) {
	u := newUpstream(t)
	s := newSite(t, u.app(`,"limits":{"executions":1,"queue_wait":"1m","node_timeout":"1m"}`), `{}`)
	s.putWorkflow("slow", u.workflow(`{"responseMode":"lastNode","timeout":"1m"}`))
	s.putWorkflow("keyed", u.workflow(`{"responseMode":"lastNode","timeout":"1m",`+byHeader+`}`))
	s.putWorkflow("minimal", trigger(`{}`))
	first := s.start(keyed("keyed", "k", `{}`))
	<-u.arrived
	h := s.serve(s.handler(`{}`))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []call{to("slow", `{}`), keyed("keyed", "l", `{}`), keyed("keyed", "k", `{}`), to("minimal", `{}`)} {
		for range 10 { // what is accepted at the same moment is up to chance
			r := httptest.NewRequestWithContext(gone, http.MethodPost, c.path, strings.NewReader(c.body))
			r.Header = c.header
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	for _, code := range []response.Code{response.Overloaded, response.JournalUnavailable, response.NotReady} {
		var m dto.Metric
		if err := s.app.meters.refused.WithLabelValues(string(code)).Write(&m); err != nil || m.Counter.GetValue() != 0 {
			t.Errorf("%s: %v, %v", code, m.Counter, err)
		}
	}
	close(u.answer)
	if r := <-first; r.status != http.StatusOK {
		t.Errorf("the one that has waited: %d %s", r.status, r.body)
	}
}
