package caddymodule

import (
	"errors"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/answer"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// errStopping is why executions that senders wait for are cancelled when the process exits.
var errStopping = errors.New("the server is stopping")

// run starts the execution a request asks for and answers in the workflow's mode.
func (x *exchange) run() answer.Answer {
	p := x.workflow.Program
	id := x.app.engine.NewID()
	x.logFields(id)
	if p.Plan.Webhook.Mode == flow.Minimal {
		return x.accept(p, id)
	}
	return x.await(p, id)
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

// accept promises to run the workflow and answers at once.
func (x *exchange) accept(p *engine.Program, id string) answer.Answer {
	if err := x.app.executor.Accept(x.r.Context(), p.Plan, id, x.event); err != nil {
		x.logger.Warn("journal refused an execution", x.workflowField(), zap.Error(err))
		return *x.refuse(answer.JournalUnavailable)
	}
	return answer.Accepted(p.Plan, id)
}

// await runs the workflow and answers when it has ended or its webhook's timeout has passed. A sender that goes away does
// not end it.
func (x *exchange) await(p *engine.Program, id string) answer.Answer {
	free, err := x.app.engine.Acquire(x.r.Context(), p)
	switch {
	case errors.Is(err, engine.ErrWorkflowBusy):
		return *x.refuse(answer.TooManyExecutions)
	case errors.Is(err, engine.ErrGone): // a reload came in between
		return *x.refuse(answer.NotReady)
	case err != nil: // the whole server is busy, or the sender left the queue
		return *x.refuse(answer.Overloaded)
	}
	r := x.app.executor.Await(x.app.waiting, x.app.engine, p, id, x.event, free)
	if r == nil {
		return answer.AcceptedLate(p.Plan, id)
	}
	return answer.Of(p.Plan, "", r, x.event)
}
