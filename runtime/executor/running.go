package executor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// execution is an execution that runs here.
type execution struct {
	engine.Execution
	index    int32          // in running
	shown    atomic.Bool    // it is published in detail
	key      *journal.Key   // passed to the journal by adopt; nil = none
	entry    *journal.Entry // of the journal when it began to run; nil = its sender waits
	adoption adoption
}

// running holds the executions that run here. Each request adds and removes one, and lookups are
// rare, so it is not a map. It is safe for concurrent use.
type running struct {
	mu   sync.Mutex
	runs []*execution // each at its index
}

// add adds an execution. Each add is followed by one remove.
func (r *running) add(run *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run.index = int32(len(r.runs)) // fits: slots are far fewer
	r.runs = append(r.runs, run)
}

// remove removes an execution that add has added.
func (r *running) remove(run *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := len(r.runs) - 1
	last := r.runs[end]
	r.runs[run.index], last.index = last, run.index
	r.runs[end] = nil
	r.runs = r.runs[:end]
}

// get returns an execution by its ID, or nil if it does not run here.
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

// Cancel cancels an execution, even if a sender waits for it. A pending execution ends at once, a
// running one as soon as its nodes have stopped. The error is one of the journal's.
func (x *Executor) Cancel(ctx context.Context, id string) error {
	run := x.runs.get(id)
	if run == nil {
		return x.cancelPending(ctx, id)
	}
	switch {
	case run.Ended():
		return journal.ErrEnded
	case run.Journaled(): // so that it stays canceled even if this process dies
		if err := x.journal.Cancel(ctx, id); err != nil {
			return err
		}
	}
	run.Execution.Cancel(journal.ErrCancelled)
	return nil
}

// Rerun accepts an ended execution again under a new ID, with the same event. It uses the workflow
// as it was, or p unless that is nil. The error is one of the journal's.
func (x *Executor) Rerun(ctx context.Context, id, newID string, p *flow.Plan) error {
	if !x.accepting.Enter() {
		return journal.ErrClosed
	}
	defer x.accepting.Leave()
	// The journal does not know an execution for which a sender waits. For others it knows their
	// end a moment before they are removed here.
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
	return x.accept(ctx, &e)
}
