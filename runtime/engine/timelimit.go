package engine

import (
	"context"
	"fmt"
	"time"
)

// timeLimit is a time and what sets it: of several that apply, a failure says which one would have
// to be longer.
type timeLimit struct {
	time.Duration
	of string
}

// atMost makes the limit that of something else, if that is smaller. 0 is no limit.
func (l *timeLimit) atMost(d time.Duration, of string) {
	if d > 0 && d < l.Duration {
		*l = timeLimit{d, of}
	}
}

func (l timeLimit) passed() string { return fmt.Sprintf("%s of %s has passed", l.of, l.Duration) }

// lateError is why an execution ends whose time is over.
type lateError struct{ limit timeLimit }

func (e lateError) Error() string { return e.limit.passed() }

// Unwrap makes it a context.DeadlineExceeded, as for every cause of TimedOut.
func (lateError) Unwrap() error { return context.DeadlineExceeded }
