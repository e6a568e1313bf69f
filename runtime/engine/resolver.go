package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
)

// resolver resolves a template of an execution into memory that is used again, within the time of a
// node. It belongs to one goroutine.
type resolver struct {
	x        *Execution
	ctx      context.Context
	limit    TimeLimit
	deadline time.Time // of limit
	buf      []byte
}

var resolvers = sync.Pool{New: func() any { return new(resolver) }}

// resolver makes a resolver whose time begins at now. Resolving ends with ctx, too.
func (x *Execution) resolver(ctx context.Context, limit TimeLimit, now time.Time) *resolver {
	r := resolvers.Get().(*resolver)
	r.x, r.ctx, r.limit, r.deadline = x, ctx, limit, now.Add(limit.Duration)
	return r
}

// maxBuffer is the largest buffer that is kept: big configs are rare, and each would stay as big.
const maxBuffer = 64 << 10

// release ends the use of what resolve gave.
func (r *resolver) release() {
	if cap(r.buf) <= maxBuffer {
		*r = resolver{buf: r.buf[:0]}
		resolvers.Put(r)
	}
}

// errLate ends resolving when its time is over.
var errLate = errors.New("resolving templates took too long")

// Work implements flow.Meter: it looks at the clock, and whether there is still something to
// resolve for.
func (r *resolver) Work(int) error {
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case !r.x.engine.config.Clock().Before(r.deadline):
		return errLate
	}
	return nil
}

// maxUnlocked is how long a value may be that is resolved without regard to others: longer ones of
// an execution are resolved one after the other, so that all that are being made do not take much
// more than the execution's memory.
const maxUnlocked = 64 << 10

// resolve resolves a template within a limit and the execution's memory. What it gives is counted
// there; the caller gives that back.
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

// errNoMemory means that the execution has no memory for a value.
var errNoMemory = errors.New("no memory left")

// append resolves a template into the buffer and counts what that takes.
func (r *resolver) append(t *flow.Template, scope *flow.Scope, limit int) error {
	free := r.x.memory.free()
	value, err := t.Append(r.buf[:0], scope, min(limit, free))
	if len(scope.Secrets) > 0 {
		r.x.secrets.Add(scope.Secrets)
		scope.Secrets = scope.Secrets[:0] // each comes once
	}
	r.buf = value
	switch {
	case err == nil && !r.x.memory.reserve(len(value)), errors.Is(err, flow.ErrTooLarge) && free < limit:
		return errNoMemory
	default:
		return err
	}
}
