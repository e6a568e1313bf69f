package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// answer is what a node, or one of its items, gave.
type answer struct {
	output   []byte
	handle   string
	attempts int
	err      *NodeError
}

// runNode runs a node to its end: all items, all attempts.
func (x *execution) runNode(n int) (r NodeResult) {
	plan := x.program.Plan
	started := x.engine.config.Clock()
	var a answer
	if plan.Nodes[n].ForEach != nil {
		a = x.runItems(n)
	} else {
		a = x.runItem(x.ctx, call{node: n}, x.scope())
	}
	if a.err != nil {
		r = x.failed(n, a.err)
	} else {
		r = NodeResult{State: Completed, Output: a.output, Handle: a.handle}
	}
	r.Attempts, r.Started, r.Duration = a.attempts, started, x.engine.config.Clock().Sub(started)
	x.engine.config.Observer.NodeEnded(plan, x.id, n, plan.Nodes[n].Type, r.Duration, a.err)
	return r
}

// scope is what the templates of a node see.
func (x *execution) scope() *flow.Scope {
	s := &flow.Scope{Plan: x.program.Plan, ExecutionID: x.id, Event: x.event, Outputs: x.outputs, Global: noGlobal}
	if x.engine.config.Globals != nil {
		s.Global = x.engine.config.Globals.Global
	}
	return s
}

func noGlobal(string) ([]byte, bool) { return nil, false }

// runItem runs a node once, or for one item, with its retries. The output is counted in the execution's memory.
func (x *execution) runItem(ctx context.Context, c call, scope *flow.Scope) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a.err = x.panicked(c.node, p)
		}
	}()
	buf := buffers.Get().(*[]byte)
	defer putBuffer(buf)
	config, err := x.resolve(x.program.Plan.Nodes[c.node].Config, scope, (*buf)[:0], x.engine.config.Limits.NodeInput)
	*buf = config
	if err != nil {
		return answer{err: err}
	}
	defer x.memory.give(len(config))

	retry := x.program.Plan.Nodes[c.node].Retry
	for c.attempt = 1; ; c.attempt++ {
		a = x.attempt(ctx, c, config)
		a.attempts = c.attempt
		if a.err == nil || a.err.final || c.attempt >= retry.MaxAttempts {
			break
		}
		if !pause(ctx, retry, c.attempt) {
			return answer{attempts: c.attempt, err: x.cancelled()}
		}
	}
	if a.err == nil && !x.memory.take(len(a.output)) {
		a.err = fixed(CodeExecutionMemory, "the execution holds too much data")
	}
	return a
}

// resolve resolves a template within a limit and the execution's memory. It counts what it gave; the caller gives that
// back.
func (x *execution) resolve(t *flow.Template, scope *flow.Scope, dst []byte, limit int) ([]byte, *NodeError) {
	free := x.memory.free()
	value, err := t.Append(dst, scope, min(limit, free))
	x.secrets.add(scope.Secrets)
	switch {
	case err == nil && x.memory.take(len(value)):
		return value, nil
	case err == nil || errors.Is(err, flow.ErrTooLarge) && free < limit:
		return value, fixed(CodeExecutionMemory, "the execution holds too much data")
	case errors.Is(err, flow.ErrTooLarge):
		return value, fixed(CodeInputTooLarge, "the node's resolved config is too large")
	default:
		return value, &NodeError{Code: CodeInternal, Message: "the node's config could not be resolved", Detail: err, final: true}
	}
}

// attempt calls the node once.
func (x *execution) attempt(ctx context.Context, c call, config []byte) answer {
	t := x.program.types[c.node]
	ctx, cancel := context.WithTimeout(ctx, x.timeout(c.node))
	defer cancel()
	session := x.session(c)
	session.Deadline, _ = ctx.Deadline()
	result, err := t.module.Call(ctx, session, config, nil)
	failed := err != nil || result.Kind == abi.Error || result.Kind == abi.Fatal
	switch {
	case failed && x.ctx.Err() != nil: // whatever it says, this is why
		return answer{err: x.cancelled()}
	case err != nil:
		return answer{err: callFailed(ctx, err)}
	case failed:
		return answer{err: x.nodeFailed(result)}
	case len(result.Output) > x.engine.config.Limits.NodeOutput:
		return answer{err: &NodeError{Code: CodeOutputTooLarge, Message: "the node's output is too large"}}
	case t.Routes() != (result.Kind == abi.Routed), t.Routes() && !t.hasHandle(result.Label, config):
		return answer{err: &NodeError{Code: CodeUnknownHandle, Message: "the node chose a way that it does not have"}}
	}
	return answer{output: result.Output, handle: result.Label}
}

// timeout is the time of one attempt: the smallest of all that apply.
func (x *execution) timeout(node int) time.Duration {
	limit := x.engine.config.Limits.NodeTimeout
	for _, d := range []time.Duration{x.program.types[node].module.Limits().Timeout, x.program.Plan.Nodes[node].Timeout} {
		if d > 0 {
			limit = min(limit, d)
		}
	}
	return limit
}

// callFailed makes the error of a call that gave no answer.
func callFailed(ctx context.Context, err error) *NodeError {
	if ctx.Err() != nil { // also when the sandbox saw its end as something else
		return &NodeError{Code: CodeTimeout, Message: "the node took too long", Detail: err}
	}
	var failure *sandbox.Error
	if errors.As(err, &failure) {
		return &NodeError{Code: failure.Code, Message: failure.Message, Detail: failure.Detail}
	}
	return &NodeError{Code: CodeInternal, Message: "the node could not be called", Detail: err}
}

// nodeFailed makes the error that the node itself gave.
func (x *execution) nodeFailed(r sandbox.Result) *NodeError {
	message := x.secrets.message(string(r.Output))
	if message == "" {
		message = "the node failed"
	}
	return &NodeError{Code: x.secrets.code(r.Label), Message: message, final: r.Kind == abi.Fatal}
}

// cancelled is the error of a node that was cut off.
func (x *execution) cancelled() *NodeError {
	return &NodeError{Code: CodeCancelled, Message: "the execution ended while the node ran", Detail: context.Cause(x.ctx), final: true}
}

// panicked makes the error of a fault in the host.
func (x *execution) panicked(node int, p any) *NodeError {
	x.engine.config.Logger.Error("panic while a node ran", append(x.logFields(node),
		zap.String("panic", x.secrets.mask(fmt.Sprint(p))), zap.ByteString("stack", debug.Stack()))...)
	return fixed(CodeInternal, "the node could not be run")
}

// buffers hold resolved configs between calls.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxBuffer is the largest buffer that is kept: big configs are rare, and each would stay as big.
const maxBuffer = 64 << 10

func putBuffer(b *[]byte) {
	if cap(*b) <= maxBuffer {
		buffers.Put(b)
	}
}
