package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// watcher is an engine.Watcher that records its calls.
type watcher struct {
	plan  *flow.Plan
	calls []string
}

func (w *watcher) NodeStarted(node int, at time.Time) {
	w.calls = append(w.calls, fmt.Sprintf("%s begins %v", w.plan.Nodes[node].ID, !at.IsZero()))
}

func (w *watcher) NodeEnded(node int, r *engine.NodeResult) {
	w.calls = append(w.calls, fmt.Sprintf("%s %v", w.plan.Nodes[node].ID, r.State))
}

// TestWatcher: the nodes of an execution are seen as they begin and end, those that do not run as
// soon as that is clear, and those of an earlier run, but not the trigger.
func TestWatcher(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	for _, c := range []struct {
		edges string
		steps []journal.Step
		want  []string
	}{
		{"t>a a>b b>c:error b>d", nil, []string{
			"a begins true", "a completed", "b begins true", "b completed", "d skipped", "c begins true", "c completed",
		}},
		{"t>a a>b b>d d>c", []journal.Step{{Node: "a", Output: []byte("1")}}, []string{
			"a completed", "b begins true", "b failed", "d stopped", "c stopped",
		}},
	} {
		p := l.Program(Document(c.edges, Echo("a", `1`), Fail("b"), Route("c", "left"), Echo("d", `1`)))
		var lease journal.Lease
		if c.steps != nil {
			lease = stepsLease{entry: WithSteps(new(journal.Entry), c.steps)}
		}
		x := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, "{}"), lease)
		w := &watcher{plan: p.Plan}
		x.Watch(w)
		before := x.Nodes()
		x.Run()
		if !slices.Equal(w.calls, c.want) {
			t.Errorf("%s: watched %q, want %q", c.edges, w.calls, c.want)
		}
		if before[1].State != engine.NotRun || x.Nodes()[1].State != engine.Completed {
			t.Errorf("%s: the first node was %+v and is %+v", c.edges, before[1], x.Nodes()[1])
		}
	}
}

// stepsLease is a lease of an entry that takes all steps.
type stepsLease struct {
	journal.Lease
	entry *journal.Entry
}

func (l stepsLease) Entry() *journal.Entry                          { return l.entry }
func (l stepsLease) Checkpoint(context.Context, journal.Step) error { return nil }
