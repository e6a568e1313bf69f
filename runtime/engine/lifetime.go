package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lifetime is the context of an execution. It ends with its parent, when its time limit has passed,
// or when end is called.
//
// Most executions never wait. They only ask, between nodes, whether they may go on. So a channel, a
// timer and an entry in the parent, which all requests share, are made when somebody first waits,
// which is when Done is called. Until then the limit is noticed by over.
//
// It has no deadline: host functions end a little before a deadline that they see, to report the
// failure themselves. A node that failed so would hide that the whole execution is late.
type lifetime struct {
	parent   context.Context
	limit    TimeLimit
	deadline time.Time // of limit
	clock    func() time.Time

	cause atomic.Pointer[error] // why it has ended; nil = it has not
	mu    sync.Mutex            // held while waits is made
	waits atomic.Pointer[waitable]
}

// waitable is the part of a lifetime that somebody waits for.
type waitable struct {
	context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// errFinished is the cause of a lifetime whose execution has ended by itself.
var errFinished = context.Canceled

// setLimit sets the time limit, which began at the given time. It is called before anybody waits.
func (l *lifetime) setLimit(limit TimeLimit, began time.Time) {
	l.limit, l.deadline = limit, began.Add(limit.Duration)
}

// Deadline implements context.Context.
func (*lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (l *lifetime) Done() <-chan struct{} { return l.waitable().Done() }

// Value implements context.Context. Package context looks for the cause here.
func (l *lifetime) Value(key any) any { return l.waitable().Value(key) }

// Err implements context.Context. It does not look at the clock, see over.
func (l *lifetime) Err() error {
	if l.cause.Load() != nil {
		return context.Canceled
	}
	if l.parent.Err() != nil {
		l.end(context.Cause(l.parent))
		return context.Canceled
	}
	return nil
}

// over reports whether the lifetime has ended. It ends now if its limit has passed.
func (l *lifetime) over(now time.Time) bool {
	if l.Err() != nil {
		return true
	}
	if now.Before(l.deadline) {
		return false
	}
	l.end(l.limit.Exceeded())
	return true
}

// ended returns why the lifetime has ended; nil = it has not.
func (l *lifetime) ended() error {
	if l.Err() == nil {
		return nil
	}
	return *l.cause.Load()
}

// end ends the lifetime, unless it has ended already.
func (l *lifetime) end(cause error) { l.endWith(&cause) }

// finish ends the lifetime of an execution that has ended by itself.
func (l *lifetime) finish() { l.endWith(&errFinished) }

// endWith is end. Either it finds the waitable part, or the one who makes that finds the cause.
func (l *lifetime) endWith(cause *error) {
	if !l.cause.CompareAndSwap(nil, cause) {
		return
	}
	if w := l.waits.Load(); w != nil {
		w.end(*cause)
	}
}

func (w *waitable) end(cause error) {
	w.timer.Stop()
	w.cancel(cause)
}

// waitable returns the part that can be waited for, and makes it if necessary.
func (l *lifetime) waitable() *waitable {
	if w := l.waits.Load(); w != nil {
		return w
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.waits.Load(); w != nil {
		return w
	}
	w := new(waitable)
	w.Context, w.cancel = context.WithCancelCause(endless{l.parent})
	w.timer = time.AfterFunc(l.deadline.Sub(l.clock()), func() { l.end(l.limit.Exceeded()) })
	l.waits.Store(w)
	if cause := l.cause.Load(); cause != nil {
		w.end(*cause)
	}
	return w
}

// endless is a context that hides its deadline.
type endless struct{ context.Context }

// Deadline implements context.Context.
func (endless) Deadline() (time.Time, bool) { return time.Time{}, false }
