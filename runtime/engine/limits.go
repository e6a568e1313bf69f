package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Limits of executions. A field that is zero means its default, see DefaultLimits.
type Limits struct {
	// that run at the same time, of all workflows; at most half of them from a journal
	Executions  int
	QueueWait   time.Duration // how long Acquire waits for a slot
	NodeTimeout time.Duration // of one attempt of a node or of one item of forEach
	NodeInput   int           // bytes of a node's resolved config
	// bytes of a node's output, see outputLimit; with forEach of all items together
	NodeOutput       int
	ForEachItems     int           // items of a forEach
	ExecutionMemory  int           // bytes of the live values of one execution
	ExecutionTimeout time.Duration // of a run, retries and waits included
}

// DefaultLimits are the limits where nothing else is said.
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

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	return Limits{
		Executions:       orDefault(l.Executions, d.Executions),
		QueueWait:        orDefault(l.QueueWait, d.QueueWait),
		NodeTimeout:      orDefault(l.NodeTimeout, d.NodeTimeout),
		NodeInput:        orDefault(l.NodeInput, d.NodeInput),
		NodeOutput:       orDefault(l.NodeOutput, d.NodeOutput),
		ForEachItems:     orDefault(l.ForEachItems, d.ForEachItems),
		ExecutionMemory:  orDefault(l.ExecutionMemory, d.ExecutionMemory),
		ExecutionTimeout: orDefault(l.ExecutionTimeout, d.ExecutionTimeout),
	}
}

// outputLimit is how long an output may be, in bytes. It is never less than the trigger's data:
// what was accepted can be handed on, also when the query in it makes it longer than the limit of
// bodies.
func (x *Execution) outputLimit() int {
	return max(x.engine.config.Limits.NodeOutput, len(x.event.Data))
}

func orDefault[T ~int | ~int64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// TimeLimit is a duration and the setting that it comes from: where several limits apply, the error
// names the one that would have to be longer.
type TimeLimit struct {
	time.Duration
	Of string // the setting
}

// AtMost lowers the limit to that of another setting, if that is shorter. 0 is no limit.
func (l *TimeLimit) AtMost(d time.Duration, of string) {
	if d > 0 && d < l.Duration {
		*l = TimeLimit{d, of}
	}
}

// Exceeded returns the error that the limit has passed. It is a context.DeadlineExceeded, as is
// every cause of TimedOut.
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

// free returns how many bytes are left.
func (m *memoryBudget) free() int { return int(max(0, m.limit-m.used.Load())) }

// reserve takes n bytes and reports whether there were as many left.
func (m *memoryBudget) reserve(n int) bool {
	if m.used.Add(int64(n)) > m.limit {
		m.release(n)
		return false
	}
	return true
}

// release returns n bytes that reserve took.
func (m *memoryBudget) release(n int) { m.used.Add(-int64(n)) }
