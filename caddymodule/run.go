package caddymodule

import (
	"context"
	"errors"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/slots"
)

// errStopping is why executions that senders wait for are cancelled when the process exits.
var errStopping = errors.New("the server is stopping")

// run starts the execution a request asks for and answers in the workflow's mode.
func (x *exchange) run() response.Response {
	p := x.workflow.Program
	id := x.app.engine.NewID()
	switch minimal := p.Plan.Webhook.Mode == flow.Minimal; {
	case x.key != nil:
		return x.once(p, id, minimal)
	case minimal:
		a, err := x.accept(p, id)
		if err != nil {
			return *x.refuseJournal(err)
		}
		return a
	default:
		return x.await(p, id)
	}
}

// logFields adds to the request's line in the access log, where there is one.
func (x *exchange) logFields(id string) {
	ctx := x.r.Context()
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && server.Logs == nil {
		return
	}
	if extra, ok := ctx.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(x.workflowField())
		extra.Set(zap.String("execution_id", id))
	}
}

// accept promises to run the workflow and answers at once. The error is the journal's.
func (x *exchange) accept(p *engine.Program, id string) (response.Response, error) {
	a := response.Accepted(p.Plan, id)
	var key *journal.Key
	if x.key != nil {
		k := *x.key
		k.Response = response.Encode(p.Plan, id, a)
		key = &k
	}
	if err := x.app.executor.AcceptOnce(x.r.Context(), p.Plan, id, x.event, key); err != nil {
		return response.Response{}, err
	}
	x.logFields(id)
	return a, nil
}

// refuseJournal is the answer when the journal does not take an execution.
func (x *exchange) refuseJournal(err error) *response.Response {
	if errors.Is(err, context.Canceled) {
		return x.unread()
	}
	return x.refuse(response.JournalUnavailable, zap.Error(err))
}

// unread is what a sender gets that went away before an execution began. It is in no log or metric
// of refused requests, as operators are alerted by them: nothing is wrong with the server.
func (x *exchange) unread() *response.Response {
	a := response.Error(response.Overloaded, "")
	return &a
}

// await runs the workflow and answers when it has ended or its webhook's timeout has passed. A
// sender that goes away does not end it.
func (x *exchange) await(p *engine.Program, id string) response.Response {
	free, refusal := x.acquire(p, id)
	if refusal != nil {
		return *refusal
	}
	r := x.app.executor.Await(x.app.waiting, x.app.engine, p, id, x.event, free)
	if r == nil {
		return response.AcceptedLate(p.Plan, id)
	}
	return response.Of(p.Plan, "", r, x.event)
}

// acquire takes a slot for an execution, or says why there is none. What waits for one counts with
// the bodies; what runs has limits of its own.
func (x *exchange) acquire(p *engine.Program, id string) (free func(), refusal *response.Response) {
	free, err := x.app.engine.Acquire(x.r.Context(), p)
	switch {
	case err == nil:
		x.body.release()
		x.logFields(id)
		return free, nil
	case errors.Is(err, slots.ErrWorkflowBusy):
		return nil, x.refuse(response.TooManyExecutions, zap.Error(err))
	case errors.Is(err, engine.ErrGone): // a reload came in between
		return nil, x.refuse(response.NotReady)
	case errors.Is(err, context.Canceled): // the sender left the queue
		return nil, x.unread()
	default: // the whole server is busy
		return nil, x.refuse(response.Overloaded, zap.Error(err))
	}
}
