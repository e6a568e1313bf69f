package sandbox

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// fuelSlice is how much fuel a guest burns until the host looks at it, about as many instructions: some
// 50 µs.
const fuelSlice = 100_000

// yieldAfter is for how long a guest runs until other goroutines have theirs, if there are any that could
// run. The scheduler by itself lets a guest run for 10 ms, and an execution waits for several such
// turns one after the other. Calls that take less are not interrupted.
const yieldAfter = time.Millisecond

// A guest that has overdrawn its fuel is about to do what costs as much: at most to write
// bytesPerFuel bytes for each unit. From longWrite bytes on they are counted before: the scheduler
// may let others run as soon as such an instruction has ended.
const (
	bytesPerFuel = 16
	longWrite    = 64 << 10
)

// Why the host stops a guest that yields.
var (
	errFuel          = errors.New("the fuel is used up")
	errTimeout       = errors.New("the time limit has passed")
	errCancelled     = errors.New("the caller has gone")
	errStackOverflow = errors.New("stack overflow")
)

// meter watches over a guest while it runs, on the goroutine that runs it: package instrument has
// made every loop and every function that calls others count down a global, and ask for memory that
// no guest can have when it is below zero. That is the moment when the garbage collector and other
// goroutines have their turn, and when the guest is stopped by a panic that wazero returns as the
// call's error. Nobody else has to watch a call, so that a call needs no timer and no goroutine.
type meter struct {
	fuel api.MutableGlobal // the guest's counter of fuel, an i32
	// and that of frames on its stack, which is looked at when it is below zero
	frames   api.MutableGlobal
	instance *instance       // whose memory is looked at when its turn is over
	stack    *guestStack     // of the function that was called
	granted  int64           // what of this call's fuel the guest was given so far
	budget   int64           // what it may burn; 0 = as much as it likes
	deadline time.Time       // zero = none
	resumed  time.Time       // when its turn began; zero = it has not yielded so far
	ctx      context.Context // the caller's
}

// begin readies the meter for a call.
func (m *meter) begin(ctx context.Context, deadline time.Time, budget int64) {
	m.ctx, m.deadline, m.budget, m.granted, m.resumed = ctx, deadline, budget, 0, time.Time{}
	m.frames.Set(framesRefill)
	m.refill()
}

// refill gives the guest what it has overdrawn and its next slice. The last one ends where the budget
// ends, so that the same call is stopped at the same instruction each time.
func (m *meter) refill() {
	next := int64(fuelSlice)
	if m.budget > 0 {
		next = min(next, m.budget-m.used())
	}
	m.granted = m.used() + next
	m.fuel.Set(uint64(uint32(next)))
}

// used is the fuel that the call has burnt.
func (m *meter) used() int64 {
	if m.granted == 0 {
		return 0
	}
	return m.granted - int64(int32(m.fuel.Get()))
}

// spent tells whether the call has burnt more than it may.
func (m *meter) spent() bool { return m.budget > 0 && m.used() > m.budget }

// end lets go of the call and returns the fuel that it has burnt.
func (m *meter) end() uint64 {
	m.ctx = nil
	return uint64(m.used())
}

// Burn implements hostapi.Meter.
func (m *meter) Burn(units int32) {
	left := int32(m.fuel.Get()) - units // of which neither is near the end of what an int32 holds
	m.fuel.Set(uint64(uint32(left)))
	if left < 0 {
		m.yield()
	}
}

// Wait implements hostapi.Meter: what the guest holds while others run is counted.
func (m *meter) Wait() { m.instance.checkFootprint(0) }

// yields tells whether the guest asks for memory because a counter is used up.
func (m *meter) yields() bool {
	return m.fuel != nil && (int32(m.fuel.Get()) < 0 || int32(m.frames.Get()) < 0)
}

// yield is the host's turn. It returns when the guest may go on.
func (m *meter) yield() {
	now := time.Now()
	switch {
	case m.spent():
		panic(errFuel)
	case m.stack.used() > maxGuestStack:
		panic(errStackOverflow)
	case m.ctx.Err() != nil:
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
