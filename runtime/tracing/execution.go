package tracing

import (
	"context"
	"encoding/hex"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Bounds of the spans of one execution. A node with forEach calls and sends as often as it has
// items.
const (
	maxAttempts = 100 // events of a node
	maxRequests = 100 // spans of requests of a node
)

// ChildWithin is how soon after its acceptance an execution has to start to be in the trace of the
// request. One that starts later has a trace of its own, with a link to that of the request: tools
// close traces after a while, and a backlog can be hours long.
const ChildWithin = 10 * time.Second

// Run is one run of an execution.
type Run struct {
	Workflow string
	Revision int64
	ID       string // of the execution
	Nodes    int    // of its plan
	Start    time.Time
	Since    time.Time // when it was accepted or, if its sender waits, began to wait for a slot
	Accepted bool      // it is in the journal, and no sender waits
	Resumed  bool      // an earlier run has begun it
	Began    time.Time // when the first run began, of one that goes on
}

// queueTime is how long it waited until this run.
func (r *Run) queueTime() time.Duration {
	if r.Since.IsZero() {
		return 0
	}
	return max(0, r.Start.Sub(r.Since))
}

// late reports whether the first run began late, so that all runs are in a trace of their own.
func (r *Run) late() bool {
	first := r.Start
	if r.Resumed {
		first = r.Began
	}
	return r.Accepted && first.Sub(r.Since) > ChildWithin
}

// Execution is the span of one run of an execution, and those below it. nil = not sampled. Its
// methods are safe for concurrent use.
type Execution struct {
	tracer *Tracer
	ctx    context.Context // of the span
	span   trace.Span
	common []attribute.KeyValue
	nodes  []node
}

// node is the span of a node.
type node struct {
	ctx      context.Context // of the span
	span     trace.Span      // nil = it has not begun
	id, typ  string
	digest   [32]byte     // of its module
	attempts atomic.Int32 // events that were asked for
	requests atomic.Int32 // spans of requests that were asked for
}

// Start starts the span of a run at its place in a trace. It returns nil if the trace is not
// sampled. The place is one for a run whose execution has none yet, as entries of the journal have
// that were accepted without tracing.
//
// It also returns the place to be kept with the execution, for runs that follow.
func (t *Tracer) Start(at trace.SpanContext, r Run) (*Execution, trace.SpanContext) {
	if t == nil {
		return nil, at
	}
	if !at.HasTraceID() {
		at = t.newTrace(newTraceID())
	}
	if !at.IsSampled() {
		return nil, at
	}
	x := &Execution{tracer: t, nodes: make([]node, r.Nodes), common: []attribute.KeyValue{
		attribute.String("flowtrux.workflow", r.Workflow),
		attribute.Int64("flowtrux.revision", r.Revision),
		attribute.String("flowtrux.execution.id", r.ID),
		attribute.Float64("flowtrux.queue_time", r.queueTime().Seconds()),
	}}
	options := []trace.SpanStartOption{trace.WithTimestamp(r.Start)}
	parent := at
	if r.Accepted {
		options = append(options, trace.WithSpanKind(trace.SpanKindConsumer))
	}
	if r.late() {
		parent = trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceIDOf(r.ID), TraceFlags: trace.FlagsSampled})
		options = append(options, trace.WithLinks(trace.Link{SpanContext: at}))
	}
	x.ctx, x.span = t.tracer.Start(trace.ContextWithSpanContext(context.Background(), parent), "execution "+r.Workflow, options...)
	if r.Resumed {
		x.span.SetAttributes(attribute.Bool("flowtrux.resumed", true))
	}
	if !at.HasSpanID() { // the span is the trace's first
		at = x.span.SpanContext()
	}
	return x, at
}

