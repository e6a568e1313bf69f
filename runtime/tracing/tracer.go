package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"

	"github.com/flowtrux/edge/runtime/journal"
)

// Sampler decides whether a trace is sampled: that of the span in ctx or, without one, a new trace
// with this ID.
type Sampler func(ctx context.Context, id trace.TraceID) bool

// Tracer makes the spans of executions. It is safe for concurrent use.
type Tracer struct {
	tracer trace.Tracer
	sample Sampler
}

// New returns a Tracer. The provider of t must sample everything that it is asked for: unless the
// sampler has decided that a trace is sampled, t is not asked.
func New(t trace.Tracer, s Sampler) *Tracer { return &Tracer{tracer: t, sample: s} }

// Arrived returns the place of a request's execution in a trace: below the span in ctx or, without
// one, first in a new trace. The place is zero if t is nil.
func (t *Tracer) Arrived(ctx context.Context) trace.SpanContext {
	if t == nil {
		return trace.SpanContext{}
	}
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsValid() {
		return t.newTrace(newTraceID())
	}
	return parent.WithTraceFlags(parent.TraceFlags().WithSampled(t.sample(ctx, parent.TraceID())))
}

// newTrace returns the first place in a new trace. It has no span ID if the trace is sampled: its
// first span has no parent. Otherwise there are no spans, and the ID is one for those who are asked
// not to sample either.
func (t *Tracer) newTrace(id trace.TraceID) trace.SpanContext {
	c := trace.SpanContextConfig{TraceID: id}
	if t.sample(context.Background(), id) {
		c.TraceFlags = trace.FlagsSampled
	} else {
		binary.NativeEndian.PutUint64(c.SpanID[:], rand.Uint64()|1) // never zero
	}
	return trace.NewSpanContext(c)
}

func newTraceID() (id trace.TraceID) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1) // never zero
	return id
}

// traceIDOf returns the ID of the trace of an execution that starts late. It follows from the ID of
// the execution, so that all runs of it have the same.
func traceIDOf(execution string) (id trace.TraceID) {
	sum := sha256.Sum256([]byte("flowtrux trace " + execution))
	copy(id[:], sum[:])
	return id
}

// Stored returns a place in a trace as the journal stores it. A tracestate that is longer than
// journal.MaxTraceState is left out, as W3C Trace Context allows.
func Stored(c trace.SpanContext) journal.TraceContext {
	if !c.HasTraceID() {
		return journal.TraceContext{}
	}
	s := journal.TraceContext{TraceID: c.TraceID(), SpanID: c.SpanID(), Flags: byte(c.TraceFlags())}
	if state := c.TraceState().String(); len(state) <= journal.MaxTraceState {
		s.State = state
	}
	return s
}

// Restored is the reverse of Stored. A tracestate that is not valid is left out.
func Restored(s journal.TraceContext) trace.SpanContext {
	if s.TraceID == [16]byte{} {
		return trace.SpanContext{}
	}
	c := trace.SpanContextConfig{TraceID: s.TraceID, SpanID: s.SpanID, TraceFlags: trace.TraceFlags(s.Flags), Remote: true}
	if s.State != "" {
		c.TraceState, _ = trace.ParseTraceState(s.State) // an error leaves it empty
	}
	return trace.NewSpanContext(c)
}
