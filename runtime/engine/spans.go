package engine

import (
	"strings"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/trace"
	"github.com/flowtrux/edge/runtime/tracing"
)

// startSpans starts the span of the execution, if its trace is sampled. The event keeps the place
// in the trace for who journals or records the execution.
func (x *Execution) startSpans() {
	t := x.engine.config.Tracer
	if t == nil {
		return
	}
	plan := x.program.Plan
	r := tracing.Run{
		Workflow: plan.ID, Revision: plan.Revision, ID: x.id, Nodes: len(plan.Nodes),
		Start: x.started, Since: x.event.QueuedAt,
	}
	if x.lease != nil {
		e := x.lease.Entry()
		r.Since, r.Accepted, r.Began = e.AcceptedAt, true, e.Began
		r.Resumed = !e.Began.IsZero() || len(e.Steps) > 0
	}
	x.spans, x.event.Trace = t.Start(x.event.Trace, r)
}

// endSpans ends the span of the execution.
func (x *Execution) endSpans(r *Result) {
	if x.spans == nil {
		return
	}
	status, code, fuel := string(r.Status), "", uint64(0)
	for i := range r.Nodes {
		fuel += r.Nodes[i].Fuel
	}
	switch {
	case r.Interrupted: // the run that goes on tells how it ends
		status = "interrupted"
	case r.Status == Failed && r.Failing >= 0:
		code = r.Nodes[r.Failing].Err.Code
	case r.Status != Succeeded:
		code = status
	}
	x.spans.End(status, code, fuel, r.Started.Add(r.Duration))
}

// startNodeSpan starts the span of a node.
func (x *Execution) startNodeSpan(n int, at time.Time) {
	if x.spans == nil {
		return
	}
	node := &x.program.Plan.Nodes[n]
	x.spans.StartNode(n, node.ID, node.Type, x.program.nodes[n].typ.module.Digest(), at)
}

// endNodeSpan ends the span of a node that failed with err, unless err is nil.
func (x *Execution) endNodeSpan(n int, r *NodeResult, err *NodeError) {
	if x.spans != nil {
		x.spans.EndNode(n, r.Attempts, r.Fuel, codeOf(err), r.Started.Add(r.Duration))
	}
}

// spanAttempt adds an attempt, which began at start and has just ended, to the span of its node.
func (x *Execution) spanAttempt(c trace.CallID, start time.Time, a *itemResult) {
	if x.spans == nil {
		return
	}
	now := x.engine.config.Clock()
	x.spans.Attempt(c.Node, c.Item, c.Attempt, a.fuel, codeOf(a.err), now.Sub(start), now)
}

// codeOf returns the code of a failure, or "".
func codeOf(err *NodeError) string {
	if err == nil {
		return ""
	}
	return err.Code
}

// maxSpanText bounds a text in a span before it is masked, in bytes.
const maxSpanText = 8 << 10

// requestSpan returns the trace of a request in a call, which may hold secrets; nil = none.
func (x *Execution) requestSpan(c trace.CallID, secrets []string) hostapi.HTTPTrace {
	if x.engine.config.Tracer == nil {
		return nil
	}
	return x.spans.Request(x.event.Trace, c.Node, c.Attempt, func(s string) string {
		for _, text := range secrets {
			if text != "" {
				s = strings.ReplaceAll(s, text, "***")
			}
		}
		return x.secrets.Line(s, maxSpanText)
	})
}
