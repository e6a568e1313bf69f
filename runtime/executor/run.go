package executor

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/slots"
	"github.com/flowtrux/edge/runtime/tracing"
)

const (
	// slotPatience is how long a claimed execution waits for a slot of its workflow before it is
	// released.
	slotPatience = 100 * time.Millisecond
	// maxPause is the longest pause of claiming executions of such a workflow: the configuration
	// with its limit may be gone.
	maxPause = time.Second

	// maxDeaths is the number of process deaths after which an execution that was running is
	// failed.
	maxDeaths = 3
)

// run runs a claimed execution and ends its lease.
func (x *Executor) run(r *Runner, l journal.Lease, c *claimed) {
	ctx, stop := x.whileHeld(l)
	defer stop()

	e := l.Entry()
	p, err := r.Resolve(x.aborted, e)
	full := (*sandbox.BudgetFullError)(nil)
	switch {
	case errors.Is(err, engine.ErrGone): // a reload came between the claim and now
		x.release(r.Engine, l, 0)
		return
	case err != nil && x.aborted.Err() != nil:
		x.release(r.Engine, l, 0)
		return
	case errors.As(err, &full): // it may fit later
		x.release(r.Engine, l, retryPause)
		return
	case err != nil && x.leaveToOthers(r.Engine, l, err):
		return
	case err != nil:
		r.Engine.Logger().Error("an accepted execution cannot be run", zap.String("execution_id", e.ID),
			zap.String("workflow", e.Workflow), zap.Int64("revision", e.Revision), zap.Error(err))
		x.finish(r.Engine, l, nil, record.NotRun(engine.Failed, "workflow_invalid", "the workflow is not valid any more"))
		return
	}
	defer p.Release()
	if e.Deaths >= maxDeaths {
		r.Engine.Logger().Error("an execution has ended the process too often and is not run any more",
			zap.String("execution_id", e.ID), zap.String("workflow", e.Workflow), zap.Int("deaths", e.Deaths))
		x.finish(r.Engine, l, nil, record.NotRun(engine.Failed, engine.CodeCrashLoop, "the process died each time while this execution ran"))
		return
	}
	c.waitForTurn(ctx)
	release, err := r.Engine.AcquirePatiently(ctx, p, slotPatience, c.passTurn)
	switch {
	case errors.Is(err, slots.ErrWorkflowBusy):
		c.pauseWorkflow(e.Workflow, r.Engine.Room(e.Workflow))
		x.release(r.Engine, l, 0)
		return
	case err != nil && x.aborted.Err() != nil: // others need not wait
		x.release(r.Engine, l, 0)
		return
	case err != nil: // the configuration has ended
		x.release(r.Engine, l, retryPause)
		return
	}
	defer release()
	c.gotSlot()
	switch err := l.Begin(x.calls.context()); {
	case errors.Is(err, journal.ErrCancelled):
		x.finish(r.Engine, l, nil, record.NotRun(engine.Cancelled, "", ""))
		return
	case err != nil:
		x.release(r.Engine, l, retryPause)
		return
	}
	run := &execution{entry: e}
	run.Init(ctx, r.Engine, p, e.ID, eventOf(e), l)
	x.runs.add(run)
	defer x.runs.remove(run)
	x.started(run)
	x.conclude(r.Engine, l, run, run.Run())
}

// conclude ends the lease of an execution that has run.
func (x *Executor) conclude(by *engine.Engine, l journal.Lease, run *execution, result *engine.Result) {
	switch cause := run.Interruption(); {
	case errors.Is(cause, journal.ErrLeaseLost): // it runs elsewhere
	case errors.Is(cause, journal.ErrCancelled):
		x.finish(by, l, run, record.Of(x.aborted, &run.Execution, result))
	case errors.Is(cause, engine.ErrShutdown):
		x.mu.Lock()
		x.unfinished++
		x.mu.Unlock()
		x.interrupted(run, l)
		x.release(by, l, 0)
	case engine.JournalFull(cause):
		by.Logger().Error("an execution has failed because the journal had no room for its steps",
			zap.String("execution_id", result.ID), zap.String("workflow", run.Program().Plan.ID), zap.Error(cause))
		rec := record.Of(x.aborted, &run.Execution, result)
		rec.Code, rec.Message = engine.CodeJournalFull, "the journal had no room for what the nodes have given"
		x.finish(by, l, run, rec)
	case errors.Is(cause, engine.ErrCheckpoint):
		by.Logger().Error("an execution was interrupted because the journal failed",
			zap.String("execution_id", result.ID), zap.Error(cause))
		x.interrupted(run, l)
		x.release(by, l, retryPause)
	default:
		x.finish(by, l, run, record.Of(x.aborted, &run.Execution, result))
	}
}

// finish ends an entry. If that fails, the entry is released: all its steps but the last are
// stored, so at most one node runs again. run is nil if it has not run.
func (x *Executor) finish(by *engine.Engine, l journal.Lease, run *execution, rec *journal.Record) {
	switch err := l.Finish(x.calls.context(), rec); {
	case err == nil:
		s := rec.Summary
		l.Entry().Complete(&s)
		x.finished(run, &s)
	case !errors.Is(err, journal.ErrLeaseLost):
		by.Logger().Error("finishing an execution in the journal failed",
			zap.String("execution_id", l.Entry().ID), zap.Error(err))
		x.interrupted(run, l)
		x.release(by, l, retryPause)
	}
}

// leaveToOthers leaves an entry that cannot be run here to other machines, if any share the
// journal: its document was valid where it was accepted, so that they may have what this one lacks.
func (x *Executor) leaveToOthers(by *engine.Engine, l journal.Lease, why error) bool {
	leaver := journal.LeaverOf(l)
	if leaver == nil {
		return false
	}
	e := l.Entry()
	fields := []zap.Field{
		zap.String("execution_id", e.ID), zap.String("workflow", e.Workflow), zap.Int64("revision", e.Revision), zap.NamedError("reason", why),
	}
	switch err := leaver.Leave(x.calls.context()); {
	case err == nil:
		by.Logger().Warn("an accepted execution cannot be run here, and is left to other machines", fields...)
	case errors.Is(err, journal.ErrNobody):
		by.Logger().Error("an accepted execution has failed because no machine can run it", fields...)
		x.finish(by, l, nil, record.NotRun(engine.Failed, engine.CodeNodeUnavailable, "no machine that shares the journal can run the workflow: the log of each says why"))
	case !errors.Is(err, journal.ErrLeaseLost):
		by.Logger().Error("leaving an execution to other machines failed", append(fields, zap.Error(err))...)
		x.release(by, l, retryPause)
	}
	return true
}

// release returns an entry to the journal. It can be claimed again after the given time.
func (x *Executor) release(by *engine.Engine, l journal.Lease, after time.Duration) {
	if err := l.Release(x.calls.context(), after); err != nil && !errors.Is(err, journal.ErrLeaseLost) {
		by.Logger().Error("giving an execution back to the journal failed",
			zap.String("execution_id", l.Entry().ID), zap.Error(err))
	}
}

// eventOf returns the event in an entry.
func eventOf(e *journal.Entry) *flow.Event {
	return &flow.Event{
		Data: e.Data, Query: e.Query, Headers: e.Headers,
		Method: e.Method, ClientIP: e.ClientIP, ReceivedAt: e.ReceivedAt, Source: e.Source,
		Trace: tracing.Restored(e.Trace),
	}
}
