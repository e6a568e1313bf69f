package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const lifetimeLimit = time.Minute

// newTestLifetime returns a lifetime whose limit begins now.
func newTestLifetime(parent context.Context) *lifetime {
	l := &lifetime{parent: parent, clock: time.Now}
	l.setLimit(TimeLimit{lifetimeLimit, "the limit"}, time.Now())
	return l
}

// TestLifetimeEnds ends lifetimes in each way, before and after somebody waits for them.
func TestLifetimeEnds(t *testing.T) {
	want := errors.New("the cause")
	for name, c := range map[string]struct {
		end   func(l *lifetime, parent context.CancelCauseFunc)
		cause error
	}{
		"by its parent": {func(_ *lifetime, parent context.CancelCauseFunc) { parent(want) }, want},
		"by end":        {func(l *lifetime, _ context.CancelCauseFunc) { l.end(want) }, want},
		"by itself":     {func(l *lifetime, _ context.CancelCauseFunc) { l.finish() }, context.Canceled},
		"by its limit":  {func(*lifetime, context.CancelCauseFunc) { time.Sleep(lifetimeLimit) }, context.DeadlineExceeded},
	} {
		for _, waits := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				l := newTestLifetime(parent)
				var child context.Context = l
				if waits {
					derived, stop := context.WithCancel(l)
					defer stop()
					child = derived
				}
				if l.over(time.Now()) || l.Err() != nil || child.Err() != nil || l.ended() != nil {
					t.Fatalf("%s: it has ended at once", name)
				}
				c.end(l, cancel)
				if waits {
					<-child.Done()
				}
				if !l.over(time.Now()) || !errors.Is(l.Err(), context.Canceled) {
					t.Errorf("%s, waits %v: it has not ended: %v", name, waits, l.Err())
				}
				for _, got := range []error{l.ended(), context.Cause(l), context.Cause(child)} {
					if !errors.Is(got, c.cause) {
						t.Errorf("%s, waits %v: the cause is %v, want %v", name, waits, got, c.cause)
					}
				}
				l.end(errors.New("too late"))
				if !errors.Is(l.ended(), c.cause) {
					t.Errorf("%s, waits %v: the cause has changed to %v", name, waits, l.ended())
				}
				if <-l.Done(); child.Err() == nil {
					t.Errorf("%s, waits %v: what waits has not ended", name, waits)
				}
			})
		}
	}
}

// TestLifetimeHidesDeadlines checks that no deadline shows to those who wait.
func TestLifetimeHidesDeadlines(t *testing.T) {
	parent, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	child, stop := context.WithCancel(newTestLifetime(parent))
	defer stop()
	if at, ok := child.Deadline(); ok {
		t.Errorf("the deadline %v shows", at)
	}
}

// TestLifetimeIsFreeUntilSomebodyWaits counts allocations: there is no timer, no channel, and
// nothing in the parent.
func TestLifetimeIsFreeUntilSomebodyWaits(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	defer cancel()
	var l lifetime
	if n := testing.AllocsPerRun(100, func() {
		l = lifetime{parent: parent, clock: time.Now}
		l.setLimit(TimeLimit{lifetimeLimit, "the limit"}, time.Now())
		if l.over(time.Now()) {
			t.Error("it is over at once")
		}
		l.finish()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
