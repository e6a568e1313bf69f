package tracing

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newTracer returns a tracer with a sampler, and what its spans are recorded in.
func newTracer(s sdktrace.Sampler) (*Tracer, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	p := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithSpanProcessor(spans))
	return New(p.Tracer("test"), func(ctx context.Context, id trace.TraceID) bool {
		return s.ShouldSample(sdktrace.SamplingParameters{ParentContext: ctx, TraceID: id}).Decision == sdktrace.RecordAndSample
	}), spans
}

// place returns a place in a trace.
func place(flags trace.TraceFlags) trace.SpanContext {
	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		panic(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: flags, TraceState: state, Remote: true,
	})
}

func attributes(s sdktrace.ReadOnlySpan) map[attribute.Key]string {
	all := make(map[attribute.Key]string)
	for _, a := range s.Attributes() {
		all[a.Key] = a.Value.String()
	}
	return all
}

func TestWhereARequestArrives(t *testing.T) {
	for name, c := range map[string]struct {
		sampler sdktrace.Sampler
		parent  trace.SpanContext
		sampled bool
	}{
		"no parent":               {sdktrace.ParentBased(sdktrace.AlwaysSample()), trace.SpanContext{}, true},
		"no parent, not sampled":  {sdktrace.ParentBased(sdktrace.NeverSample()), trace.SpanContext{}, false},
		"sampled parent":          {sdktrace.ParentBased(sdktrace.NeverSample()), place(trace.FlagsSampled), true},
		"parent not sampled":      {sdktrace.ParentBased(sdktrace.AlwaysSample()), place(0), false},
		"the parent is not asked": {sdktrace.AlwaysSample(), place(0), true},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, _ := newTracer(c.sampler)
			got := tracer.Arrived(trace.ContextWithSpanContext(t.Context(), c.parent))
			if got.IsSampled() != c.sampled || !got.HasTraceID() {
				t.Errorf("%+v, want sampled %t", got, c.sampled)
			}
			if c.parent.IsValid() {
				if got.TraceID() != c.parent.TraceID() || got.SpanID() != c.parent.SpanID() || got.TraceState().String() != "vendor=1" {
					t.Errorf("%+v is not below %+v", got, c.parent)
				}
			} else if got.HasSpanID() == c.sampled {
				t.Errorf("%+v: only a trace without spans has a span before its first", got)
			}
		})
	}
}

// TestUnsampledCostsNothing: neither without tracing nor in a trace that is not sampled.
func TestUnsampledCostsNothing(t *testing.T) {
	never, spans := newTracer(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0)))
	for name, tracer := range map[string]*Tracer{"off": nil, "not sampled": never} {
		for parent, ctx := range map[string]context.Context{
			"no parent": t.Context(), "parent": trace.ContextWithSpanContext(t.Context(), place(0)),
		} {
			if n := testing.AllocsPerRun(100, func() {
				at := tracer.Arrived(ctx)
				at, done := tracer.Accept(at, "w", 1, "exec-1", began)
				done("")
				if x, _ := tracer.Start(Restored(withoutState(Stored(at))), Run{Workflow: "w", ID: "exec-1", Nodes: 3}); x != nil {
					t.Fatal("there is a span")
				}
			}); n > 1 || parent == "no parent" && n > 0 { // the text of a parent's tracestate
				t.Errorf("%s, %s: %v allocations", name, parent, n)
			}
		}
	}
	if n := len(spans.Started()); n > 0 {
		t.Errorf("%d spans", n)
	}
}

func withoutState(c journal.TraceContext) journal.TraceContext { c.State = ""; return c }

func TestStored(t *testing.T) {
	if got := Stored(trace.SpanContext{}); got != (journal.TraceContext{}) {
		t.Errorf("no place is stored as %+v", got)
	}
	if Restored(journal.TraceContext{}).HasTraceID() {
		t.Error("nothing becomes a place")
	}
	for _, flags := range []trace.TraceFlags{0, trace.FlagsSampled} {
		if c := place(flags); !Restored(Stored(c)).Equal(c) {
			t.Errorf("%+v is restored as %+v", c, Restored(Stored(c)))
		}
	}
	long := ""
	for i := range 3 {
		long += "k" + strconv.Itoa(i) + "=" + strings.Repeat("v", 200) + ","
	}
	state, err := trace.ParseTraceState(strings.TrimSuffix(long, ","))
	if err != nil {
		t.Fatal(err)
	}
	if got := Stored(place(1).WithTraceState(state)); got.State != "" || got.TraceID != place(1).TraceID() {
		t.Errorf("a tracestate that is too long: %+v", got)
	}
	if got := Restored(journal.TraceContext{TraceID: [16]byte{1}, State: "==="}); got.TraceState().Len() != 0 || !got.HasTraceID() {
		t.Errorf("a damaged tracestate: %+v", got)
	}
}

