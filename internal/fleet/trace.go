//go:build unix

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowtrux/edge/internal/crash"
)

// collector receives spans by OTLP over HTTP. It is safe for concurrent use.
type collector struct {
	url    string
	server *http.Server

	mu    sync.Mutex
	spans map[string][]*tracepb.Span // by name
}

func startCollector() (*collector, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &collector{url: "http://" + l.Addr().String(), spans: make(map[string][]*tracepb.Span)}
	c.server = &http.Server{Handler: c}
	go func() { _ = c.server.Serve(l) }() // ends with stop
	return c, nil
}

func (c *collector) stop() error { return c.server.Close() }

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var got collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &got)
	}
	if err != nil { // of a process that was killed
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range got.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans[span.Name] = append(c.spans[span.Name], span)
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// await waits until n spans of a name have come, and returns them.
func (c *collector) await(ctx context.Context, name string, n int) (found []*tracepb.Span, err error) {
	err = poll(ctx, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if found = c.spans[name]; len(found) < n {
			return fmt.Errorf("%d of %d spans %q have come", len(found), n, name)
		}
		return nil
	})
	return found, err
}

// traces kills an edge between the nodes of an execution whose sender traces it.
func (f *fleet) traces(ctx context.Context) ([]figure, error) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	f.target.hold(1)
	defer f.target.release()
	a, err := f.edges[0].Send(ctx, crash.Request{
		Workflow: workflow, Body: `{"order":"traced"}`,
		Header: map[string]string{"Idempotency-Key": "traced", "Traceparent": "00-" + trace + "-00f067aa0ba902b7-01"},
	})
	if err != nil || a.Status != http.StatusOK {
		return nil, fmt.Errorf("the webhook is not accepted: %+v, %w", a, err)
	}
	ids := map[string]bool{a.Header.Get("X-Execution-Id"): true}
	calls := func(n int) error {
		return poll(ctx, func() error {
			if f.target.count(ids, 1, n) == 0 {
				return fmt.Errorf("the second node has not called %d times", n)
			}
			return nil
		})
	}
	if err := calls(1); err != nil {
		return nil, err
	}
	first, err := f.spans.await(ctx, "node "+nodes[0], 1)
	if err != nil {
		return nil, err
	}
	runner, err := f.runner(ctx)
	if err != nil {
		return nil, err
	}
	f.edges[runner].Kill()
	if err := calls(2); err != nil {
		return nil, err
	}
	f.target.release()
	second, err := f.spans.await(ctx, "node "+nodes[1], 1)
	if err != nil {
		return nil, err
	}
	if err := f.restart(ctx, runner); err != nil {
		return nil, err
	}
	o, err := f.settle(ctx, saw{accepted: 1, ids: ids})
	halves, runs := 0, make(map[string]bool)
	for _, span := range append(first, second...) {
		if hex.EncodeToString(span.TraceId) == trace {
			halves++
		}
		runs[hex.EncodeToString(span.ParentSpanId)] = true
	}
	return append([]figure{
		exactly("nodes in the sender's trace, the edge killed between them", len(nodes), halves),
		exactly("runs that they belong to", 2, len(runs)),
	}, o.promises()...), err
}

// runner returns the edge that works on an execution.
func (f *fleet) runner(ctx context.Context) (int, error) {
	var s status
	if err := f.edges[0].AdminRequest(ctx, http.MethodGet, "status", nil, &s); err != nil {
		return 0, err
	}
	for i := range f.edges {
		for _, m := range s.Machines {
			if m.Name == name(i) && m.Claims > 0 {
				return i, nil
			}
		}
	}
	return 0, errors.New("no edge works on an execution")
}
