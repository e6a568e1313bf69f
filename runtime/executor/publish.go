package executor

import (
	"context"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
)

// PublishTo makes the executor publish in f what becomes of its executions. It is called before the
// executor is used, and f outlives the executor.
func (x *Executor) PublishTo(f *feed.Feed) { x.feed = f }

// accept journals an entry and publishes it.
func (x *Executor) accept(ctx context.Context, e *journal.Entry) error {
	announce := x.feed.Expect(e.ID)
	err := x.journal.Accept(ctx, e)
	switch {
	case announce == nil:
	case err != nil:
		announce(nil)
	default:
		announce(pending(e))
	}
	return err
}

// pending returns the summary of an entry that nobody works on.
func pending(e *journal.Entry) *journal.Summary {
	var s journal.Summary
	e.Complete(&s)
	s.EndedAt, s.Status = time.Time{}, journal.Pending
	return &s
}

// started publishes an execution that is about to run, unless there are too many.
func (x *Executor) started(run *execution) {
	if !x.feed.Watched() {
		return
	}
	x.show(run)
	if run.shown.Load() {
		x.feed.Execution(summaryOf(run))
	}
}

// summaryOf returns the summary of an execution that runs.
func summaryOf(run *execution) *journal.Summary {
	s := record.Running(&run.Execution)
	if e := run.entry; e != nil {
		e.Complete(&s)
		s.EndedAt = time.Time{}
	}
	return &s
}

// show publishes the nodes of an execution from now on, unless there are too many executions.
func (x *Executor) show(run *execution) {
	nodes := len(run.Program().Plan.Nodes) - 1
	if x.feed.Watched() && !run.shown.Load() && x.feed.Admit(run.ID(), 2*nodes+2) && run.shown.CompareAndSwap(false, true) {
		run.Watch(&nodeEvents{x.feed, run})
	}
}

// nodeEvents publishes the nodes of an execution.
type nodeEvents struct {
	feed *feed.Feed
	run  *execution
}

// NodeStarted implements engine.Watcher.
func (w *nodeEvents) NodeStarted(node int, at time.Time) {
	w.publish(node, journal.Running, &engine.NodeResult{Started: at})
}

// NodeEnded implements engine.Watcher.
func (w *nodeEvents) NodeEnded(node int, r *engine.NodeResult) { w.publish(node, r.State.String(), r) }

func (w *nodeEvents) publish(node int, state string, r *engine.NodeResult) {
	if !w.feed.Watched() {
		return
	}
	plan := w.run.Program().Plan
	row := record.Node(&plan.Nodes[node], r)
	w.feed.Node(w.run.ID(), plan.ID, &feed.Node{
		ID: row.ID, Type: row.Type, State: state, Handle: row.Handle, Attempts: row.Attempts,
		StartedAt: row.StartedAt, Duration: row.Duration, Code: row.Code, Message: row.Message,
	})
}

// ended takes note of an execution that has ended and is not in the journal. It returns what
// publishes it once its record is stored, so that those who read of it find it; nil = nobody reads.
func (x *Executor) ended(run *execution, r *engine.Result) (publish func()) {
	if x.counting != nil {
		p := run.Program()
		x.counting.CountEnded(journal.EndedCount{
			Workflow: p.Plan.ID, Kept: &p.Counts,
			ID: r.ID, Status: string(r.Status), EndedAt: r.Started.Add(r.Duration), Duration: r.Duration,
		})
	}
	if !x.feed.Watched() || !x.showEnd(run, r.ID) {
		return nil
	}
	return func() {
		s := record.Ended(&run.Execution, r)
		x.feed.Execution(&s)
	}
}

// finished takes note of an execution whose record is in the journal. run is nil if it has not run.
func (x *Executor) finished(run *execution, s *journal.Summary) {
	if x.counting != nil {
		e := journal.EndedCount{Workflow: s.Workflow, ID: s.ID, Status: s.Status, EndedAt: s.EndedAt}
		if !s.StartedAt.IsZero() {
			e.Duration = s.EndedAt.Sub(s.StartedAt)
		}
		if run != nil {
			e.Kept = &run.Program().Counts
		}
		x.counting.CountEnded(e)
	}
	if x.feed.Watched() && x.showEnd(run, s.ID) {
		x.feed.Execution(s)
	}
}

// showEnd reports whether the end of an execution is published. One that was left out when it began
// is only counted if there are still too many. run is nil if it has not run.
func (x *Executor) showEnd(run *execution, id string) bool {
	return run != nil && run.shown.Load() || x.feed.Admit(id, 1)
}

// interrupted publishes that an execution waits again. run is nil if it has not run.
func (x *Executor) interrupted(run *execution, l journal.Lease) {
	if x.feed.Watched() && run != nil && run.shown.Load() {
		x.feed.Execution(pending(l.Entry()))
	}
}

// cancelPending cancels an execution that does not run here.
func (x *Executor) cancelPending(ctx context.Context, id string) error {
	before, err := x.journal.Get(ctx, id)
	if err != nil || before.Status != journal.Pending {
		return x.journal.Cancel(ctx, id)
	}
	if err := x.journal.Cancel(ctx, id); err != nil {
		return err
	}
	// If it was claimed meanwhile, it ends as soon as its holder learns of it.
	if r, err := x.journal.Get(ctx, id); err == nil && r.Status == journal.Cancelled {
		x.finished(nil, &r.Summary)
	}
	return nil
}
