package engine

import (
	"strconv"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/trace"
)

// ended is the record of an execution that was not run, or not to its end.
func ended(status Status, code, message string) *journal.Record {
	r := new(journal.Record)
	r.Outcome = journal.Outcome{Status: string(status), Code: code, Message: message}
	return r
}

// record is what is shown of an execution that has run: values capped, and masked as far as it has
// resolved secrets. It is cut when it takes more than the effort.
func (x *execution) record(e *effort, r *Result) *journal.Record {
	plan := x.program.Plan
	rec := ended(r.Status, "", "")
	rec.ID, rec.Workflow, rec.Revision, rec.Mode = r.ID, plan.ID, plan.Revision, modeOf(plan)
	rec.AcceptedAt, rec.StartedAt, rec.EndedAt = r.Started.UTC(), r.Started.UTC(), r.Started.Add(r.Duration).UTC()
	if r.Failing >= 0 {
		rec.Node = plan.Nodes[r.Failing].ID
		rec.Code, rec.Message = r.Nodes[r.Failing].Err.Code, r.Nodes[r.Failing].Err.Message
	}
	v := newView(e, x)
	rec.Trigger = v.trigger()
	rec.Nodes = make([]journal.NodeRecord, 0, len(plan.Nodes)-1)
	for i := 1; i < len(plan.Nodes); i++ { // the trigger's output is its data
		rec.Nodes = append(rec.Nodes, x.nodeRecord(v, r, i))
	}
	rec.Cut = e.over()
	return rec
}

// nodeRecord is one node's part of a record.
func (x *execution) nodeRecord(v *view, r *Result, i int) journal.NodeRecord {
	n, node := &r.Nodes[i], &x.program.Plan.Nodes[i]
	row := journal.NodeRecord{
		ID: node.ID, Type: node.Type, State: n.State.String(), Handle: n.Handle, Why: Why(x.program.Plan, r, i),
		Attempts: n.Attempts, Duration: n.Duration, Fuel: n.Fuel,
		Input: v.input(i), Logs: v.logs(i),
	}
	if row.Input != (journal.Value{}) {
		row.Fixed = v.fixed(i)
	}
	row.Output = v.output(i) // after the input: what is masked in that is masked in this
	if !n.Started.IsZero() {
		row.StartedAt = n.Started.UTC()
		row.Grants = x.program.types[i].module.Grants().Names()
		row.Calls = v.calls(i)
		row.CallsCut = len(row.Calls) == trace.MaxCalls && n.Attempts > trace.MaxCalls
	}
	if n.Err != nil {
		row.Code, row.Message = n.Err.Code, n.Err.Message
		if n.Err.Detail != nil && !v.ignorant {
			row.Detail = x.secrets.Block(n.Err.Detail.Error(), maxDetail)
		}
	}
	return row
}

// maxDetail bounds what a record says more about an error, in bytes.
const maxDetail = 4 << 10

// logs are the lines that a node has logged, each with its level, and with forEach the item.
func (v *view) logs(node int) (lines []string) {
	if v.ignorant {
		return nil
	}
	x := v.x
	for _, l := range x.trace.Lines(node) {
		text := l.Level.String() + ": " + x.secrets.Line(l.Text, maxLogLine)
		if x.program.Plan.Nodes[node].ForEach != nil {
			text = "item " + strconv.Itoa(l.Item) + ": " + text
		}
		lines = append(lines, text)
	}
	return lines
}

// modeOf is how the sender of an execution is answered, "" when it has none.
func modeOf(p *flow.Plan) string {
	if p.Webhook == nil {
		return ""
	}
	return string(p.Webhook.Mode)
}
