package record

import (
	"context"
	"strconv"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/trace"
	"github.com/flowtrux/edge/runtime/tracing"
)

// NotRun returns the record of an execution that did not run, or not to its end.
func NotRun(status engine.Status, code, message string) *journal.Record {
	r := new(journal.Record)
	r.Outcome = journal.Outcome{Status: string(status), Code: code, Message: message}
	return r
}

// Of returns the record of an execution that ended with the result r. Values that are too long are
// replaced by size and digest, and secrets that the execution resolved are masked. The work is
// bounded, and ends with ctx: then the rest of the record is marked as cut.
func Of(ctx context.Context, x *engine.Execution, r *engine.Result) *journal.Record {
	return within(newEffort(ctx), x, r)
}

// within is Of, bounded by an effort.
func within(e *effort, x *engine.Execution, r *engine.Result) *journal.Record {
	plan := x.Program().Plan
	rec := &journal.Record{Summary: Ended(x, r)}
	v := newView(e, x, r)
	rec.Trigger = v.trigger()
	rec.Nodes = make([]journal.NodeRecord, 0, len(plan.Nodes)-1)
	for i := 1; i < len(plan.Nodes); i++ { // the trigger's output is its data
		rec.Nodes = append(rec.Nodes, v.node(i))
	}
	rec.Cut = e.over()
	return rec
}

// Ended returns the summary of an execution that ended with the result r.
func Ended(x *engine.Execution, r *engine.Result) journal.Summary {
	plan := x.Program().Plan
	s := journal.Summary{
		ID: r.ID, Workflow: plan.ID, Revision: plan.Revision, Mode: modeOf(plan), Source: x.Event().Source,
		AcceptedAt: r.Started.UTC(), StartedAt: r.Started.UTC(), EndedAt: r.Started.Add(r.Duration).UTC(),
		Outcome: journal.Outcome{Status: string(r.Status)},
	}
	if r.Failing >= 0 {
		s.Node = plan.Nodes[r.Failing].ID
		s.Code, s.Message = r.Nodes[r.Failing].Err.Code, r.Nodes[r.Failing].Err.Message
	}
	return s
}

// maxDetail bounds the detail of an error in a record, in bytes.
const maxDetail = 4 << 10

// node returns one node's part of a record.
func (v *view) node(i int) journal.NodeRecord {
	n, node := &v.result.Nodes[i], &v.plan.Nodes[i]
	row := Node(node, n)
	row.Why = engine.SkipReason(v.plan, v.result, i)
	row.Input, row.Logs = v.input(i), v.logs(i)
	if row.Input != (journal.Value{}) {
		row.Fixed = v.fixed(i)
	}
	row.Output = v.output(i) // after the input: text masked there is masked here, too
	if !n.Started.IsZero() {
		row.Grants = v.x.Grants(i)
		row.Calls = v.calls(i)
		row.CallsCut = len(row.Calls) == trace.MaxCalls && n.Attempts > trace.MaxCalls
	}
	if n.Err != nil && n.Err.Detail != nil && !v.ignorant {
		row.Detail = v.x.Secrets().Block(n.Err.Detail.Error(), maxDetail)
	}
	return row
}

// Node returns what a record says about a node in any case: neither values nor logs.
func Node(node *flow.Node, n *engine.NodeResult) journal.NodeRecord {
	row := journal.NodeRecord{
		ID: node.ID, Type: node.Type, State: n.State.String(), Handle: n.Handle,
		Attempts: n.Attempts, Duration: n.Duration, Fuel: n.Fuel,
	}
	if !n.Started.IsZero() {
		row.StartedAt = n.Started.UTC()
	}
	if n.Err != nil {
		row.Code, row.Message = n.Err.Code, n.Err.Message
	}
	return row
}

// Progress returns the nodes of an execution that has not ended, in plan order. The state of one
// whose result is not known is journal.Running or journal.Pending.
func Progress(x *engine.Execution) []journal.NodeRecord {
	plan, r := x.Program().Plan, &engine.Result{Nodes: x.Nodes()}
	rows := make([]journal.NodeRecord, 0, len(plan.Nodes)-1)
	for i := 1; i < len(plan.Nodes); i++ {
		n := &r.Nodes[i]
		row := Node(&plan.Nodes[i], n)
		switch {
		case n.State != engine.NotRun:
			row.Why = engine.SkipReason(plan, r, i)
		case n.Started.IsZero():
			row.State = journal.Pending
		default:
			row.State, row.Attempts = journal.Running, len(x.Trace().Calls(i))
		}
		rows = append(rows, row)
	}
	return rows
}

// logs returns a node's log lines, each with its level and, with forEach, its item.
func (v *view) logs(node int) (lines []string) {
	if v.ignorant {
		return nil
	}
	for _, l := range v.x.Trace().Lines(node) {
		text := l.Level.String() + ": " + v.x.Secrets().Line(l.Text, trace.MaxLine)
		if v.plan.Nodes[node].ForEach != nil {
			text = "item " + strconv.Itoa(l.Item) + ": " + text
		}
		lines = append(lines, text)
	}
	return lines
}

// Running returns the summary of an execution that has not ended.
func Running(x *engine.Execution) journal.Summary {
	plan := x.Program().Plan
	return journal.Summary{
		ID: x.ID(), Workflow: plan.ID, Revision: plan.Revision, Mode: modeOf(plan),
		AcceptedAt: x.Started().UTC(), StartedAt: x.Started().UTC(), Source: x.Event().Source,
		Outcome: journal.Outcome{Status: journal.Running},
	}
}

// modeOf returns the response mode of a plan, or "" if executions have no sender.
func modeOf(p *flow.Plan) string {
	if p.Webhook == nil {
		return ""
	}
	return string(p.Webhook.Mode)
}

// Source returns the entry from which an execution of p can run or rerun. It is accepted now.
func Source(p *flow.Plan, id string, ev *flow.Event) *journal.Entry {
	ev.AddHeaders()
	return &journal.Entry{
		ID: id, Workflow: p.ID, Revision: p.Revision, Document: p.Document, AcceptedAt: time.Now().UTC(),
		Data: ev.Data, Query: ev.Query, Headers: ev.Headers,
		Method: ev.Method, ClientIP: ev.ClientIP, ReceivedAt: ev.ReceivedAt, Source: ev.Source,
		Trace: tracing.Stored(ev.Trace),
	}
}
