package sandbox

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// fuelSlice is how much fuel a guest burns between two yields: about as many instructions, some
// 50 µs.
const fuelSlice = 100_000

// yieldAfter is how long a guest runs before it yields to other goroutines. The scheduler alone
// would let a guest run for 10 ms, and an execution waits for several such turns one after the
// other. Shorter calls are not interrupted.
const yieldAfter = time.Millisecond

// A guest that has overdrawn its fuel is about to run the instruction that cost it: at most to
// write bytesPerFuel bytes for each unit. Writes of longWrite bytes and more are counted
// beforehand, since the scheduler may let others run as soon as such an instruction has ended.
const (
	bytesPerFuel = 16
	longWrite    = 64 << 10
)

// Reasons to stop a guest that yields.
var (
	errFuel          = errors.New("the fuel is used up")
	errTimeout       = errors.New("the time limit has passed")
	errCancelled     = errors.New("the caller has gone")
	errStackOverflow = errors.New("stack overflow")
)

// meter supervises a guest while it runs, on the goroutine that runs it. Package instrument makes
// every loop, and every function that calls others, count down a global. When the global is below
// zero, the guest asks for memory that no guest can have. At that moment the garbage collector and
// other goroutines get their turn, and the guest may be stopped by a panic, which wazero returns as
// the call's error. So a call needs no timer and no goroutine to supervise it.
type meter struct {
	fuel api.MutableGlobal // the guest's fuel counter, an i32
	// its counter of stack frame values; below zero, the stack is checked
	frames   api.MutableGlobal
	instance *instance       // the instance whose memory is checked
	stack    *guestStack     // of the function that was called
	granted  int64           // fuel that the guest has got in this call so far
	budget   int64           // fuel that it may burn; 0 = unlimited
	deadline time.Time       // zero = none
	resumed  time.Time       // when the guest last continued; zero = it has not yielded yet
	ctx      context.Context // the caller's
}

// begin prepares the meter for a call.
func (m *meter) begin(ctx context.Context, deadline time.Time, budget int64) {
	m.ctx, m.deadline, m.budget, m.granted, m.resumed = ctx, deadline, budget, 0, time.Time{}
	m.frames.Set(framesRefill)
	m.refill()
}

// refill pays what the guest has overdrawn and grants its next slice. The last slice
// ends where the budget ends, so that the same call always stops at the same instruction.
func (m *meter) refill() {
	next := int64(fuelSlice)
	if m.budget > 0 {
		next = min(next, m.budget-m.used())
	}
	m.granted = m.used() + next
	m.fuel.Set(uint64(uint32(next)))
}

// used returns the fuel that the call has burnt.
func (m *meter) used() int64 {
	if m.granted == 0 {
		return 0
	}
	return m.granted - int64(int32(m.fuel.Get()))
}

// spent reports whether the call has burnt more than its budget.
func (m *meter) spent() bool { return m.budget > 0 && m.used() > m.budget }

// end ends the call and returns the fuel that it has burnt.
func (m *meter) end() uint64 {
	m.ctx = nil
	return uint64(m.used())
}

// Burn implements hostapi.Meter.
func (m *meter) Burn(units int32) {
	left := int32(m.fuel.Get()) - units // cannot overflow: both are far from an int32's limits
	m.fuel.Set(uint64(uint32(left)))
	if left < 0 {
		m.yield()
	}
}

// Wait implements hostapi.Meter. It counts the memory that the guest holds while others run.
func (m *meter) Wait() { m.instance.checkFootprint(0) }

// yields reports whether the guest asks for memory because a counter is used up.
func (m *meter) yields() bool {
	return m.fuel != nil && (int32(m.fuel.Get()) < 0 || int32(m.frames.Get()) < 0)
}

// isDone reports whether a context has ended. Contexts may have a limit of time that they notice
// only while somebody waits for it, so this does not just ask for Err.
func isDone(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// yield runs the host's checks. It returns if the guest may continue and panics otherwise.
func (m *meter) yield() {
	now := time.Now()
	switch {
	case m.spent():
		panic(errFuel)
	case m.stack.used() > maxGuestStack:
		panic(errStackOverflow)
	case isDone(m.ctx):
		panic(errCancelled)
	case !m.deadline.IsZero() && !now.Before(m.deadline):
		panic(errTimeout)
	}
	if ahead := -int64(int32(m.fuel.Get())) * bytesPerFuel; ahead > longWrite {
		m.instance.checkFootprint(ahead)
	}
	switch {
	case m.resumed.IsZero():
		m.resumed = now
	case now.Sub(m.resumed) >= yieldAfter:
		m.instance.checkFootprint(0)
		runtime.Gosched()
		m.resumed = time.Now()
	}
	m.frames.Set(framesRefill)
	m.refill()
}
