package engine_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/tracing"
)

// TestSpans checks which spans an execution has, and that they hold no values.
func TestSpans(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	sampled := true
	var mu sync.Mutex
	asked := 0
	var sent []http.Header
	client := HTTPFunc(func(_ context.Context, node string, o hostapi.HTTPOptions) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		h := http.Header{}
		if o.Trace != nil {
			o.Trace.Begin("GET", &url.URL{Scheme: "https", Host: "api.example.com", Path: "/" + node}, h)
		}
		sent = append(sent, h)
		asked++
		var err error
		if asked == 1 {
			err = &hostapi.Failure{Code: "connect_failed", Message: "value-in-a-message"}
		}
		if o.Trace != nil {
			o.Trace.End(200, err)
		}
		return `"value-of-a-response"`, err
	})
	tracer := tracing.New(provider.Tracer("test"), func(context.Context, trace.TraceID) bool { return sampled })
	l := NewLab(t, engine.Config{HTTP: client, Tracer: tracer}, sandbox.Limits{})
	document := Document("t>a a>b", Ask("a", `"a"`, `"retry":{"maxAttempts":2,"backoff":"1ms"}`), Fail("b"))

	x := l.Execution(t.Context(), l.Program(document), `{"a":"value-of-the-event"}`)
	r := x.Run()
	byName := make(map[string]sdktrace.ReadOnlySpan)
	var names []string
	for _, s := range spans.Ended() {
		byName[s.Name()] = s
		names = append(names, s.Name())
		for _, a := range s.Attributes() {
			if strings.Contains(a.Value.String(), "value-") {
				t.Errorf("%s: %s holds a value: %s", s.Name(), a.Key, a.Value.String())
			}
		}
	}
	if want := []string{"GET", "GET", "node a", "node b"}; !slices.Equal(names[:min(4, len(names))], want) || len(names) != 5 {
		t.Fatalf("the spans are %q, want %q and that of the execution; it ended as %s", names, want, Show(l.Program(document), r))
	}
	execution := spans.Ended()[4]
	a, b, request := byName["node a"], byName["node b"], byName["GET"]
	if a.Parent().SpanID() != execution.SpanContext().SpanID() || b.Parent().SpanID() != execution.SpanContext().SpanID() ||
		request.Parent().SpanID() != a.SpanContext().SpanID() {
		t.Error("a span is not below the right one")
	}
	if execution.Status().Code != codes.Error || b.Status().Code != codes.Error || a.Status().Code == codes.Error {
		t.Errorf("statuses %v %v %v", execution.Status(), a.Status(), b.Status())
	}
	if len(a.Events()) != 2 || len(b.Events()) != 1 {
		t.Errorf("%d and %d attempts", len(a.Events()), len(b.Events()))
	}
	if len(sent) != 2 || !strings.Contains(sent[1].Get("Traceparent"), request.SpanContext().SpanID().String()) {
		t.Errorf("sent %v", sent)
	}
	// the first span of a trace is what later runs are below
	if x.Event().Trace.SpanID() != execution.SpanContext().SpanID() {
		t.Errorf("the event keeps %v", x.Event().Trace)
	}

	sampled, sent = false, nil
	before := len(spans.Started())
	l.Run(Document("t>a", Ask("a", `"a"`)), `{}`)
	if len(spans.Started()) != before || len(sent) != 1 || !strings.HasSuffix(sent[0].Get("Traceparent"), "-00") {
		t.Errorf("not sampled: %d spans, sent %v", len(spans.Started())-before, sent)
	}
}
