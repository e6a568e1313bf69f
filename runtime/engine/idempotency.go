package engine

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// Held is an idempotency key that an execution has while its sender waits. It ends with Keep or
// Free, whichever comes first; what is called after that does nothing. A Held belongs to one
// goroutine.
type Held struct {
	executor *Executor
	key      journal.Reservation
	flight   *flight
	log      *zap.Logger
	end      sync.Once
	response []byte // what Keep and Free were given
	free     bool
}

// Reserve takes a key for an execution whose sender will wait, as durably as the journal's
// durability says; nothing of it has run yet. The error is the journal's: a *journal.DuplicateError
// without a response is one to Join. When the process ends while the key is held, it is free again.
func (x *Executor) Reserve(ctx context.Context, e *Engine, r journal.Reservation) (*Held, error) {
	if !x.enter() {
		return nil, journal.ErrClosed
	}
	h := &Held{executor: x, key: r, flight: x.flights.add(r.ID), log: e.config.Logger}
	// Not cut short when the sender goes away: it would not be known whether the key is reserved.
	ctx, cancel := lasting(ctx)
	defer cancel()
	err := x.journal.Reserve(ctx, r)
	if err == nil {
		return h, nil
	}
	defer x.leave()
	if known(err) {
		x.flights.remove(r.ID)
	} else {
		h.free = true
		h.flight.land(nil, true)
		x.mender.take(h)
	}
	return nil, err
}

// known tells whether an error of Reserve says that nothing was reserved.
func known(err error) bool {
	var duplicate *journal.DuplicateError
	return errors.As(err, &duplicate) || errors.Is(err, journal.ErrKeyReused) || errors.Is(err, journal.ErrFull) ||
		errors.Is(err, journal.ErrClosed)
}

// Await is Executor.Await for the execution that has the key. When it returns nil, the journal
// keeps late for duplicates.
func (h *Held) Await(ctx context.Context, e *Engine, p *Program, ev *flow.Event, late []byte, release func()) *Result {
	key := h.key.Key
	key.Response = late
	run := e.newRun(ctx, p, h.key.ID, ev, nil)
	run.key = &key
	// Close waits for what holds a key, so it ends with the executor.
	stop := context.AfterFunc(h.executor.hard, func() { run.cancel(context.Cause(h.executor.hard)) })
	defer stop()
	r := h.executor.await(run, release)
	if r == nil {
		h.end.Do(func() {
			defer h.executor.leave()
			h.executor.flights.remove(h.key.ID)
			h.flight.land(late, false)
		})
	}
	return r
}

// Keep keeps response for duplicates until the key's time is over. Those that wait already get it
// too.
func (h *Held) Keep(response []byte) { h.conclude(response, false) }

// Free gives the key back: the next request with it begins anew. Duplicates that wait already get
// response.
func (h *Held) Free(response []byte) { h.conclude(response, true) }

func (h *Held) conclude(response []byte, free bool) {
	h.end.Do(func() {
		defer h.executor.leave()
		h.response, h.free = response, free
		if err := h.tell(); err != nil && !errors.Is(err, journal.ErrClosed) {
			h.log.Error("the journal did not take the end of an execution with an idempotency key; it is tried again",
				zap.String("execution_id", h.key.ID), zap.String("workflow", h.key.Workflow), zap.Error(err))
			h.flight.land(response, free)
			h.executor.mender.take(h)
			return
		}
		h.executor.flights.remove(h.key.ID)
		h.flight.land(response, false)
	})
}

// tell tells the journal how it ended.
func (h *Held) tell() error {
	ctx, cancel := lasting(h.executor.hard)
	defer cancel()
	if h.free {
		return h.executor.journal.Free(ctx, h.key)
	}
	return h.executor.journal.Settle(ctx, h.key, h.response)
}
