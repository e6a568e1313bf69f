package executor

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/tracing"
)

// open is a journal that its executor does not close.
type open struct{ journal.Journal }

func (open) Close() error { return nil }

// TestRunsOfAnExecutionAreInOneTrace: a run that is interrupted before its first node has ended,
// and the one that goes on an hour later, are in the same place. Whether that is below the
// acceptance depends on when the first one began.
func TestRunsOfAnExecutionAreInOneTrace(t *testing.T) {
	for name, late := range map[string]bool{"soon": false, "late": true} {
		t.Run(name, func(t *testing.T) {
			spans := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
			asked := make(chan struct{}, 2)
			block := true
			var later atomic.Int64 // by how much the clock of the engine is ahead
			l := newLab(t, engine.Config{
				Clock:  func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
				Tracer: tracing.New(provider.Tracer("test"), func(context.Context, trace.TraceID) bool { return true }),
				HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
					asked <- struct{}{}
					if block {
						<-ctx.Done()
					}
					return "1", ctx.Err()
				}),
			}, sandbox.Limits{})
			p := l.Program(Document("t>a", Ask("a", `"a"`)))
			accepted := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
			event := Event(t, "{}")
			event.Trace = accepted
			e := record.Source(p.Plan, "exec-1", event)
			if late {
				e.AcceptedAt = e.AcceptedAt.Add(-tracing.ChildWithin)
			}
			j := newLedger()
			if err := j.Accept(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			x := New(open{j}, 1)
			remove := x.Use(l.runner(p))
			Receive(t, asked)
			l.closeNow(x, 1)
			remove()

			block = false
			later.Store(int64(time.Hour))
			x = New(j, 1)
			defer x.Use(l.runner(p))()
			Receive(t, j.finished)
			l.drain(x, 0)

			var runs []sdktrace.ReadOnlySpan
			for _, s := range spans.Ended() {
				if s.SpanKind() == trace.SpanKindConsumer {
					runs = append(runs, s)
				}
			}
			if len(runs) != 2 {
				t.Fatalf("%d runs, want 2", len(runs))
			}
			first, second := runs[0], runs[1]
			if (first.SpanContext().TraceID() == accepted.TraceID()) == late {
				t.Errorf("the first run is in the trace %v, that of the acceptance is %v", first.SpanContext().TraceID(), accepted.TraceID())
			}
			if first.SpanContext().TraceID() != second.SpanContext().TraceID() || first.Parent().SpanID() != second.Parent().SpanID() {
				t.Errorf("the runs are in the traces %v and %v, below %v and %v", first.SpanContext().TraceID(), second.SpanContext().TraceID(),
					first.Parent().SpanID(), second.Parent().SpanID())
			}
		})
	}
}
