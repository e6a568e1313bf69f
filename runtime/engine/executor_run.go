package engine

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

const (
	// busyPatience is how long a claimed execution waits for a slot of its workflow before it goes
	// back into the journal.
	busyPatience = 100 * time.Millisecond
	// heldBackAtMost is when its workflow is tried again at the latest: the configuration with its
	// limit may be gone.
	heldBackAtMost = time.Second

	// maxDeaths is how many processes an execution may take with it.
	maxDeaths = 3
)

// work runs a claimed execution and ends its lease.
func (x *Executor) work(r *Runner, l journal.Lease, c *claimed) {
	ctx, cancel := context.WithCancelCause(x.hard)
	defer cancel(nil)
	stop := keepLease(l, cancel)
	defer stop()

	e := l.Entry()
	p, err := r.Resolve(x.hard, e)
	switch {
	case errors.Is(err, ErrGone): // a reload came between the claim and now
		x.giveBack(r, l, 0)
		return
	case err != nil && x.hard.Err() != nil: // it was cut off
		x.giveBack(r, l, 0)
		return
	case crowdedOut(err) != nil: // for now
		x.giveBack(r, l, claimRetry)
		return
	case err != nil:
		r.Engine.config.Logger.Error("an accepted execution cannot be run", zap.String("execution_id", e.ID),
			zap.String("workflow", e.Workflow), zap.Int64("revision", e.Revision), zap.Error(err))
		x.finish(r, l, ended(Failed, "workflow_invalid", "the workflow is not valid any more"))
		return
	}
	defer p.owner.Release()
	if e.Deaths >= maxDeaths {
		r.Engine.config.Logger.Error("an execution has ended the process too often and is not run any more",
			zap.String("execution_id", e.ID), zap.String("workflow", e.Workflow), zap.Int("deaths", e.Deaths))
		x.finish(r, l, ended(Failed, CodeCrashLoop, "the process died each time while this execution ran"))
		return
	}
	c.takesPlace(ctx)
	release, err := r.Engine.acquire(ctx, p, busyPatience, true, c.tookPlace)
	switch {
	case errors.Is(err, slots.ErrWorkflowBusy):
		c.heldBack(e.Workflow, r.Engine.permits.Room(e.Workflow))
		x.giveBack(r, l, 0)
	case err != nil: // the configuration or the executor ends
		x.giveBack(r, l, claimRetry)
	default:
		defer release()
		c.tookSlot()
		switch err := x.begin(l); {
		case errors.Is(err, journal.ErrCancelled):
			x.finish(r, l, ended(Cancelled, "", ""))
			return
		case err != nil:
			x.giveBack(r, l, claimRetry)
			return
		}
		run := r.Engine.newRun(ctx, p, e.ID, eventOf(e), l)
		x.runs.add(run)
		defer x.runs.remove(run)
		x.conclude(r, l, run, run.run())
	}
}

// conclude ends the lease of an execution that has run.
func (x *Executor) conclude(r *Runner, l journal.Lease, run *execution, result *Result) {
	switch cause := run.cutBy(); {
	case errors.Is(cause, journal.ErrLeaseLost): // somebody else runs it
	case errors.Is(cause, journal.ErrCancelled):
		x.finish(r, l, run.record(newEffort(x.hard), result))
	case errors.Is(cause, errShutdown):
		x.mu.Lock()
		x.cutOff++
		x.mu.Unlock()
		x.giveBack(r, l, 0)
	case noRoom(cause):
		r.Engine.config.Logger.Error("an execution has failed because the journal had no room for its steps",
			zap.String("execution_id", result.ID), zap.String("workflow", run.program.Plan.ID), zap.Error(cause))
		rec := run.record(newEffort(x.hard), result)
		rec.Code, rec.Message = CodeJournalFull, "the journal had no room for what the nodes have given"
		x.finish(r, l, rec)
	case errors.Is(cause, errCheckpoint):
		r.Engine.config.Logger.Error("an execution was interrupted because the journal failed",
			zap.String("execution_id", result.ID), zap.Error(cause))
		x.giveBack(r, l, claimRetry)
	default:
		x.finish(r, l, run.record(newEffort(x.hard), result))
	}
}

// begin tells the journal that the entry is run from now on.
func (x *Executor) begin(l journal.Lease) error {
	ctx, cancel := lasting(x.hard)
	defer cancel()
	return l.Begin(ctx)
}

// finish ends an entry. If that fails, the entry goes back: with all its steps kept, running it
// again is cheap.
func (x *Executor) finish(r *Runner, l journal.Lease, rec *journal.Record) {
	ctx, cancel := lasting(x.hard)
	defer cancel()
	if err := l.Finish(ctx, rec); err != nil && !errors.Is(err, journal.ErrLeaseLost) {
		r.Engine.config.Logger.Error("finishing an execution in the journal failed",
			zap.String("execution_id", l.Entry().ID), zap.Error(err))
		x.giveBack(r, l, claimRetry)
	}
}

// giveBack gives an entry back to be claimed again after a while.
func (x *Executor) giveBack(r *Runner, l journal.Lease, after time.Duration) {
	ctx, cancel := lasting(x.hard)
	defer cancel()
	if err := l.Release(ctx, after); err != nil && !errors.Is(err, journal.ErrLeaseLost) {
		r.Engine.config.Logger.Error("giving an execution back to the journal failed",
			zap.String("execution_id", l.Entry().ID), zap.Error(err))
	}
}

// newEntry makes the entry of an execution that is accepted now.
func newEntry(p *flow.Plan, id string, ev *flow.Event, steps []journal.Step) *journal.Entry {
	return &journal.Entry{
		ID: id, Workflow: p.ID, Revision: p.Revision, Document: p.Document, AcceptedAt: time.Now().UTC(),
		Data: ev.Data, Query: ev.Query, Headers: ev.Headers,
		Method: ev.Method, ClientIP: ev.ClientIP, ReceivedAt: ev.ReceivedAt,
		Steps: steps,
	}
}

// eventOf is the event of an entry.
func eventOf(e *journal.Entry) *flow.Event {
	return &flow.Event{
		Data: e.Data, Query: e.Query, Headers: e.Headers,
		Method: e.Method, ClientIP: e.ClientIP, ReceivedAt: e.ReceivedAt,
	}
}
