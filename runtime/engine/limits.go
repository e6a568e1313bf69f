package engine

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Limits bounds executions. A zero field means its default, see DefaultLimits.
type Limits struct {
	// concurrent executions of all workflows; at most half of them from a journal
	Executions  int
	QueueWait   time.Duration // how long Acquire waits for a slot
	NodeTimeout time.Duration // of one attempt of a node or item
	NodeInput   int           // bytes of a node's resolved config
	// bytes of a node's output, of all its items together; see outputLimit
	NodeOutput       int
	ForEachItems     int           // items of a forEach
	ExecutionMemory  int           // bytes of the live values of one execution
	ExecutionTimeout time.Duration // of a run, including retries and waits
}

// DefaultLimits returns the default limits.
func DefaultLimits() Limits {
	return Limits{
		Executions:       256,
		QueueWait:        time.Second,
		NodeTimeout:      10 * time.Second,
		NodeInput:        4 << 20,
		NodeOutput:       1 << 20,
		ForEachItems:     10_000,
		ExecutionMemory:  32 << 20,
		ExecutionTimeout: 5 * time.Minute,
	}
}

// withDefaults returns l with defaults for fields that are zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Executions:       cmp.Or(l.Executions, d.Executions),
		QueueWait:        cmp.Or(l.QueueWait, d.QueueWait),
		NodeTimeout:      cmp.Or(l.NodeTimeout, d.NodeTimeout),
		NodeInput:        cmp.Or(l.NodeInput, d.NodeInput),
		NodeOutput:       cmp.Or(l.NodeOutput, d.NodeOutput),
		ForEachItems:     cmp.Or(l.ForEachItems, d.ForEachItems),
		ExecutionMemory:  cmp.Or(l.ExecutionMemory, d.ExecutionMemory),
		ExecutionTimeout: cmp.Or(l.ExecutionTimeout, d.ExecutionTimeout),
	}
}

// outputLimit returns the limit of an output, in bytes. It is never less than the trigger's data,
// so a node can pass on any accepted event. The query can make that longer than the limit of
// bodies.
func (x *Execution) outputLimit() int {
	return max(x.engine.config.Limits.NodeOutput, len(x.event.Data))
}

// TimeLimit is a duration and the setting that it comes from. If several limits apply, the error
// names the one that would have to be longer.
type TimeLimit struct {
	time.Duration
	Of string // the setting
}

// AtMost lowers the limit to that of another setting, if that is shorter. 0 means no limit.
func (l *TimeLimit) AtMost(d time.Duration, of string) {
	if d > 0 && d < l.Duration {
		*l = TimeLimit{d, of}
	}
}

// Exceeded returns the error for a limit that has passed. It wraps context.DeadlineExceeded, as
// does every cause of TimedOut.
func (l TimeLimit) Exceeded() error { return timeoutError{l} }

func (l TimeLimit) String() string { return fmt.Sprintf("%s of %s has passed", l.Of, l.Duration) }

type timeoutError struct{ limit TimeLimit }

func (e timeoutError) Error() string { return e.limit.String() }
func (timeoutError) Unwrap() error   { return context.DeadlineExceeded }

// memoryBudget counts the bytes of an execution's live values.
type memoryBudget struct {
	limit int64
	used  atomic.Int64
}

// free returns the number of bytes left.
func (m *memoryBudget) free() int { return int(max(0, m.limit-m.used.Load())) }

// reserve takes n bytes and reports whether there was room for them.
func (m *memoryBudget) reserve(n int) bool {
	if m.used.Add(int64(n)) > m.limit {
		m.release(n)
		return false
	}
	return true
}

// release gives back n bytes that reserve took.
func (m *memoryBudget) release(n int) { m.used.Add(-int64(n)) }
