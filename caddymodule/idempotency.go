package caddymodule

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/executor"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/slots"
)

// firstLook and lastLook are the shortest and the longest pause between two looks at the journal. A
// duplicate looks there if the first execution does not run in this process.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// findKey sets the request's idempotency key, if it has one. It returns a rejection if the key
// cannot be used.
func (x *exchange) findKey() *response.Response {
	window := flow.DefaultWindow
	var keys []string
	if in := x.workflow.Program.Plan.Webhook.Idempotency; in != nil {
		window = in.Window
		if in.Header != "" {
			keys = x.r.Header[in.Header]
		} else {
			keys = []string{in.InBody(x.event)}
		}
	} else {
		keys = []string{x.workflow.Scheme.MessageID(x.r.Header)}
	}
	switch {
	case len(keys) == 0 || len(keys) == 1 && keys[0] == "":
		return nil
	case len(keys) > 1 || len(keys[0]) > journal.MaxKey:
		return x.reject(response.InvalidKey)
	}
	x.key = &journal.Key{Text: keys[0], Digest: sha256.Sum256(x.body.data), Until: time.Now().Add(window)}
	return nil
}

// graceOfFirst is how much longer than the webhook's timeout a duplicate waits. The first request
// gives up at that timeout itself, and may then have to journal its execution.
const graceOfFirst = time.Second

// once starts an execution unless the request's key has one already. For a duplicate it waits for
// the response of the first execution, slightly longer than the webhook's timeout.
func (x *exchange) once(p *engine.Program, id string, minimal bool) response.Response {
	ctx, cancel := context.WithTimeout(x.r.Context(), p.Plan.Webhook.Timeout+graceOfFirst)
	defer cancel()
	defer context.AfterFunc(x.app.waiting, cancel)()
	begin := x.hold
	if minimal {
		begin = x.accept
	}
	for look := firstLook; ; look = min(2*look, lastLook) {
		a, err := begin(p, id)
		var first *journal.DuplicateError
		switch {
		case err == nil:
			return a
		case errors.Is(err, journal.ErrKeyReused):
			return *x.reject(response.KeyReused)
		case !errors.As(err, &first):
			return *x.rejectJournal(err)
		}
		if a := x.duplicate(ctx, p, first); a != nil {
			return *a
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return *x.gaveUp(ctx, first.ID)
		}
	}
}

// hold is await for a request with a key, which stays reserved meanwhile. The error is the
// journal's.
func (x *exchange) hold(p *engine.Program, id string) (response.Response, error) {
	reservation, err := x.app.executor.Reserve(x.r.Context(), x.app.engine, journal.Reservation{ID: id, Workflow: p.Plan.ID, Key: *x.key})
	if err != nil {
		return response.Response{}, err
	}
	defer reservation.Release(nil) // if this panics
	free, rejection := x.acquire(p)
	if rejection != nil {
		reservation.Release(response.Encode(p.Plan, id, *rejection))
		return *rejection, nil
	}
	late := response.AcceptedLate(p.Plan, id)
	r := reservation.Await(x.app.waiting, x.app.engine, p, x.event, response.Encode(p.Plan, id, late), free)
	if r == nil {
		x.outcome = journal.Running
		return late, nil
	}
	x.outcome, x.result = string(r.Status), r
	a := response.Of(p.Plan, "", r, x.event)
	if kept := response.Encode(p.Plan, id, a); r.Status == engine.Succeeded {
		reservation.Complete(kept)
	} else {
		reservation.Release(kept)
	}
	return a, nil
}

// duplicate returns the response to a request whose key has an execution already. It returns nil if
// that execution does not run here, or has just ended.
func (x *exchange) duplicate(ctx context.Context, p *engine.Program, first *journal.DuplicateError) *response.Response {
	kept := first.Response
	if kept == nil {
		waiter, err := x.app.executor.JoinInFlight(first.ID)
		switch {
		case errors.Is(err, executor.ErrNotInFlight):
			return nil
		case errors.Is(err, slots.ErrServerBusy):
			return x.reject(response.Overloaded, zap.Error(err))
		case err != nil:
			return x.rejectJournal(err)
		}
		x.event = nil // free the memory: many duplicates may wait for long
		x.body.release()
		if kept, err = waiter.Wait(ctx); err != nil {
			return x.gaveUp(ctx, first.ID)
		}
		if kept == nil {
			return x.reject(response.Overloaded)
		}
	}
	a, err := response.Decode(kept)
	switch {
	case len(kept) == 0: // there was no room to store it
		a = response.Unreadable(p.Plan, first.ID)
	case err != nil:
		x.logger.Error("the response that was stored for duplicates cannot be read", x.workflowField(), zap.String("execution_id", first.ID), zap.Error(err))
		a = response.Unreadable(p.Plan, first.ID)
	case a.Header.Get("X-Execution-Id") == "": // the first request was rejected: there was no slot
		x.logRejection(a, "webhook refused")
		return &a
	}
	x.asDuplicate()
	return &a
}

// asDuplicate counts the request as a duplicate of the request that started the execution
// first.
func (x *exchange) asDuplicate() {
	x.app.meters.duplicate(x.id)
	x.outcome = statusDuplicate
}

// gaveUp returns the response to a duplicate that stops waiting: its time is over, its sender has
// gone, or the server stops.
func (x *exchange) gaveUp(ctx context.Context, first string) *response.Response {
	if x.r.Context().Err() != nil {
		return x.unread()
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return x.reject(response.NotReady)
	}
	x.asDuplicate()
	a := response.StillRunning(first)
	return &a
}
