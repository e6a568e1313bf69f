package engine

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// maxRecorded is the longest value that a record shows, in bytes; of longer ones it has size and digest.
const maxRecorded = 64 << 10

// ended is the record of an execution that was not run, or not to its end.
func ended(status Status, code, message string) *journal.Record {
	r := new(journal.Record)
	r.Outcome = journal.Outcome{Status: string(status), Code: code, Message: message}
	return r
}

// record is what is shown of an execution that has run: values capped, and masked as far as it has resolved secrets.
func (x *execution) record(r *Result) *journal.Record {
	plan := x.program.Plan
	rec := ended(r.Status, "", "")
	rec.ID, rec.Workflow, rec.Revision, rec.Mode = r.ID, plan.ID, plan.Revision, modeOf(plan)
	rec.AcceptedAt, rec.StartedAt, rec.EndedAt = r.Started.UTC(), r.Started.UTC(), r.Started.Add(r.Duration).UTC()
	if r.Failing >= 0 {
		rec.Node = plan.Nodes[r.Failing].ID
		rec.Code, rec.Message = r.Nodes[r.Failing].Err.Code, r.Nodes[r.Failing].Err.Message
	}
	rec.Trigger = &journal.Trigger{
		Data: x.value(x.event.Data), Headers: x.value(x.event.Headers),
		Method: x.event.Method, ClientIP: x.event.ClientIP, ReceivedAt: x.event.ReceivedAt,
	}
	rec.Nodes = make([]journal.NodeRecord, 0, len(plan.Nodes)-1)
	for i := 1; i < len(plan.Nodes); i++ { // the trigger's output is its data
		n := &r.Nodes[i]
		row := journal.NodeRecord{
			ID: plan.Nodes[i].ID, Type: plan.Nodes[i].Type, State: n.State.String(), Handle: n.Handle,
			Attempts: n.Attempts, Duration: n.Duration, Fuel: n.Fuel, Output: x.value(n.Output),
		}
		if !n.Started.IsZero() {
			row.StartedAt = n.Started.UTC()
		}
		if n.Err != nil {
			row.Code, row.Message = n.Err.Code, n.Err.Message
		}
		rec.Nodes = append(rec.Nodes, row)
	}
	return rec
}

// value is a JSON value as a record shows it.
func (x *execution) value(raw []byte) journal.Value {
	if len(raw) == 0 {
		return journal.Value{}
	}
	text := x.secrets.mask(string(raw))
	if len(text) <= maxRecorded {
		return journal.Value{Text: text}
	}
	sum := sha256.Sum256([]byte(text)) // of what may be shown: a digest of a secret could be guessed at
	return journal.Value{Size: len(text), SHA256: hex.EncodeToString(sum[:])}
}

// modeOf is how the sender of an execution is answered, "" when it has none.
func modeOf(p *flow.Plan) string {
	if p.Webhook == nil {
		return ""
	}
	return string(p.Webhook.Mode)
}