func TestAcceptedExecutions(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		own   bool // it has a trace of its own
	}{
		"soon":          {after: ChildWithin},
		"late":          {after: ChildWithin + 1, own: true},
		"clocks differ": {after: -time.Hour},
		"right away":    {},
		"hours later":   {after: 5 * time.Hour, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, spans := newTracer(sdktrace.AlwaysSample())
			at, done := tracer.Accept(tracer.Arrived(t.Context()), "orders", 7, "exec-1", began)
			done("")
			run := Run{Workflow: "orders", Revision: 7, ID: "exec-1", Since: began, Start: began.Add(c.after), Accepted: true}
			for range 2 {
				x, kept := tracer.Start(Restored(Stored(at)), run)
				x.End("succeeded", "", 5, run.Start.Add(time.Second))
				if kept.SpanID() != at.SpanID() || kept.TraceID() != at.TraceID() {
					t.Errorf("%+v is kept, not %+v", kept, at)
				}
				// the second run is in the same trace, whenever it begins
				run.Resumed, run.Began, run.Start = true, run.Start, run.Start.Add(time.Hour)
			}
			all := spans.Ended()
			accept, first, second := all[0], all[1], all[2]
			if attributes(first)["flowtrux.resumed"] != "" || attributes(second)["flowtrux.resumed"] != "true" {
				t.Error("not the second run alone says that it goes on")
			}
			if accept.SpanKind() != trace.SpanKindProducer || first.SpanKind() != trace.SpanKindConsumer || accept.Parent().HasSpanID() {
				t.Errorf("kinds %v %v, below %v", accept.SpanKind(), first.SpanKind(), accept.Parent())
			}
			if first.SpanContext().TraceID() != second.SpanContext().TraceID() || first.Parent().SpanID() != second.Parent().SpanID() {
				t.Error("two runs are in two places")
			}
			if !c.own {
				if len(first.Links()) != 0 || first.SpanContext().TraceID() != at.TraceID() || first.Parent().SpanID() != at.SpanID() {
					t.Errorf("it is not below its acceptance: %v %v", first.Parent(), first.Links())
				}
				return
			}
			if links := first.Links(); len(links) != 1 || links[0].SpanContext.SpanID() != at.SpanID() || links[0].SpanContext.TraceID() != at.TraceID() ||
				first.SpanContext().TraceID() == at.TraceID() || first.Parent().HasSpanID() {
				t.Errorf("it has no trace of its own with a link: %v %v", first.Parent(), links)
			}
		})
	}
}

func TestARejectedAcceptance(t *testing.T) {
	tracer, spans := newTracer(sdktrace.AlwaysSample())
	_, done := tracer.Accept(place(1), "orders", 7, "exec-1", began)
	done("journal_unavailable")
	if s := spans.Ended()[0]; s.Status().Code != codes.Error || attributes(s)["error.type"] != "journal_unavailable" {
		t.Errorf("%v %v", s.Status(), s.Attributes())
	}
}

