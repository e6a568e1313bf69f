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

// maxPrepared is how much prepare may answer, in bytes.
const maxPrepared = 64 << 10

// Prepared is a module made ready for one node: its calls begin where abi.ExportPrepare has ended
// with what is fixed in that node's config. It holds no more than these bytes; images are the
// module's, which makes them when they are needed and lets them go when they are not, see
// Options.PreparedSnapshots. So there is nothing to close. Safe for concurrent use.
type Prepared struct {
	module       *Module
	fixed        []byte
	key          [sha256.Size]byte
	share        *Share                           // that its calls count as
	size         atomic.Int64                     // see Size
	lastSnapshot atomic.Pointer[preparedSnapshot] // where the image was found before
}

// CanPrepare tells whether the module can be prepared.
func (m *Module) CanPrepare() bool { return m.prepared != nil }

// NewPrepared returns the module prepared with fixed, a JSON object, for calls. It does nothing yet;
// fixed is kept.
func (m *Module) NewPrepared(fixed []byte) *Prepared {
	return &Prepared{module: m, fixed: fixed, key: sha256.Sum256(fixed), share: m.budget.own}
}

// For makes the calls those of a workflow, by its id, see Module.For. It is called before there are
// any, and returns p.
func (p *Prepared) For(workflow string) *Prepared {
	p.share = p.module.budget.Share(workflow)
	return p
}

// Prepare prepares the module and returns its answer, of kind Output, Error or Fatal, which nobody
// changes, and the fuel that this takes, also when it was done before. It may burn so much fuel; 0
// = as much as it likes. The image is kept for calls, as long as there is room. It goes on as long
// as somebody waits for it. The error is an *Error.
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

// Size is what the image takes that Prepare or Known has seen, of the budget, in bytes.
func (p *Prepared) Size() int64 { return p.size.Load() }

// Retain notes that a node which serves has this image, and Drop that it does no longer: the image
// goes when there is no other such node. Without any it goes when it was not used for a while.
func (p *Prepared) Retain() { p.module.prepared.retain(p) }

// Release ends Keep, and is called once for each.
func (p *Prepared) Release() { p.module.prepared.release(p) }

// Cached returns what Prepare has returned, as long as the image is kept; ok is false when it would
// have to be made.
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

// Call is Module.Call in an instance that was prepared.
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

// preparedSnapshot is an image of one node and its instances.
type preparedSnapshot struct {
	result    Result
	fuel      uint64         // that prepare has burnt
	instances instanceSource // nil = the answer is an error
	calls     drain.Group    // the calls; closed when the image is let go
	bytes     int64          // of the image
	used      atomic.Int64   // when it was called last, by the clock of the host

	// Guarded by the lock of images.
	seen int64 // what used was at the last look of shrink
	idle int   // looks of shrink without a call
}

// prepare takes what is fixed. The session is one of a start; its Fuel is set.
func (in *instance) prepare(ctx context.Context, s *hostapi.Session, buffer uint32, fixed []byte, fuel uint64) (Result, *Error) {
	run := in.runFn
	in.runFn = in.function(abi.ExportPrepare)
	defer func() {
		in.discardStacks(in.runFn.stack.size())
		in.runFn = run
	}()
	packed, failure := in.run(ctx, s, buffer, fixed, fuel)
	if failure != nil {
		return Result{}, failure
	}
	return in.decodeResult(packed, nil, nil, maxPrepared)
}

// freshPrepared is fresh with instances that are prepared anew for each call.
type freshPrepared struct {
	freshInstances
	fixed []byte
}

func (p freshPrepared) acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error) {
	in, failure := p.freshInstances.acquire(ctx, s, share)
	if failure != nil {
		return nil, failure
	}
	begin := p.startSession()
	begin.Deadline = s.Deadline
	r, failure := in.prepare(ctx, begin, 0, p.fixed, 0)
	if failure == nil && r.Kind != abi.Output {
		failure = &Error{Code: CodeBadAnswer, Message: fmt.Sprintf("the node could not be prepared: %s", r.Output)}
	}
	if failure != nil {
		in.close()
		return nil, failure
	}
	return in, nil
}
