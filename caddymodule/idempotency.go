package caddymodule

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/slots"
)

// The waits of a duplicate between two looks at the journal, while the first execution does not run
// in this process.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// findKey: the request's idempotency key, if it has one, is usable. After it the raw body is not
// needed any more.
func (x *exchange) findKey() *response.Response {
	defer x.body.discard()
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
		return x.refuse(response.InvalidKey)
	}
	x.key = &journal.Key{Text: keys[0], Digest: sha256.Sum256(x.body.data), Until: time.Now().Add(window)}
	return nil
}

// graceOfFirst is how much longer than the webhook's timeout a duplicate waits: the first one gives
// up at that time itself, and what becomes of it then may have to be journaled.
const graceOfFirst = time.Second

// once starts an execution unless the request's key has one already; then that one's answer is
// given, for which it waits about as long as the webhook's timeout.
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
			return *x.refuse(response.KeyReused)
		case !errors.As(err, &first):
			return *x.refuseJournal(err)
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

// hold runs the workflow as await does, and has the key meanwhile. The error is the journal's.
func (x *exchange) hold(p *engine.Program, id string) (response.Response, error) {
	held, err := x.app.executor.Reserve(x.r.Context(), x.app.engine, journal.Reservation{ID: id, Workflow: p.Plan.ID, Key: *x.key})
	if err != nil {
		return response.Response{}, err
	}
	defer held.Free(nil) // if this panics
	free, refusal := x.acquire(p, id)
	if refusal != nil {
		held.Free(response.Encode(p.Plan, id, *refusal))
		return *refusal, nil
	}
	late := response.AcceptedLate(p.Plan, id)
	r := held.Await(x.app.waiting, x.app.engine, p, x.event, response.Encode(p.Plan, id, late), free)
	if r == nil {
		return late, nil
	}
	a := response.Of(p.Plan, "", r, x.event)
	if kept := response.Encode(p.Plan, id, a); r.Status == engine.Succeeded {
		held.Keep(kept)
	} else {
		held.Free(kept)
	}
	return a, nil
}

// duplicate is the answer of a request whose key has an execution already; nil when that one does
// not run here, or has just ended.
func (x *exchange) duplicate(ctx context.Context, p *engine.Program, first *journal.DuplicateError) *response.Response {
	kept := first.Response
	if kept == nil {
		seat, err := x.app.executor.Join(first.ID)
		switch {
		case errors.Is(err, engine.ErrNotHere):
			return nil
		case errors.Is(err, slots.ErrServerBusy):
			return x.refuse(response.Overloaded, zap.Error(err))
		case err != nil:
			return x.refuseJournal(err)
		}
		x.event = nil // many may wait for long
		x.body.release()
		if kept, err = seat.Wait(ctx); err != nil {
			return x.gaveUp(ctx, first.ID)
		}
		if kept == nil {
			return x.refuse(response.Overloaded)
		}
	}
	a, err := response.Decode(kept)
	switch {
	case len(kept) == 0: // there was no room for it any more
		a = response.Unreadable(p.Plan, first.ID)
	case err != nil:
		x.logger.Error("the answer that was kept for duplicates cannot be read", x.workflowField(), zap.String("execution_id", first.ID), zap.Error(err))
		a = response.Unreadable(p.Plan, first.ID)
	case a.Header["X-Execution-Id"] == nil: // there was no room for the first one
		x.note(a, "webhook refused")
		return &a
	}
	x.logFields(first.ID)
	x.app.meters.duplicate(x.id)
	return &a
}

// gaveUp is the answer of a duplicate that waits no longer: its time is over, its sender has gone,
// or the server stops.
func (x *exchange) gaveUp(ctx context.Context, first string) *response.Response {
	if x.r.Context().Err() != nil {
		return x.unread()
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return x.refuse(response.NotReady)
	}
	x.logFields(first)
	x.app.meters.duplicate(x.id)
	a := response.StillRunning(first)
	return &a
}
