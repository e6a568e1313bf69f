package integration

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowtrux/edge/runtime/journal"
)

// collected receives spans as OTLP over HTTP.
type collected struct {
	t *testing.T

	mu    sync.Mutex
	spans []*tracepb.Span
	body  []byte // all that was received
}

// collect starts a collector and makes it the one of the environment.
func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{t: t}
	server := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return c
}

func (c *collected) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var got collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &got)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		c.t.Errorf("received %s: %v", r.URL.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body = append(c.body, body...)
	for _, resource := range got.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named returns the spans with a name that were received so far.
func (c *collected) named(name string) (found []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// one waits for the spans with a name, and returns the last of n.
func (c *collected) one(name string, n int) *tracepb.Span {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d spans %q", n, name), func() bool { return len(c.named(name)) >= n })
	found := c.named(name)
	if len(found) != n {
		c.t.Errorf("%d spans %q, want %d", len(found), name, n)
	}
	return found[n-1]
}

// putTraced stores a workflow "traced" that asks upstream between its nodes a and out.
func (s *server) putTraced(mode, upstream string) {
	s.t.Helper()
	s.put("traced", `{"nodes":[
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"`+mode+`"}}},
		{"id":"a","type":"transform","config":{"output":{"got":"{{trigger.data.n}}"}}},
		{"id":"call","type":"http-request","config":{"url":"`+upstream+`/path?key=hidden-in-the-query"}},
		{"id":"out","type":"transform","config":{"output":"{{steps.call.output.body}}"}}],
		"edges":[{"source":"t","target":"a"},{"source":"a","target":"call"},{"source":"call","target":"out"}]}`)
}

// TestATraceSurvivesAKill: what ran before a kill -9, what ran after it, and a replay are in the
// trace of the request.
func TestATraceSurvivesAKill(t *testing.T) {
	arrived, goOn := make(chan http.Header, 10), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.Header
		select {
		case <-goOn:
			fmt.Fprint(w, "done")
		case <-r.Context().Done():
		}
	}))
	defer upstream.Close()
	spans := collect(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20") // in milliseconds
	s := start(t)
	s.bind = "tracing {\n span server\n }"
	config := s.caddyfile("tracing\n egress {\n allow "+upstream.Listener.Addr().String()+"\n }", "")
	kill := s.spawn(config)
	s.putTraced("minimal", upstream.URL)

	const sender = "4bf92f3577b34da6a3ce929d0e0e4736"
	a := s.post("/api/webhooks/traced", `{"n":"hidden-in-the-body"}`, "Traceparent", "00-"+sender+"-00f067aa0ba902b7-01",
		"Tracestate", "vendor=1", "Baggage", "user=hidden-in-the-baggage")
	id := a.header.Get("X-Execution-Id")
	sent := []http.Header{<-arrived}
	first := spans.one("node a", 1)
	kill()

	s.spawn(config)
	close(goOn)
	sent = append(sent, <-arrived)
	s.record(id, journal.Succeeded)
	execution := spans.one("execution traced", 1) // that of the killed process never ended
	server, accept, out := spans.one("server", 1), spans.one("accept traced", 1), spans.one("node out", 1)
	request := spans.one("GET", 1)
	for _, span := range []*tracepb.Span{server, accept, first, execution, out, request} {
		if got := hex.EncodeToString(span.TraceId); got != sender {
			t.Errorf("%s is in the trace %s", span.Name, got)
		}
	}
	for _, c := range []struct{ below, span *tracepb.Span }{{server, accept}, {accept, execution}, {execution, out}, {spans.one("node call", 1), request}} {
		if !bytes.Equal(c.span.ParentSpanId, c.below.SpanId) {
			t.Errorf("%s is below %x, want %s", c.span.Name, c.span.ParentSpanId, c.below.Name)
		}
	}
	if bytes.Equal(first.ParentSpanId, out.ParentSpanId) || len(spans.named("node a")) != 1 {
		t.Error("both halves have the same run")
	}
	for i, h := range sent {
		if !strings.HasPrefix(h.Get("Traceparent"), "00-"+sender+"-") || h.Get("Tracestate") != "vendor=1" || h.Get("Baggage") != "" {
			t.Errorf("request %d was sent with %v", i, h)
		}
	}

	if a := s.ask(http.MethodPost, "executions/"+id+"/replay", ""); a.status/100 != 2 {
		t.Fatalf("replaying: %d %s", a.status, a.body)
	}
	if again := spans.one("execution traced", 2); hex.EncodeToString(again.TraceId) != sender {
		t.Errorf("the replay is in the trace %x", again.TraceId)
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	if i := bytes.Index(spans.body, []byte("hidden-in")); i >= 0 {
		t.Errorf("a value was exported: %q", spans.body[i:min(len(spans.body), i+30)])
	}
}

// TestSpansAreExportedAtTheEnd: a server that stops exports the spans of executions that have
// ended, and the access log leads from a request to its trace.
func TestSpansAreExportedAtTheEnd(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "done") }))
	defer upstream.Close()
	spans := collect(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000") // nothing is exported by itself
	s := start(t)
	access := filepath.Join(t.TempDir(), "access.log")
	s.bind = "log {\n output file " + access + "\n }"
	s.load(s.caddyfile("tracing\n egress {\n allow "+upstream.Listener.Addr().String()+"\n }", ""))
	s.putTraced("lastNode", upstream.URL)
	good := s.post("/api/webhooks/traced", `{"n":1}`)
	bad := s.post("/api/webhooks/traced", `{`)
	if good.status != http.StatusOK || bad.status != http.StatusBadRequest {
		t.Fatalf("%+v %+v", good, bad)
	}
	s.stop()
	execution := spans.one("execution traced", 1)
	if n := len(spans.named("node out")); n != 1 || len(execution.ParentSpanId) != 0 {
		t.Errorf("%d spans of the last node, and the first span of the trace is below %x", n, execution.ParentSpanId)
	}

	log, err := os.ReadFile(access)
	if err != nil {
		t.Fatal(err)
	}
	var lines []map[string]any
	for line := range bytes.Lines(log) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fields)
	}
	if len(lines) != 2 {
		t.Fatalf("%d lines:\n%s", len(lines), log)
	}
	for i, want := range []map[string]any{
		{
			"workflow": "traced", "execution_id": good.header.Get("X-Execution-Id"), "mode": "lastNode", "outcome": "succeeded", "code": nil,
			"nodes": 3.0, "trace_id": hex.EncodeToString(execution.TraceId),
		},
		{"workflow": "traced", "execution_id": nil, "mode": nil, "outcome": "rejected", "code": "invalid_json", "nodes": nil, "run_time": nil},
	} {
		for key, value := range want {
			if lines[i][key] != value {
				t.Errorf("line %d: %s is %v, want %v", i, key, lines[i][key], value)
			}
		}
	}
	for _, key := range []string{"queue_time", "run_time"} {
		if d, ok := lines[0][key].(float64); !ok || d < 0 || d > lines[0]["duration"].(float64) {
			t.Errorf("%s is %v of %v", key, lines[0][key], lines[0]["duration"])
		}
	}
}
