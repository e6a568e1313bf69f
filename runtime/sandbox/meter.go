package sandbox

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// slice is how much fuel a guest burns until the host looks at it, about as many instructions: some
// 50 µs.
const slice = 100_000

// turn is for how long a guest runs until other goroutines have theirs, if there are any that could
// run. The scheduler by itself lets a guest run for 10 ms, and an execution waits for several such
// turns one after the other. Calls that take less are not interrupted.
const turn = time.Millisecond

// A guest that has overdrawn its fuel is about to do what costs as much: at most to write
// bytesPerFuel bytes for each unit. From longWrite bytes on they are counted before: the scheduler
// may let others run as soon as such an instruction has ended.
const (
	bytesPerFuel = 16
	longWrite    = 64 << 10
)

// Why the host stops a guest that yields.
var (
	errFuel      = errors.New("the fuel is used up")
	errLate      = errors.New("the time limit has passed")
	errCancelled = errors.New("the caller has gone")
	errDeep      = errors.New("stack overflow")
)

// meter watches over a guest while it runs, on the goroutine that runs it: package instrument has
// made every loop and every function that calls others count down a global, and ask for memory that
// no guest can have when it is below zero. That is the moment when the garbage collector and other
// goroutines have their turn, and when the guest is stopped by a panic that wazero returns as the
// call's error. Nobody else has to watch a call, so that a call needs no timer and no goroutine.
type meter struct {
	left api.MutableGlobal // the guest's counter of fuel, an i32
	// and that of frames on its stack, which is looked at when it is below zero
	frames   api.MutableGlobal
	in       *instance       // whose memory is looked at when its turn is over
	stack    *stack          // of the function that was called
	dealt    int64           // what of this call's fuel the guest was given so far
	budget   int64           // what it may burn; 0 = as much as it likes
	deadline time.Time       // zero = none
	began    time.Time       // when its turn began; zero = it has not yielded so far
	ctx      context.Context // the caller's
}

// begin readies the meter for a call.
func (m *meter) begin(ctx context.Context, deadline time.Time, budget int64) {
	m.ctx, m.deadline, m.budget, m.dealt, m.began = ctx, deadline, budget, 0, time.Time{}
	m.frames.Set(frames)
	m.deal()
}

// deal gives the guest what it has overdrawn and its next slice. The last one ends where the budget
// ends, so that the same call is stopped at the same instruction each time.
func (m *meter) deal() {
	next := int64(slice)
	if m.budget > 0 {
		next = min(next, m.budget-m.used())
	}
	m.dealt = m.used() + next
	m.left.Set(uint64(uint32(next)))
}

// used is the fuel that the call has burnt.
func (m *meter) used() int64 {
	if m.dealt == 0 {
		return 0
	}
	return m.dealt - int64(int32(m.left.Get()))
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
	left := int32(m.left.Get()) - units // of which neither is near the end of what an int32 holds
	m.left.Set(uint64(uint32(left)))
	if left < 0 {
		m.yield()
	}
}

// Wait implements hostapi.Meter: what the guest holds while others run is counted.
func (m *meter) Wait() { m.in.look(0) }

// yields tells whether the guest asks for memory because a counter is used up.
func (m *meter) yields() bool {
	return m.left != nil && (int32(m.left.Get()) < 0 || int32(m.frames.Get()) < 0)
}

// yield is the host's turn. It returns when the guest may go on.
func (m *meter) yield() {
	now := time.Now()
	switch {
	case m.spent():
		panic(errFuel)
	case m.stack.used() > maxStack:
		panic(errDeep)
	case m.ctx.Err() != nil:
		panic(errCancelled)
	case !m.deadline.IsZero() && !now.Before(m.deadline):
		panic(errLate)
	}
	if ahead := -int64(int32(m.left.Get())) * bytesPerFuel; ahead > longWrite {
		m.in.look(ahead)
	}
	switch {
	case m.began.IsZero():
		m.began = now
	case now.Sub(m.began) >= turn:
		m.in.look(0)
		runtime.Gosched()
		m.began = time.Now()
	}
	m.frames.Set(frames)
	m.deal()
}
