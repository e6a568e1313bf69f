package executor

import (
	"context"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// execution is an execution that runs here.
type execution struct {
	engine.Execution
	index    int32        // in running
	key      *journal.Key // that adopt hands to the journal; nil = none
	adoption adoption
}

// running are the executions that run here. Each request enters and leaves it, and few look for one
// of them, so it is no map. It is safe for concurrent use.
type running struct {
	mu   sync.Mutex
	runs []*execution // each at its index
}

// add adds an execution until remove is called.
func (r *running) add(run *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.index = int32(len(r.runs)) // there are slots for far fewer
	r.runs = append(r.runs, run)
}

// remove is called once for each add.
func (r *running) remove(run *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := len(r.runs) - 1
	last := r.runs[end]
	r.runs[run.index], last.index = last, run.index
	r.runs[end] = nil
	r.runs = r.runs[:end]
}

// get returns an execution by its id, nil when it does not run here.
func (r *running) get(id string) *execution {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range r.runs {
		if run.ID() == id {
			return run
		}
	}
	return nil
}

// Cancel ends an execution: one that is pending at once, one that runs as soon as its nodes have
// stopped, also when a sender waits for it. The error is one of the journal's.
func (x *Executor) Cancel(ctx context.Context, id string) error {
	run := x.runs.get(id)
	if run == nil {
		return x.journal.Cancel(ctx, id)
	}
	switch {
	case run.Ended():
		return journal.ErrEnded
	case run.Journaled(): // so that it stays cancelled whatever becomes of this process
		if err := x.journal.Cancel(ctx, id); err != nil {
			return err
		}
	}
	run.Execution.Cancel(journal.ErrCancelled)
	return nil
}

// Rerun accepts an ended execution again, under another id, from the event it was run from: with
// the workflow as it was, or as p has it when p is not nil. The error is one of the journal's.
func (x *Executor) Rerun(ctx context.Context, id, newID string, p *flow.Plan) error {
	if !x.enter() {
		return journal.ErrClosed
	}
	defer x.leave()
	// The journal does not know yet an execution for which a sender waits. Of others it knows that
	// they have ended a moment before they are gone from here.
	if run := x.runs.get(id); run != nil && !run.Journaled() {
		return journal.ErrNotEnded
	}
	source, err := x.journal.Source(ctx, id)
	if err != nil {
		return err
	}
	e := *source
	e.ID, e.ReplayOf, e.AcceptedAt = newID, id, time.Now().UTC()
	if p != nil {
		e.Revision, e.Document = p.Revision, p.Document
	}
	return x.journal.Accept(ctx, &e)
}
