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
	absTime  = 1 // flag: the timeout is a time, not a duration
)

// maxSubscriptions bounds one poll_oneoff.
const maxSubscriptions = 64

// maxSlept is how far a guest can move its clock on: nanoseconds since 1970 fit an int64 until
// 2262.
const maxSlept = 100 * 365 * 24 * time.Hour

// wasiPoll sleeps until the first subscription is due, at most until the call's end: it is how
// guests sleep. Streams are always ready. Without the capability clock sleeping takes no time but
// moves the guest's clock on: a guest that waits for a clock that stands still would wait for ever.
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
	s.handle(costSubscription * int(n))
	first, wait := s.firstDue(subs)
	// One event is enough: a guest polls again for the others. The userdata says which one it is.
	var event [eventSize]byte
	copy(event[:8], first[:8])
	event[10] = first[8]
	switch {
	case s.Grants.Clock:
		s.sleep(wait)
	default:
		s.slept = min(s.slept+min(wait, maxSlept), maxSlept)
	}
	if !s.Memory.Write(m, uint32(stack[1]), event[:]) {
		stack[0] = errnoFault
		return
	}
	stack[0] = s.store32(m, stack[3], 1)
}

// firstDue finds the subscription that is due first, and how long that takes.
func (s *Session) firstDue(subs []byte) (first []byte, wait time.Duration) {
	for ; len(subs) > 0; subs = subs[subscriptionSize:] {
		var d time.Duration
		if subs[8] == subClock {
			// A duration holds 292 years; longer is as good as for ever.
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

// sleep waits for d. When the call's time is over or its caller has gone first, the guest does not
// go on.
func (s *Session) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := s.limited()
	defer cancel()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		panic(TimeoutError{})
	}
}
