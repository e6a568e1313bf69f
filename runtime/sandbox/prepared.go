package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/drain"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// maxPrepared is the maximum size of prepare's result, in bytes.
const maxPrepared = 64 << 10

// Prepared is a handle to a module prepared for one node: its calls begin in the state in which
// abi.ExportPrepare has left the module, given the fixed part of that node's config. The handle
// holds only these bytes. The snapshots belong to the module, which makes and evicts them as
// needed; see [Options.PreparedSnapshots]. So there is nothing to close. It is safe for concurrent
// use.
type Prepared struct {
	module       *Module
	fixed        []byte
	key          preparedKey
	share        *Share                           // that its calls count against
	size         atomic.Int64                     // see Size
	lastSnapshot atomic.Pointer[preparedSnapshot] // where Call last found the snapshot
}

// preparedKey identifies a snapshot of a module: by the node type, and by the fixed part of a
// config.
type preparedKey struct {
	index uint32
	fixed [sha256.Size]byte
}

// CanPrepare reports whether the module can be prepared. In a family it can if its manifest has
// fixed keys, since its export serves other types as well.
func (m *Module) CanPrepare() bool {
	return m.prepared != nil && (!m.family || len(m.offers[m.index].asks.Fixed) > 0)
}

// NewPrepared returns a handle to the module prepared with fixed, a JSON object. It does nothing
// yet. The handle retains fixed.
func (m *Module) NewPrepared(fixed []byte) *Prepared {
	return &Prepared{module: m, fixed: fixed, key: preparedKey{m.index, sha256.Sum256(fixed)}, share: m.budget.own}
}

// For makes the calls count against the workflow with this id, as Module.For does. It must precede
// all calls, and returns p.
func (p *Prepared) For(workflow string) *Prepared {
	p.share = p.module.budget.Share(workflow)
	return p
}

// Prepare prepares the module. It returns the result, of kind Output, Error or Fatal, which nobody
// may change, and the fuel that preparing takes, even if it was done before. It may burn this much
// fuel; 0 = unlimited. The snapshot is cached for calls while there is room. Preparing continues as
// long as a caller waits for it. The error is an *Error.
func (p *Prepared) Prepare(ctx context.Context, fuel uint64) (r Result, burnt uint64, err error) {
	if !p.module.calls.Enter() {
		return Result{}, 0, &Error{Code: CodeInternal, Message: "the node is being unloaded", Detail: ErrClosed}
	}
	defer p.module.calls.Leave()
	v, failure := p.module.prepared.acquire(ctx, time.Time{}, p, fuel)
	if failure != nil {
		return Result{}, 0, failure
	}
	defer v.calls.Leave()
	p.size.Store(v.bytes)
	return v.result, v.fuel, nil
}

// Size returns the bytes of the budget that the snapshot took when Prepare or Cached last saw it.
func (p *Prepared) Size() int64 { return p.size.Load() }

// Retain records that a serving node uses this snapshot, and Release that it no longer does. With
// the last such node, the snapshot is closed. Without any, it is evicted after a while without use.
func (p *Prepared) Retain() { p.module.prepared.retain(p) }

// Release ends the effect of Retain. It is called once for each Retain.
func (p *Prepared) Release() { p.module.prepared.release(p) }

// Cached returns the results of Prepare if the snapshot is cached. Otherwise ok is false.
func (p *Prepared) Cached() (r Result, burnt uint64, ok bool) {
	if !p.module.calls.Enter() {
		return Result{}, 0, false
	}
	defer p.module.calls.Leave()
	v, ok := p.module.prepared.cached(p)
	if !ok {
		return Result{}, 0, false
	}
	p.size.Store(v.bytes)
	return v.result, v.fuel, true
}

// Call is Module.Call in a prepared instance.
func (p *Prepared) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error) {
	m := p.module
	if !m.calls.Enter() {
		return Result{}, &Error{Code: CodeInternal, Message: "the node is being unloaded", Detail: ErrClosed}
	}
	defer m.calls.Leave()
	v := p.lastSnapshot.Load()
	if v == nil || !v.calls.Enter() {
		var failure *Error
		if v, failure = m.prepared.acquire(ctx, m.deadline(ctx, s), p, 0); failure != nil {
			return Result{}, failure
		}
		p.lastSnapshot.Store(v)
	}
	defer v.calls.Leave()
	if now := m.prepared.host.useClock.Load(); v.used.Load() != now {
		v.used.Store(now)
	}
	if v.instances == nil {
		return Result{}, &Error{Code: CodeBadAnswer, Message: fmt.Sprintf("the node could not be prepared: %s", v.result.Output)}
	}
	r, failure := m.call(ctx, s, v.instances, p.share, in, dst)
	if failure != nil {
		return Result{}, failure
	}
	return r, nil
}

// preparedSnapshot is a snapshot prepared for one node, with its instances.
type preparedSnapshot struct {
	result    Result
	fuel      uint64         // that prepare has burnt
	instances instanceSource // nil = the result is an error
	calls     drain.Group    // closed when the snapshot is retired
	bytes     int64          // of the snapshot
	used      atomic.Int64   // when it was last called, by the host's useClock

	// Guarded by the lock of the cache.
	seen int64 // the value of used in the last eviction round
	idle int   // eviction rounds without a call
}

// prepare runs the module's prepare with the fixed part of a config. s is the session of a start;
// prepare sets its Fuel.
func (in *instance) prepare(ctx context.Context, s *hostapi.Session, p *Prepared, buffer uint32, fuel uint64) (Result, *Error) {
	run := in.runFn
	in.runFn = in.function(p.module.exportPrepare())
	defer func() {
		in.discardStacks(in.runFn.stack.size())
		in.runFn = run
	}()
	packed, failure := in.run(ctx, s, p.module, buffer, p.fixed, fuel)
	if failure != nil {
		return Result{}, failure
	}
	return in.decodeResult(packed, nil, nil, maxPrepared)
}

// freshPrepared is freshInstances with instances that are prepared again for each call.
type freshPrepared struct {
	freshInstances
	of *Prepared
}

func (p freshPrepared) acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error) {
	in, failure := p.freshInstances.acquire(ctx, s, share)
	if failure != nil {
		return nil, failure
	}
	begin := p.startSession()
	begin.Deadline = s.Deadline
	r, failure := in.prepare(ctx, begin, p.of, 0, 0)
	if failure == nil && r.Kind != abi.Output {
		failure = &Error{Code: CodeBadAnswer, Message: fmt.Sprintf("the node could not be prepared: %s", r.Output)}
	}
	if failure != nil {
		in.close()
		return nil, failure
	}
	return in, nil
}
