package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// summary returns an execution with a status.
func summary(id, status string) *journal.Summary {
	s := &journal.Summary{ID: id, Workflow: "order-intake"}
	s.Status = status
	return s
}

// decoded is an event as a client sees it.
type decoded struct {
	Kind       string          `json:"kind"`
	At         time.Time       `json:"at"`
	Execution  json.RawMessage `json:"execution"`
	Node       *Node           `json:"node"`
	Workflow   json.RawMessage `json:"workflow"`
	Secret     *Secret         `json:"secret"`
	Global     *Global         `json:"global"`
	Executions int             `json:"executions"`
}

func decode(t testing.TB, e Event) (d decoded) {
	t.Helper()
	if err := json.Unmarshal(e.JSON, &d); err != nil {
		t.Fatalf("%s: %v", e.JSON, err)
	}
	if d.At.IsZero() {
		t.Errorf("%s has no time", e.JSON)
	}
	return d
}

// text returns an event in short.
func (d decoded) text() string {
	switch d.Kind {
	case KindMore:
		return fmt.Sprintf("%d more", d.Executions)
	case KindGlobal:
		return fmt.Sprintf("global %s %v", d.Global.Key, d.Global.Deleted)
	case KindSecret:
		return fmt.Sprintf("secret %s %v", d.Secret.ID, d.Secret.Deleted)
	case KindWorkflow:
		var w Workflow
		_ = json.Unmarshal(d.Workflow, &w)
		return fmt.Sprintf("workflow %s %d %s %v", w.ID, w.Revision, w.State, w.Deleted)
	case KindNode:
		return fmt.Sprintf("node %s of %s %s", d.Node.ID, d.Execution, d.Node.State)
	}
	var s journal.Summary
	_ = json.Unmarshal(d.Execution, &s)
	return s.ID + " " + s.Status
}

// now returns what there is to read at once, in short; "reset" stands for a reset.
func now(t testing.TB, r *Reader) (all []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for {
		p, err := r.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if p.Next != r.Position() {
			t.Errorf("the next page begins at %v, the reader says %v", p.Next, r.Position())
		}
		if p.Reset {
			all = append(all, "reset")
			continue
		}
		if len(p.Events) == 0 {
			return all
		}
		if last := p.Events[len(p.Events)-1]; last.Cursor != p.Next.String() {
			t.Errorf("the last event is at %s, the next page begins at %v", last.Cursor, p.Next)
		}
		for _, e := range p.Events {
			all = append(all, decode(t, e).text())
		}
	}
}
