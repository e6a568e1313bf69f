package engine

import (
	"context"
	"slices"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

// itemResult is the result of a node, or of one of its items.
type itemResult struct {
	output   []byte
	handle   string
	attempts int
	fuel     uint64      // of all attempts
	host     *trace.Host // the last attempt's use of the host; nil = none
	err      *NodeError
	// the wait that the server asked for in the last attempt's last response; 0 = none
	retryAfter time.Duration
}

// runNode runs a node with all its items and attempts. It begins at the given time.
func (x *Execution) runNode(n int, started time.Time) (r NodeResult) {
	plan := x.program.Plan
	x.begin(n, started)
	x.startNodeSpan(n, started)
	var a itemResult
	if plan.Nodes[n].ForEach != nil {
		a = x.runForEach(n, started)
	} else {
		scope := x.Scope()
		a = x.runItem(&x.life, trace.CallID{Node: n}, &scope, started)
		x.trace.AddGlobals(n, &scope)
	}
	if a.err != nil {
		r = x.failed(n, a.err)
	} else {
		r = NodeResult{State: Completed, Output: a.output, Handle: a.handle}
	}
	r.Attempts, r.Fuel, r.Started, r.Duration = a.attempts, a.fuel, started, x.engine.config.Clock().Sub(started)
	x.endNodeSpan(n, &r, a.err)
	x.engine.config.Observer.NodeEnded(plan, x.id, n, plan.Nodes[n].Type, r.Duration, a.err)
	return r
}

// runItem runs a node, or one of its items, with its retries. The output is counted in the
// execution's memory. The first attempt begins at now.
func (x *Execution) runItem(ctx context.Context, c trace.CallID, scope *flow.Scope, now time.Time) (a itemResult) {
	defer func() {
		if p := recover(); p != nil {
			a.err = x.panicked(c.Node, p)
		}
	}()
	scope.Hide = nil
	var refs *secret.References
	if x.program.nodes[c.Node].typ.HidesSecrets {
		refs = new(secret.References)
		scope.Hide = refs.Hide
	}
	limit := x.timeout(c.Node)
	r := x.resolver(ctx, limit, now)
	defer r.release()
	config, err := r.resolve(x.program.Plan.Nodes[c.Node].Config, scope, x.engine.config.Limits.NodeInput)
	if err != nil {
		return itemResult{err: err}
	}
	defer x.memory.release(len(config))

	retry := x.program.Plan.Nodes[c.Node].Retry
	pauses := newBackoff(retry)
	for c.Attempt = 1; ; c.Attempt++ {
		before := a.fuel
		a = x.attempt(ctx, c, config, refs, limit, now)
		if a.host != nil || retry.MaxAttempts > 1 || x.program.Plan.Nodes[c.Node].ForEach != nil {
			x.traceCall(c, now, &a)
		}
		x.spanAttempt(c, now, &a)
		a.attempts = c.Attempt
		a.fuel += before
		if a.err == nil || a.err.final || c.Attempt >= retry.MaxAttempts {
			break
		}
		x.logAttempt(c, a.err)
		if !pause(ctx, &pauses, a.retryAfter) {
			return itemResult{attempts: c.Attempt, fuel: a.fuel, err: x.cancelled()}
		}
		now = x.engine.config.Clock()
	}
	if a.err == nil && !x.memory.reserve(len(a.output)) {
		a.err = finalError(CodeExecutionMemory, "the execution holds too much data")
	}
	return a
}

// traceCall adds an attempt to the trace.
func (x *Execution) traceCall(c trace.CallID, start time.Time, a *itemResult) {
	call := trace.Call{CallID: c, Start: start, Duration: x.engine.config.Clock().Sub(start), Fuel: a.fuel, Host: a.host}
	if a.err != nil {
		call.Code, call.Message = a.err.Code, a.err.Message
	}
	x.trace.AddCall(call)
}

// attempt calls the node once, within a limit that begins at now. refs holds the secret references
// in the config.
func (x *Execution) attempt(
	ctx context.Context, c trace.CallID, config []byte, refs *secret.References, limit TimeLimit, now time.Time,
) itemResult {
	t := x.program.nodes[c.Node].typ
	deadline := now.Add(limit.Duration)
	h := x.newHostSession(c)
	h.refs = refs
	h.session.Start, h.session.Began, h.session.Deadline, h.session.MaxOutput = now, now, deadline, x.outputLimit()
	result, err := x.program.nodes[c.Node].Call(ctx, &h.session, config, nil)
	a := itemResult{fuel: h.session.Fuel, retryAfter: h.retryAfter}
	a.host = h.release()
	failure := CallFailure(ctx, limit, deadline, result, err, &x.secrets)
	switch {
	// the true cause, whatever err says
	case failure != nil && x.life.over(x.engine.config.Clock()):
		a.err = x.cancelled()
	case failure != nil:
		a.err = failure
	case len(result.Output) > x.outputLimit():
		a.err = &NodeError{Code: CodeOutputTooLarge, Message: "the node's output is too large"}
	case t.Routes() != (result.Kind == abi.Routed), t.Routes() && !slices.Contains(x.program.Plan.Nodes[c.Node].Handles, result.Label):
		a.err = &NodeError{Code: CodeUnknownHandle, Message: "the node chose a way that it does not have"}
	default:
		a.output, a.handle = result.Output, result.Label
	}
	return a
}

// timeout returns the timeout of one attempt: the shortest that applies. Of equal ones the more
// general setting is named.
func (x *Execution) timeout(node int) TimeLimit {
	limit := TimeLimit{x.engine.config.Limits.NodeTimeout, "limits.node_timeout"}
	limit.AtMost(x.program.nodes[node].typ.module.Limits().Timeout, "the timeout of its type")
	limit.AtMost(x.program.Plan.Nodes[node].Timeout, "its timeout")
	return limit
}
