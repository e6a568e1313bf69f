package engine

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// webhookTimeout is what sets how long a sender waits.
const webhookTimeout = "webhook.timeout"

// Await runs an execution whose sender waits, and returns its result. The caller has a slot for it
// (Engine.Acquire); Await takes release over. The execution ends with ctx, which must not end
// because the sender went away.
//
// The webhook's timeout counts from here. With onTimeout "error" the execution runs on this
// goroutine, and the timeout cancels it (TimedOut). With "accept" it runs apart; when the timeout
// passes, its state is journaled and it goes on, no longer bound to ctx: then Await returns nil,
// and the execution is as safe as one that was accepted. When the journal refuses it, it is
// cancelled (TimedOut).
//
// The slot is given back when the execution has a place among those to be recorded: slots bound
// also what waits for that.
func (x *Executor) Await(ctx context.Context, e *Engine, p *Program, id string, ev *flow.Event, release func()) *Result {
	return x.await(e.newRun(ctx, p, id, ev, nil), release)
}

func (x *Executor) await(run *execution, release func()) *Result {
	w := run.program.Plan.Webhook
	if !w.AcceptOnTimeout {
		defer release()
		run.limit.atMost(w.Timeout, webhookTimeout)
		x.runs.add(run)
		defer x.runs.remove(run)
		r := run.run()
		x.recorder.take(run, r)
		return r
	}
	timer := time.NewTimer(w.Timeout)
	defer timer.Stop()
	return x.awaitOrAdopt(run, timer.C, release)
}

// awaitOrAdopt is Await for onTimeout "accept".
func (x *Executor) awaitOrAdopt(run *execution, late <-chan time.Time, release func()) *Result {
	ended := make(chan *Result, 1)
	x.runs.add(run)
	go func() {
		defer x.runs.remove(run)
		r := run.run()
		if l := run.lease; l != nil { // adopted, and nobody can adopt it any more
			release()
			x.conclude(&Runner{Engine: run.engine}, l, run, r)
			run.unhold()
			x.leave()
		} else {
			x.recorder.take(run, r)
			release()
		}
		ended <- r
	}()
	select {
	case r := <-ended:
		return r
	case <-late:
	}
	// From here on the caller's context ends nothing: a promise may be given.
	if run.unbind() && x.adopt(run) {
		return nil
	}
	run.cancel(lateError{timeLimit{run.program.Plan.Webhook.Timeout, webhookTimeout}})
	return <-ended
}

// adopt journals an execution that runs here, with what it has completed. It is false when the
// journal refuses, or the execution has ended.
func (x *Executor) adopt(run *execution) bool {
	// No node is settled while the lock is held, so what is not among the steps gets its own
	// checkpoint.
	run.mu.Lock()
	defer run.mu.Unlock()
	if run.ended || run.ctx.Err() != nil || !x.enter() {
		return false
	}
	ctx, cancel := lasting(x.hard)
	defer cancel()
	e := newEntry(run.program.Plan, run.id, run.event, run.steps())
	if run.key != nil && time.Now().Before(run.key.Until) { // later it may be somebody else's
		e.Key = run.key
	}
	l, err := x.journal.Adopt(ctx, e)
	if err != nil {
		run.engine.config.Logger.Error("the journal refused an execution whose sender has waited too long",
			zap.String("execution_id", run.id), zap.String("workflow", run.program.Plan.ID), zap.Error(err))
		x.leave()
		return false
	}
	run.lease = l
	stopKeeping := keepLease(l, run.cancel)
	stopCutting := context.AfterFunc(x.hard, func() { run.cancel(context.Cause(x.hard)) })
	run.unhold = func() { stopKeeping(); stopCutting() }
	return true
}

// steps are the nodes that have completed so far. The caller holds the lock.
func (x *execution) steps() []journal.Step {
	var steps []journal.Step
	for i := 1; i < len(x.results); i++ {
		if r := &x.results[i]; r.State == Completed {
			steps = append(steps, journal.Step{Node: x.program.Plan.Nodes[i].ID, Output: r.Output, Handle: r.Handle})
		}
	}
	return steps
}
