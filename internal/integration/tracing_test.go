package integration

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/flowtrux/edge/runtime/journal"
)

// collected receives spans by OTLP.
type collected struct {
	collector.UnimplementedTraceServiceServer
	t *testing.T

	mu    sync.Mutex
	spans []*tracepb.Span
	body  []byte // all that was received over HTTP
}

// collect starts a collector and makes it the one of the environment, for the default protocol.
func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{t: t}
	server := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return c
}

// collectByGRPC is collect for gRPC.
func collectByGRPC(t *testing.T) *collected {
	t.Helper()
	c := &collected{t: t}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(l) }() // it ends with Stop
	t.Cleanup(server.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
	return c
}

// Export implements collector.TraceServiceServer.
func (c *collected) Export(_ context.Context, got *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.add(got)
	return &collector.ExportTraceServiceResponse{}, nil
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
	c.body = append(c.body, body...)
	c.mu.Unlock()
	c.add(&got)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collected) add(got *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range got.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
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
		{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"`+mode+`","idempotency":{"header":"Idempotency-Key"}}}},
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
	server, accept := spans.one("server", 1), spans.one("accept traced", 1) // Caddy exports its own
	kill()

	s.spawn(config)
	close(goOn)
	sent = append(sent, <-arrived)
	s.record(id, journal.Succeeded)
	execution := spans.one("execution traced", 1) // that of the killed process never ended
	out, request := spans.one("node out", 1), spans.one("GET", 1)
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
	for name, collect := range map[string]func(*testing.T) *collected{"HTTP": collect, "gRPC": collectByGRPC} {
		t.Run(name, func(t *testing.T) { exportAtTheEnd(t, collect(t)) })
	}
}

func exportAtTheEnd(t *testing.T, spans *collected) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "done") }))
	defer upstream.Close()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000") // nothing is exported by itself
	s := start(t)
	access := filepath.Join(t.TempDir(), "access.log")
	s.bind = "log {\n output file " + access + "\n }"
	s.load(s.caddyfile("tracing\n egress {\n allow "+upstream.Listener.Addr().String()+"\n }", ""))
	s.putTraced("lastNode", upstream.URL)
	good := s.post("/api/webhooks/traced", `{"n":1}`, "Idempotency-Key", "one")
	bad := s.post("/api/webhooks/traced", `{`)
	again := s.post("/api/webhooks/traced", `{"n":1}`, "Idempotency-Key", "one")
	if good.status != http.StatusOK || bad.status != http.StatusBadRequest || again.status != http.StatusOK {
		t.Fatalf("%+v %+v %+v", good, bad, again)
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
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), log)
	}
	for i, want := range []map[string]any{
		{
			"workflow": "traced", "execution_id": good.header.Get("X-Execution-Id"), "mode": "lastNode", "outcome": "succeeded", "code": nil,
			"nodes": 3.0, "trace_id": hex.EncodeToString(execution.TraceId),
		},
		{"workflow": "traced", "execution_id": nil, "mode": nil, "outcome": "rejected", "code": "invalid_json", "nodes": nil, "run_time": nil, "trace_id": nil},
		{
			"workflow": "traced", "execution_id": good.header.Get("X-Execution-Id"), "mode": "lastNode", "outcome": "duplicate", "code": nil,
			"nodes": nil, "queue_time": nil, "trace_id": nil, // nothing of it is in a trace
		},
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

// TestACollectorThatHangs: neither webhooks nor the end of the server wait for it.
func TestACollectorThatHangs(t *testing.T) {
	asked, end := make(chan struct{}, 1), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not noticed
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(end)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1") // in milliseconds
	s := start(t)
	s.load(s.caddyfile("tracing", ""))
	s.put("live", echo("lastNode"))
	for n := range 10 {
		if a := s.post("/api/webhooks/live", `{}`); a.status != http.StatusOK {
			t.Fatalf("webhook %d: %d %s", n, a.status, a.body)
		}
		if n == 0 {
			<-asked
		}
	}
	began := time.Now()
	s.stop()
	// The grace period is 20 s, and an export is tried for a minute.
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}