// TestBounds: a node has a bounded number of events and of spans of requests, and tells how many
// are left out. All requests are in the trace.
func TestBounds(t *testing.T) {
	tracer, spans := newTracer(sdktrace.AlwaysSample())
	x, _ := tracer.Start(place(1), Run{Workflow: "w", ID: "exec-1", Nodes: 2, Start: began})
	x.StartNode(1, "each", "http-request", [32]byte{0xAB}, began)
	u, _ := url.Parse("https://api.example.com/v1/items?key=hidden")
	for i := range maxAttempts + 5 {
		h := http.Header{}
		r := x.Request(trace.SpanContext{}, 1, 1, func(s string) string { return s })
		r.Begin("GET", u, h)
		r.End(200, nil)
		if h.Get("Traceparent") == "" || !strings.Contains(h.Get("Traceparent"), place(1).TraceID().String()) {
			t.Fatalf("request %d: %v", i, h)
		}
		x.Attempt(1, i, 1, 10, "", time.Second, began)
	}
	x.EndNode(1, maxAttempts+5, 1050, "", began)
	x.End("succeeded", "", 1050, began)
	ended := spans.Ended()
	if len(ended) != maxRequests+2 {
		t.Fatalf("%d spans", len(ended))
	}
	node := ended[maxRequests]
	got := attributes(node)
	if len(node.Events()) != maxAttempts || got["flowtrux.attempts_left_out"] != "5" || got["flowtrux.requests_left_out"] != "5" {
		t.Errorf("%d events, %v", len(node.Events()), got)
	}
}

func TestRequests(t *testing.T) {
	tracer, spans := newTracer(sdktrace.AlwaysSample())
	x, _ := tracer.Start(place(1), Run{Workflow: "w", Revision: 3, ID: "exec-1", Nodes: 2, Start: began, Since: began.Add(-time.Second)})
	x.StartNode(1, "call", "http-request", [32]byte{0xAB}, began)
	mask := func(s string) string { return strings.ReplaceAll(s, "hush/hush", "***") }
	for _, c := range []struct {
		url, shown string
		status     int
		err        error
		failure    string
	}{
		{"https://api.example.com/v1?token=x#part", "https://api.example.com/v1", 200, nil, ""},
		{"http://api.example.com:8080/hush%2Fhush/a", "http://api.example.com:8080/***/a", 503, nil, "503"},
		{"https://api.example.com/hush/hush", "https://api.example.com/***", 0, &hostapi.Failure{Code: "connect_failed"}, "connect_failed"},
		{"https://api.example.com/" + strings.Repeat("x", 2000), "https://api.example.com/" + strings.Repeat("x", maxURL-24), 0, errors.New("secret detail"), "host_error"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{"Tracestate": {"of=node"}, "Baggage": {"of=node"}}
		r := x.Request(trace.SpanContext{}, 1, 2, mask)
		r.Begin("POST", u, h)
		r.End(c.status, c.err)
		s := spans.Ended()[len(spans.Ended())-1]
		got := attributes(s)
		for key, want := range map[attribute.Key]string{
			"url.full": c.shown, "http.request.method": "POST", "error.type": c.failure, "flowtrux.workflow": "w", "flowtrux.revision": "3",
			"flowtrux.execution.id": "exec-1", "flowtrux.node.id": "call", "flowtrux.node.type": "http-request", "flowtrux.queue_time": "1",
			"flowtrux.node.digest": "sha256:ab" + strings.Repeat("0", 62), "flowtrux.attempt": "2",
		} {
			if got[key] != want {
				t.Errorf("%s: %s is %q, want %q", c.url, key, got[key], want)
			}
		}
		if s.SpanKind() != trace.SpanKindClient || s.Name() != "POST" || (s.Status().Code == codes.Error) != (c.failure != "") {
			t.Errorf("%s: %v %s %v", c.url, s.SpanKind(), s.Name(), s.Status())
		}
		want := "00-" + place(1).TraceID().String() + "-" + s.SpanContext().SpanID().String() + "-01"
		if h.Get("Traceparent") != want || h.Get("Tracestate") != "vendor=1" || h.Get("Baggage") != "of=node" {
			t.Errorf("%s: sent %v, want %s", c.url, h, want)
		}
	}
}

// TestRequestsOfATraceThatIsNotSampled: the server is told not to sample, and there is no span.
func TestRequestsOfATraceThatIsNotSampled(t *testing.T) {
	var x *Execution
	h := http.Header{}
	r := x.Request(place(0), 1, 1, func(s string) string { return s })
	r.Begin("GET", new(url.URL), h)
	r.End(200, nil)
	if want := "00-" + place(0).TraceID().String() + "-" + place(0).SpanID().String() + "-00"; h.Get("Traceparent") != want {
		t.Errorf("sent %v, want %s", h, want)
	}
	if x.Request(trace.SpanContext{}, 1, 1, nil) != nil {
		t.Error("a request is in no trace")
	}
}
