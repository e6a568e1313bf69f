package caddymodule

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/slots"
)

// errStopping is the cause for which executions whose senders wait are canceled when the process
// exits.
var errStopping = errors.New("the server is stopping")

// run starts an execution for the request, and responds in the workflow's response mode.
func (x *exchange) run() response.Response {
	p := x.workflow.Program
	id := x.app.engine.NewID()
	x.event.Trace = x.app.tracer.Arrived(x.r.Context())
	switch minimal := p.Plan.Webhook.Mode == flow.Minimal; {
	case x.key != nil:
		return x.once(p, id, minimal)
	case minimal:
		a, err := x.accept(p, id)
		if err != nil {
			return *x.rejectJournal(err)
		}
		return a
	default:
		return x.await(p, id)
	}
}

// accept journals the execution and responds at once. The error is the journal's.
func (x *exchange) accept(p *engine.Program, id string) (response.Response, error) {
	a := response.Accepted(p.Plan, id)
	var key *journal.Key
	if x.key != nil {
		k := *x.key
		k.Response = response.Encode(p.Plan, id, a)
		key = &k
	}
	arrived := x.event.Trace
	runs, done := x.app.tracer.Accept(arrived, p.Plan.ID, p.Plan.Revision, id, x.began)
	x.event.Trace = runs
	if err := x.app.executor.Accept(x.r.Context(), p.Plan, id, x.event, key); err != nil {
		x.event.Trace = arrived // the request of a duplicate may try again
		if !errors.As(err, new(*journal.DuplicateError)) {
			done(string(response.JournalUnavailable))
		}
		return response.Response{}, err
	}
	done("")
	x.outcome = journal.Pending
	return a, nil
}

// rejectJournal returns the response for an execution that the journal did not accept.
func (x *exchange) rejectJournal(err error) *response.Response {
	if errors.Is(err, context.Canceled) {
		return x.unread()
	}
	return x.reject(response.JournalUnavailable, zap.Error(err))
}

// unread returns the response to a sender that went away before its execution began. Logs and
// metrics do not count it as a rejected request, because these alert operators and nothing is wrong
// with the server.
func (x *exchange) unread() *response.Response {
	a := response.Error(response.Overloaded, "")
	return &a
}

// await runs the workflow and responds when it has ended or the webhook's timeout has passed. A
// sender that goes away does not end the execution.
func (x *exchange) await(p *engine.Program, id string) response.Response {
	free, rejection := x.acquire(p)
	if rejection != nil {
		return *rejection
	}
	r := x.app.executor.Await(x.app.waiting, x.app.engine, p, id, x.event, free)
	if r == nil {
		x.outcome = journal.Running
		return response.AcceptedLate(p.Plan, id)
	}
	x.outcome, x.result = string(r.Status), r
	return response.Of(p.Plan, "", r, x.event)
}

// acquire takes a slot for an execution, or returns the rejection if there is none. While a request
// waits for its slot, its body counts in the limit of bodies. Executions have limits of their own.
func (x *exchange) acquire(p *engine.Program) (free func(), rejection *response.Response) {
	x.event.QueuedAt = time.Now()
	free, err := x.app.engine.Acquire(x.r.Context(), p)
	switch {
	case err == nil:
		x.body.release()
		return free, nil
	case errors.Is(err, slots.ErrWorkflowBusy):
		return nil, x.reject(response.TooManyExecutions, zap.Error(err))
	case errors.Is(err, engine.ErrGone): // the configuration was reloaded meanwhile
		return nil, x.reject(response.NotReady)
	case errors.Is(err, context.Canceled): // the sender left the queue
		return nil, x.unread()
	default: // the whole server is busy
		return nil, x.reject(response.Overloaded, zap.Error(err))
	}
}
