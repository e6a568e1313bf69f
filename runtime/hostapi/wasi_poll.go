package hostapi

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Layout of WASI's subscription and event records, in bytes.
const (
	subscriptionSize = 48
	eventSize        = 32

	subClock = 0 // tag at byte 8: a clock, with the timeout at 24 and flags at 40
	absTime  = 1 // flag: the timeout is a point in time, not a duration
)

// maxSubscriptions bounds one poll_oneoff.
const maxSubscriptions = 64

// maxSlept is how far a guest can advance its clock. Nanoseconds since 1970 fit an int64 until
// 2262.
const maxSlept = 100 * 365 * 24 * time.Hour

// wasiPoll sleeps until the first subscription is due, at most until the call's deadline. Guests
// use it to sleep. Streams are always ready. Without the capability clock, sleeping takes no time
// but advances the guest's clock: with a clock that stands still, a guest could wait forever.
func wasiPoll(ctx context.Context, m api.Module, stack []uint64) {
	n := uint32(stack[2])
	if n == 0 || n > maxSubscriptions {
		stack[0] = errnoInval
		return
	}
	s := session(ctx)
	subs, ok := s.Memory.Read(m, uint32(stack[0]), n*subscriptionSize)
	if !ok {
		stack[0] = errnoFault
		return
	}
	s.charge(costSubscription * int(n))
	first, wait := s.firstDue(subs)
	// One event is enough: a guest polls again for the others. Its userdata identifies it.
	var event [eventSize]byte
	copy(event[:8], first[:8])
	event[10] = first[8]
	switch {
	case s.Grants.Clock:
		s.sleep(wait)
	default:
		s.clockOffset = min(s.clockOffset+min(wait, maxSlept), maxSlept)
	}
	if !s.Memory.Write(m, uint32(stack[1]), event[:]) {
		stack[0] = errnoFault
		return
	}
	stack[0] = s.store32(m, stack[3], 1)
}

// firstDue returns the subscription that is due first, and the time until then.
func (s *Session) firstDue(subs []byte) (first []byte, wait time.Duration) {
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		var d time.Duration
		if subs[8] == subClock {
			// A duration holds 292 years; a longer timeout never ends in practice.
			d = time.Duration(min(binary.LittleEndian.Uint64(subs[24:]), 1<<63-1))
			if binary.LittleEndian.Uint16(subs[40:])&absTime != 0 {
				d = max(d-time.Duration(s.now().UnixNano()), 0)
			}
		}
		if first == nil || d < wait {
			first, wait = subs[:subscriptionSize], d
		}
	}
	return first, wait
}

// sleep waits for d. It panics when the call's time limit passes or its caller cancels first.
func (s *Session) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := s.waitContext()
	defer cancel()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		panic(TimeoutError{})
	}
}
