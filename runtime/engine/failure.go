package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

// failed returns the result of a failed node, completed if the workflow handles the failure.
func (x *Execution) failed(n int, err *NodeError) NodeResult {
	node := &x.program.Plan.Nodes[n]
	r := NodeResult{State: NodeFailed, Err: err}
	level := zap.WarnLevel
	if x.life.Err() == nil && (node.ErrorEdge || node.Continue) {
		level = zap.DebugLevel
		r.State, r.Output = Completed, failureOutput(err)
		x.memory.used.Add(int64(len(r.Output))) // too small to be rejected
		if node.ErrorEdge {
			r.Handle = flow.HandleError
		}
	}
	if entry := x.engine.config.Logger.Check(level, "node failed"); entry != nil {
		entry.Write(x.failureFields(n, err)...)
	}
	return r
}

// failureFields returns the log fields of a failure.
func (x *Execution) failureFields(n int, err *NodeError) []zap.Field {
	fields := append(x.logFields(n), zap.String("code", err.Code), zap.String("message", err.Message))
	if err.Detail != nil {
		fields = append(fields, zap.String("detail", x.secrets.Mask(err.Detail.Error())))
	}
	return fields
}

// failureOutput returns the output of a node whose failure was handled.
func failureOutput(err *NodeError) []byte {
	out := append([]byte(nil), `{"error":{"code":`...)
	out = rawjson.AppendQuoted(out, []byte(err.Code))
	out = append(out, `,"message":`...)
	out = rawjson.AppendQuoted(out, []byte(err.Message))
	return append(out, `}}`...)
}

// logAttempt logs a failed attempt that is retried.
func (x *Execution) logAttempt(c trace.CallID, err *NodeError) {
	if entry := x.engine.config.Logger.Check(zap.DebugLevel, "node is tried again"); entry != nil {
		entry.Write(append(x.failureFields(c.Node, err), zap.Int("attempt", c.Attempt), zap.Int("item", c.Item))...)
	}
}

// CallFailure returns why a call of a node failed, or nil if it succeeded. The call returned r and
// err, and limit ends at deadline. Secrets in the node's own messages are masked.
func CallFailure(
	ctx context.Context, limit TimeLimit, deadline time.Time, r sandbox.Result, err error, secrets *secret.Texts,
) *NodeError {
	switch {
	case err != nil:
		return hostError(ctx, limit, deadline, err)
	case r.Kind == abi.Error || r.Kind == abi.Fatal:
		return nodeError(r, secrets)
	default:
		return nil
	}
}

// hostError returns the error of a call without a result.
func hostError(ctx context.Context, limit TimeLimit, deadline time.Time, err error) *NodeError {
	// even if the sandbox reports another reason
	if ctx.Err() != nil || !time.Now().Before(deadline) {
		return &NodeError{Code: CodeTimeout, Message: "the node took too long: " + limit.String(), Detail: err}
	}
	if failure, ok := errors.AsType[*sandbox.Error](err); ok {
		return &NodeError{Code: failure.Code, Message: failure.Message, Detail: failure.Detail}
	}
	return &NodeError{Code: CodeInternal, Message: "the node could not be called", Detail: err}
}

// nodeError returns the node's own error, with secrets masked.
func nodeError(r sandbox.Result, secrets *secret.Texts) *NodeError {
	return &NodeError{
		Code:    cmp.Or(secrets.Code(r.Label), CodeNodeFailed),
		Message: cmp.Or(secrets.Message(string(r.Output)), "the node failed"),
		final:   r.Kind == abi.Fatal,
	}
}

// cancelled returns the error of a node that was interrupted.
func (x *Execution) cancelled() *NodeError {
	err := finalError(CodeCancelled, "the execution ended while the node ran")
	err.Detail = x.life.ended()
	return err
}

// panicked logs a panic of the host and returns the error of the node.
func (x *Execution) panicked(node int, p any) *NodeError {
	x.engine.config.Logger.Error("panic while a node ran", append(x.logFields(node),
		zap.String("panic", x.secrets.Mask(fmt.Sprint(p))), zap.ByteString("stack", debug.Stack()))...)
	return finalError(CodeInternal, "the node could not be run")
}
