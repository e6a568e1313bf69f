//go:build unix

package tracing

import (
	"context"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// discarding is an exporter that drops what it gets.
type discarding struct{}

func (discarding) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discarding) Shutdown(context.Context) error                             { return nil }

// BenchmarkSpan measures a span, as the process pays for it: with its attributes and events, and
// its way through the batches of the SDK. An execution with four nodes, one of which sends a
// request, has seven spans with that of its acceptance.
func BenchmarkSpan(b *testing.B) {
	const nodes, spans = 4, 7
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(discarding{}, sdktrace.WithBlocking()))
	defer func() { _ = provider.Shutdown(context.Background()) }()
	tracer := New(provider.Tracer("test"), func(context.Context, trace.TraceID) bool { return true })
	u := &url.URL{Scheme: "https", Host: "api.example.com", Path: "/v1/orders"}
	same := func(s string) string { return s }
	ids := []string{"", "check", "convert", "send", "answer"}
	at := trace.ContextWithSpanContext(context.Background(), place(trace.FlagsSampled))
	h := make(http.Header)
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		now := time.Now()
		accepted, done := tracer.Accept(tracer.Arrived(at), "orders", 7, "exec-1", now)
		done("")
		x, _ := tracer.Start(Restored(Stored(accepted)), Run{
			Workflow: "orders", Revision: 7, ID: "exec-1", Nodes: nodes + 1, Start: now, Since: now, Accepted: true,
		})
		for n := 1; n <= nodes; n++ {
			x.StartNode(n, ids[n], "transform", [32]byte{1}, now)
			if n == 3 {
				r := x.Request(accepted, n, 1, same)
				r.Begin(http.MethodPost, u, h)
				r.End(http.StatusOK, nil)
			}
			x.Attempt(n, 0, 1, 1000, "", time.Millisecond, now)
			x.EndNode(n, 1, 1000, "", now)
		}
		x.End("succeeded", "", nodes*1000, now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/spans, "ns/span")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/spans, "cpu-ns/span")
}

// cpu returns the time that processors have worked for this process.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
