package executor

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
)

// webhookTimeout is the setting that limits how long a sender waits.
const webhookTimeout = "webhook.timeout"

// Await runs an execution while its sender waits, and returns its result. The caller holds a slot
// for it (see engine.Engine.Acquire), and Await calls release. The execution ends with ctx, which
// must not end because the sender went away.
//
// The webhook's timeout begins with the call. With onTimeout "error" the execution runs on this
// goroutine, and the timeout cancels it (TimedOut). With "accept" it runs on another goroutine.
// When the timeout passes, the execution is adopted: its state is journaled, and it continues
// independently of ctx. Then Await returns nil, and the execution is as safe as an accepted one. If
// the journal rejects it, it is canceled (TimedOut).
//
// The slot is released once the execution has a place in the recorder's queue, so slots also bound
// the executions that wait for one.
func (x *Executor) Await(ctx context.Context, e *engine.Engine, p *engine.Program, id string, ev *flow.Event, release func()) *engine.Result {
	run := new(execution)
	run.Init(ctx, e, p, id, ev, nil)
	return x.await(run, release)
}

func (x *Executor) await(run *execution, release func()) *engine.Result {
	w := run.Program().Plan.Webhook
	if !w.AcceptOnTimeout {
		defer release()
		run.Limit(engine.TimeLimit{Duration: w.Timeout, Of: webhookTimeout})
		x.runs.add(run)
		defer x.runs.remove(run)
		x.started(run)
		r := run.Run()
		x.recorder.Add(&run.Execution, r, x.ended(run, r))
		return r
	}
	timer := time.NewTimer(w.Timeout)
	defer timer.Stop()
	return x.awaitOrAdopt(run, timer.C, release)
}

// awaitOrAdopt is Await for onTimeout "accept".
func (x *Executor) awaitOrAdopt(run *execution, late <-chan time.Time, release func()) *engine.Result {
	ended := make(chan *engine.Result, 1)
	x.runs.add(run)
	go func() {
		defer x.runs.remove(run)
		x.started(run)
		r := run.Run()
		if a := &run.adoption; a.lease != nil { // no Adopt can follow
			release()
			x.conclude(run.Engine(), a.lease, run, r)
			a.stop()
			x.leave()
		} else {
			x.recorder.Add(&run.Execution, r, x.ended(run, r))
			release()
		}
		ended <- r
	}()
	select {
	case r := <-ended:
		return r
	case <-late:
	}
	// From here on the caller's context no longer ends the execution, so it may be promised to run.
	if run.Detach() && x.adopt(run) {
		return nil
	}
	run.Cancel(engine.TimeLimit{Duration: run.Program().Plan.Webhook.Timeout, Of: webhookTimeout}.Exceeded())
	return <-ended
}

// adoption is the state of an adopted execution. It is written inside the execution's Adopt and
// read after its Run: the execution's own lock orders the two.
type adoption struct {
	lease journal.Lease // nil = it was not adopted
	// ends the extension of lease, and the tie to the executor's end
	stop func()
}

// adopt journals a running execution with the steps that it has completed. It returns false if the
// journal rejects it, or if the execution or the executor has ended.
func (x *Executor) adopt(run *execution) bool {
	plan := run.Program().Plan
	err := run.Adopt(func(steps []journal.Step) (journal.Lease, error) {
		if !x.enter() {
			return nil, engine.ErrEnded
		}
		ctx, cancel := journalContext(x.aborted)
		defer cancel()
		e := record.Source(plan, run.ID(), run.Event())
		e.Steps, e.Began = steps, run.Started()
		// later another execution may hold it
		if run.key != nil && time.Now().Before(run.key.Until) {
			e.Key = run.key
		}
		lease, err := x.journal.Adopt(ctx, e)
		if err != nil {
			x.leave()
			return nil, err
		}
		stopExtending := extendLease(lease, run.Cancel)
		stopAborting := context.AfterFunc(x.aborted, func() { run.Cancel(context.Cause(x.aborted)) })
		run.adoption = adoption{lease, func() { stopExtending(); stopAborting() }}
		return lease, nil
	})
	if err != nil && !errors.Is(err, engine.ErrEnded) {
		run.Engine().Logger().Error("the journal rejected an execution whose sender has waited too long",
			zap.String("execution_id", run.ID()), zap.String("workflow", plan.ID), zap.Error(err))
	}
	return err == nil
}
