package engine

import (
	"context"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// running are the executions that run here. Each request enters and leaves it, and few look for one
// of them, so it is no map. It is safe for concurrent use.
type running struct {
	mu   sync.Mutex
	runs []*execution // x is at x.place
}

// add takes an execution in until remove is called.
func (r *running) add(x *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.place = int32(len(r.runs)) // there are permits for far fewer
	r.runs = append(r.runs, x)
}

// remove is called once for each add.
func (r *running) remove(x *execution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := len(r.runs) - 1
	last := r.runs[end]
	r.runs[x.place], last.place = last, x.place
	r.runs[end] = nil
	r.runs = r.runs[:end]
}

// get returns an execution by its id, nil when it does not run here.
func (r *running) get(id string) *execution {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.runs {
		if x.id == id {
			return x
		}
	}
	return nil
}

// journaled tells whether the execution is one of the journal's.
func (x *execution) journaled() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lease != nil
}

// over tells whether the execution's nodes have ended.
func (x *execution) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}

// Cancel ends an execution: one that is pending at once, one that runs as soon as its nodes have
// stopped, also when a sender waits for it. The error is one of the journal's.
func (x *Executor) Cancel(ctx context.Context, id string) error {
	run := x.runs.get(id)
	if run == nil {
		return x.journal.Cancel(ctx, id)
	}
	switch {
	case run.over():
		return journal.ErrEnded
	case run.journaled(): // so that it stays cancelled whatever becomes of this process
		if err := x.journal.Cancel(ctx, id); err != nil {
			return err
		}
	}
	run.cancel(journal.ErrCancelled)
	return nil
}

// Replay accepts an execution that has ended anew, under another id, from the event it was run
// from: with the workflow as it was, or as p has it when p is not nil. The error is one of the
// journal's.
func (x *Executor) Replay(ctx context.Context, id, newID string, p *flow.Plan) error {
	if !x.enter() {
		return journal.ErrClosed
	}
	defer x.leave()
	// Of one that only a sender waits for the journal knows nothing yet. Of others it knows that
	// they have ended a moment before they are gone from here.
	if run := x.runs.get(id); run != nil && !run.journaled() {
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
