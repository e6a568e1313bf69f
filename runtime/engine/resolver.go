package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
)

// resolver resolves templates of an execution into a reused buffer, within the timeout of a node.
// It belongs to one goroutine.
type resolver struct {
	x        *Execution
	ctx      context.Context
	limit    TimeLimit
	deadline time.Time // of limit
	buf      []byte
}

var resolvers = sync.Pool{New: func() any { return new(resolver) }}

// resolver returns a resolver whose timeout begins at now. Resolving also ends with ctx.
func (x *Execution) resolver(ctx context.Context, limit TimeLimit, now time.Time) *resolver {
	r := resolvers.Get().(*resolver)
	r.x, r.ctx, r.limit, r.deadline = x, ctx, limit, now.Add(limit.Duration)
	return r
}

// maxBuffer is the largest buffer that is reused. Large configs are rare, and their buffers would
// stay large.
const maxBuffer = 64 << 10

// release ends the use of values that resolve returned.
func (r *resolver) release() {
	if cap(r.buf) <= maxBuffer {
		*r = resolver{buf: r.buf[:0]}
		resolvers.Put(r)
	}
}

// errLate is the error of resolving after the deadline.
var errLate = errors.New("resolving templates took too long")

// Work implements flow.Meter. It returns an error once the deadline has passed or the context has
// ended.
func (r *resolver) Work(int) error {
	now := r.x.engine.config.Clock()
	switch {
	case r.ctx.Err() != nil || r.x.life.over(now):
		return context.Canceled
	case !now.Before(r.deadline):
		return errLate
	}
	return nil
}

// maxUnlocked is the largest value that is resolved while others are. Larger values of an execution
// are resolved one after the other, so that together they do not exceed the execution's memory by
// much.
const maxUnlocked = 64 << 10

// resolve resolves a template within a limit and the execution's memory. The value is counted in
// that memory, and the caller releases it.
func (r *resolver) resolve(t *flow.Template, scope *flow.Scope, limit int) ([]byte, *NodeError) {
	scope.Meter = r
	err := r.append(t, scope, min(limit, maxUnlocked))
	if err == nil {
		return r.buf, nil
	}
	if errors.Is(err, flow.ErrTooLarge) && limit > maxUnlocked {
		r.x.large.Lock()
		defer r.x.large.Unlock()
		err = r.append(t, scope, limit)
	}
	switch {
	case err == nil:
		return r.buf, nil
	case errors.Is(err, errNoMemory):
		return nil, finalError(CodeExecutionMemory, "the execution holds too much data")
	case errors.Is(err, flow.ErrTooLarge):
		return nil, finalError(CodeInputTooLarge, "the node's resolved config is too large")
	case errors.Is(err, errLate):
		return nil, &NodeError{Code: CodeTimeout, Message: "the node took too long: " + r.limit.String(), Detail: err, final: true}
	default:
		return nil, r.x.cancelled()
	}
}

// errNoMemory means that the execution's memory has no room for a value.
var errNoMemory = errors.New("no memory left")

// append resolves a template into the buffer and counts its size.
func (r *resolver) append(t *flow.Template, scope *flow.Scope, limit int) error {
	free := r.x.memory.free()
	value, err := t.Append(r.buf[:0], scope, min(limit, free))
	if len(scope.Secrets) > 0 {
		r.x.secrets.Add(scope.Secrets)
		scope.Secrets = scope.Secrets[:0] // each is added once
	}
	r.buf = value
	switch {
	case err == nil && !r.x.memory.reserve(len(value)), errors.Is(err, flow.ErrTooLarge) && free < limit:
		return errNoMemory
	default:
		return err
	}
}