// Accept makes the span of the acceptance of an execution, which began at the given time, at its
// place in a trace. It returns the place of the execution's runs, below that span. done ends the
// span, and code is that of the rejection; "" = the journal has accepted the execution. A span that
// is not ended is not exported.
func (t *Tracer) Accept(at trace.SpanContext, workflow string, revision int64, id string, began time.Time) (runs trace.SpanContext, done func(code string)) {
	if t == nil || !at.IsSampled() {
		return at, func(string) {}
	}
	_, span := t.tracer.Start(trace.ContextWithSpanContext(context.Background(), at), "accept "+workflow,
		trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindProducer))
	span.SetAttributes(
		attribute.String("flowtrux.workflow", workflow),
		attribute.Int64("flowtrux.revision", revision),
		attribute.String("flowtrux.execution.id", id),
	)
	return span.SpanContext(), func(code string) {
		fail(span, code)
		span.End()
	}
}

// fail marks a span as failed, unless code is empty.
func fail(s trace.Span, code string) {
	if code == "" {
		return
	}
	s.SetAttributes(attribute.String("error.type", code))
	s.SetStatus(codes.Error, code)
}

// End ends the span of the run. code is the error's; "" = it has not failed.
func (x *Execution) End(status, code string, fuel uint64, at time.Time) {
	x.span.SetAttributes(append(slices.Clip(x.common),
		attribute.String("flowtrux.status", status), attribute.Int64("flowtrux.fuel", int64(fuel)))...)
	fail(x.span, code)
	x.span.End(trace.WithTimestamp(at))
}

// StartNode starts the span of a node, by its index in the plan. It is called once for each node,
// before its attempts.
func (x *Execution) StartNode(n int, id, typ string, digest [32]byte, at time.Time) {
	node := &x.nodes[n]
	node.id, node.typ, node.digest = id, typ, digest
	node.ctx, node.span = x.tracer.tracer.Start(x.ctx, "node "+id, trace.WithTimestamp(at))
}

// attributesOf returns the attributes of the spans of a node and of its requests, with room for
// more.
func (x *Execution) attributesOf(n *node, more int) []attribute.KeyValue {
	const own = 3
	all := append(make([]attribute.KeyValue, 0, len(x.common)+own+more), x.common...)
	return append(all,
		attribute.String("flowtrux.node.id", n.id),
		attribute.String("flowtrux.node.type", n.typ),
		attribute.String("flowtrux.node.digest", digestText(n.digest)),
	)
}

// digestText returns the text of a module's digest.
func digestText(d [32]byte) string {
	const name = "sha256:"
	var b [len(name) + 2*len(d)]byte
	hex.Encode(b[copy(b[:], name):], d[:])
	return string(b[:])
}

// EndNode ends the span of a node. code is the error's, handled or not; "" = it has not failed.
func (x *Execution) EndNode(n, attempts int, fuel uint64, code string, at time.Time) {
	node := &x.nodes[n]
	attributes := append(x.attributesOf(node, 2), attribute.Int("flowtrux.attempts", attempts), attribute.Int64("flowtrux.fuel", int64(fuel)))
	if left := node.attempts.Load() - maxAttempts; left > 0 {
		attributes = append(attributes, attribute.Int("flowtrux.attempts_left_out", int(left)))
	}
	if left := node.requests.Load() - maxRequests; left > 0 {
		attributes = append(attributes, attribute.Int("flowtrux.requests_left_out", int(left)))
	}
	node.span.SetAttributes(attributes...)
	fail(node.span, code)
	node.span.End(trace.WithTimestamp(at))
}

// Attempt adds an attempt of a node, or of one of its items, as an event at its end.
func (x *Execution) Attempt(n, item, attempt int, fuel uint64, code string, took time.Duration, at time.Time) {
	node := &x.nodes[n]
	if node.attempts.Add(1) > maxAttempts {
		return
	}
	attributes := []attribute.KeyValue{
		attribute.Int("flowtrux.item", item),
		attribute.Int("flowtrux.attempt", attempt),
		attribute.Int64("flowtrux.fuel", int64(fuel)),
		attribute.Float64("flowtrux.duration", took.Seconds()),
	}
	if code != "" {
		attributes = append(attributes, attribute.String("error.type", code))
	}
	node.span.AddEvent("attempt", trace.WithTimestamp(at), trace.WithAttributes(attributes...))
}
