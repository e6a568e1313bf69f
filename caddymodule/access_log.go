package caddymodule

import (
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
)

// logFields adds what became of the request to its line in the access log. Without such a log it
// makes no fields.
func (x *exchange) logFields() {
	ctx := x.r.Context()
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && server.Logs == nil {
		return
	}
	line, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields)
	if !ok {
		return
	}
	line.Set(x.workflowField())
	if x.outcome != "" {
		line.Set(zap.String("outcome", x.outcome))
	}
	if x.code != "" {
		line.Set(zap.String("code", string(x.code)))
	}
	if id := x.header.Get("X-Execution-Id"); id != "" {
		line.Set(zap.String("execution_id", id))
		if p := x.workflow.Program; p != nil && p.Plan.Webhook != nil {
			line.Set(zap.String("mode", string(p.Plan.Webhook.Mode)))
		}
	}
	if r := x.result; r != nil {
		line.Set(zap.Duration("queue_time", r.Started.Sub(x.event.QueuedAt)))
		line.Set(zap.Duration("run_time", r.Duration))
		line.Set(zap.Int("nodes", nodesRun(r)))
	}
	if c := x.traceContext(); c.HasTraceID() {
		line.Set(zap.String("trace_id", c.TraceID().String()))
	}
}

// nodesRun returns the number of nodes that ran, without the trigger.
func nodesRun(r *engine.Result) (n int) {
	for i := range r.Nodes {
		if r.Nodes[i].Attempts > 0 {
			n++
		}
	}
	return n
}

// traceContext returns the request's place in a trace or, if it has none, that of the execution
// that it has started.
func (x *exchange) traceContext() trace.SpanContext {
	if c := trace.SpanContextFromContext(x.r.Context()); c.HasTraceID() {
		return c
	}
	if x.event == nil || x.outcome == statusDuplicate || x.header.Get("X-Execution-Id") == "" {
		return trace.SpanContext{}
	}
	return x.event.Trace
}
