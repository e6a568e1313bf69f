package executor

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// Reservation is an idempotency key that an execution holds while its sender waits. It ends with
// the first call of Complete or Release; later calls do nothing. A Reservation belongs to one
// goroutine.
type Reservation struct {
	executor *Executor
	key      journal.Reservation
	holder   *keyHolder
	log      *zap.Logger
	end      sync.Once
	response []byte // the argument of Complete or Release
	free     bool   // the key is released
}

// Reserve reserves a key for an execution whose sender will wait, before the execution starts. The
// reservation is as durable as the journal. If the process ends while the key is reserved, the key
// is free again. The error is the journal's. After a *journal.DuplicateError without a response,
// see JoinInFlight.
func (x *Executor) Reserve(ctx context.Context, e *engine.Engine, r journal.Reservation) (*Reservation, error) {
	if !x.enter() {
		return nil, journal.ErrClosed
	}
	res := &Reservation{executor: x, key: r, holder: x.inflight.add(r.ID), log: e.Logger()}
	// Do not cancel this when the sender goes away: it would be unknown whether the key is
	// reserved.
	ctx, cancel := journalContext(ctx)
	defer cancel()
	err := x.journal.Reserve(ctx, r)
	if err == nil {
		return res, nil
	}
	defer x.leave()
	if reservedNothing(err) {
		x.inflight.remove(r.ID)
	} else {
		res.free = true
		res.holder.end(nil, true)
		x.retrier.add(res)
	}
	return nil, err
}

// reservedNothing reports whether an error of Reserve means that nothing was reserved.
func reservedNothing(err error) bool {
	var duplicate *journal.DuplicateError
	return errors.As(err, &duplicate) || errors.Is(err, journal.ErrKeyReused) || errors.Is(err, journal.ErrFull) ||
		errors.Is(err, journal.ErrClosed)
}

// Await is Executor.Await for the execution that holds the key. If it returns nil, the journal has
// stored late as the response for duplicates.
func (r *Reservation) Await(
	ctx context.Context, e *engine.Engine, p *engine.Program, ev *flow.Event, late []byte, release func(),
) *engine.Result {
	x := r.executor
	key := r.key.Key
	key.Response = late
	run := &execution{key: &key}
	run.Init(ctx, e, p, r.key.ID, ev, nil)
	// Close waits for executions that hold a key, so they end with the executor.
	stop := context.AfterFunc(x.aborted, func() { run.Cancel(context.Cause(x.aborted)) })
	defer stop()
	result := x.await(run, release)
	if result == nil {
		r.end.Do(func() {
			defer x.leave()
			x.inflight.remove(r.key.ID)
			r.holder.end(late, false)
		})
	}
	return result
}

// Complete stores response for duplicates until the key expires. Duplicates that wait already get
// it too.
func (r *Reservation) Complete(response []byte) { r.settle(response, false) }

// Release frees the key, so the next request with it starts a new execution. Duplicates that wait
// already get response.
func (r *Reservation) Release(response []byte) { r.settle(response, true) }

func (r *Reservation) settle(response []byte, free bool) {
	r.end.Do(func() {
		defer r.executor.leave()
		r.response, r.free = response, free
		if err := r.journalEnd(); err != nil && !errors.Is(err, journal.ErrClosed) {
			r.log.Error("the journal did not take the end of an execution with an idempotency key; it is retried",
				zap.String("execution_id", r.key.ID), zap.String("workflow", r.key.Workflow), zap.Error(err))
			r.holder.end(response, free)
			r.executor.retrier.add(r)
			return
		}
		r.executor.inflight.remove(r.key.ID)
		r.holder.end(response, false)
	})
}

// journalEnd writes the end of the reservation to the journal.
func (r *Reservation) journalEnd() error {
	ctx, cancel := journalContext(r.executor.aborted)
	defer cancel()
	if r.free {
		return r.executor.journal.Free(ctx, r.key)
	}
	return r.executor.journal.Settle(ctx, r.key, r.response)
}
