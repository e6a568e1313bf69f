package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
	"github.com/flowtrux/edge/runtime/tracing"
)

// Execution is one run of a program. Its methods are safe for concurrent use; Run is called once.
type Execution struct {
	engine  *Engine
	program *Program
	id      string
	event   *flow.Event
	life    lifetime
	detach  func() bool // see Detach; nil = it cannot be detached
	started time.Time
	memory  memoryBudget
	large   sync.Mutex // held while a long value is resolved
	cache   flow.Cache
	secrets secret.Texts
	trace   trace.Trace
	spans   *tracing.Execution // nil = none

	branches sync.WaitGroup // goroutines that run branches

	// outputs of completed nodes, for templates. A node reads only the outputs of nodes before it,
	// which were written before its turn.
	outputs [][]byte

	mu          sync.Mutex
	results     []NodeResult
	result      Result                  // once the execution has ended
	resumed     map[string]journal.Step // steps of earlier runs, by node ID
	waiting     []int32                 // by node: incoming edges from nodes that are not settled
	unsettled   int                     // nodes that are not settled
	lease       journal.Lease           // nil = not journaled; set by Init or Adopt
	watcher     Watcher                 // nil = none
	interrupted bool                    // the context ended before all nodes were settled
	ended       bool

	few struct { // outputs and waiting of small plans: one allocation with the execution
		outputs [fewNodes][]byte
		waiting [fewNodes]int32
	}
}

// fewNodes is the largest number of nodes for which outputs and waiting need no allocation of their
// own.
const fewNodes = 8

// NewExecution returns an execution of p. The caller holds a slot for it and must call Run.
func (e *Engine) NewExecution(ctx context.Context, p *Program, id string, ev *flow.Event, lease journal.Lease) *Execution {
	x := new(Execution)
	x.Init(ctx, e, p, id, ev, lease)
	return x
}

// Init makes x an execution of p, as NewExecution does. It is for executions that are part of
// another struct.
//
// The execution ends with ctx. Its status is TimedOut if ctx's cause is context.DeadlineExceeded,
// else Cancelled.
//
// Unless lease is nil, it gets a checkpoint of each completed node before the node's dependents
// start. Only the last node gets none if nothing depends on it: the end of the execution is stored
// next, and holds the node's result. The nodes in the steps of the lease's entry do not run again.
// The execution neither finishes nor releases the lease.
func (x *Execution) Init(ctx context.Context, e *Engine, p *Program, id string, ev *flow.Event, lease journal.Lease) {
	n := len(p.Plan.Nodes)
	x.engine, x.program, x.id, x.event, x.lease, x.started = e, p, id, ev, lease, e.config.Clock()
	x.life.clock = e.config.Clock
	x.life.setLimit(TimeLimit{e.config.Limits.ExecutionTimeout, "limits.execution_timeout"}, x.started)
	x.memory.limit = int64(e.config.Limits.ExecutionMemory)
	// The event is in memory already, so it counts even if it exceeds the limit. Then the first
	// config fails.
	x.memory.used.Store(int64(len(ev.Data) + len(ev.Query) + len(ev.Headers)))
	x.results, x.unsettled = make([]NodeResult, n), n
	if n <= fewNodes {
		x.outputs, x.waiting = x.few.outputs[:n], x.few.waiting[:n]
	} else {
		x.outputs, x.waiting = make([][]byte, n), make([]int32, n)
	}
	for i := range n {
		x.waiting[i] = int32(len(p.Plan.Nodes[i].In))
	}
	x.life.parent = ctx
	mayStay := p.Plan.Webhook != nil && p.Plan.Webhook.AcceptOnTimeout // after the caller has gone
	if mayStay && ctx.Err() == nil {
		x.life.parent = context.WithoutCancel(ctx)
	}
	if mayStay {
		x.detach = context.AfterFunc(ctx, func() { x.life.end(context.Cause(ctx)) })
	}
	if lease != nil {
		x.resumed = make(map[string]journal.Step)
		for _, s := range lease.Entry().Steps {
			x.resumed[s.Node] = s
		}
	}
	x.startSpans()
}

// Run runs the execution to its end and returns its result. A plan without branches runs on this
// goroutine.
func (x *Execution) Run() *Result {
	defer x.life.finish()
	if x.detach != nil {
		defer x.detach()
	}
	x.engine.config.Observer.ExecutionStarted(x.program.Plan, x.id)
	var buf [fewNodes]int
	trigger := NodeResult{State: Completed, Output: x.event.Data, Started: x.started}
	x.runReady(x.settle(0, &trigger, buf[:0], x.started))
	x.branches.Wait()
	r := x.end()
	x.endSpans(r)
	x.engine.config.Observer.ExecutionEnded(x.program, r)
	return r
}

// end returns the result, once no node runs any more.
func (x *Execution) end() *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	r := &x.result
	*r = Result{
		ID: x.id, Status: Succeeded, Nodes: x.results,
		Started: x.started, Duration: x.engine.config.Clock().Sub(x.started),
	}
	r.Failing = slices.IndexFunc(r.Nodes, func(n NodeResult) bool { return n.State == NodeFailed })
	switch cause := x.interruption(); {
	case errors.Is(cause, context.DeadlineExceeded):
		r.Status = TimedOut
	case JournalFull(cause):
		r.Status = Failed
	case x.interrupted:
		r.Status, r.Interrupted = Cancelled, x.lease != nil && resumable(cause)
	case r.Failing >= 0:
		r.Status = Failed
	}
	return r
}

// interruption is Interruption. The caller holds the lock.
func (x *Execution) interruption() error {
	if !x.interrupted {
		return nil
	}
	return x.life.ended()
}

// resumable reports whether a journaled execution that ended for this cause runs again.
func resumable(cause error) bool {
	return errors.Is(cause, journal.ErrLeaseLost) || errors.Is(cause, ErrShutdown) || errors.Is(cause, ErrCheckpoint)
}

// JournalFull reports whether cause means that the journal had no room for a step. Such an
// execution does not run again: it would end the same way.
func JournalFull(cause error) bool {
	return errors.Is(cause, ErrCheckpoint) && errors.Is(cause, journal.ErrFull)
}

// Interruption returns why the execution ended before its nodes did, or nil. It is called after
// Run.
func (x *Execution) Interruption() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.interruption()
}

// Cancel ends the execution for the given cause.
func (x *Execution) Cancel(cause error) { x.life.end(cause) }

// Limit sets a time limit, if it is shorter than those set before. It is called before Run.
func (x *Execution) Limit(l TimeLimit) {
	limit := x.life.limit
	limit.AtMost(l.Duration, l.Of)
	x.life.setLimit(limit, x.started)
}

// Detach makes the execution independent of the context that it was made with. It returns false if
// that context has ended. Only executions whose webhook has onTimeout "accept" can be detached.
func (x *Execution) Detach() bool { return x.detach() }

// Adopt hands a running execution over to the journal. The function adopt gets the completed steps
// and returns the lease for the others. The error is that of adopt, or ErrEnded if the execution
// has ended.
func (x *Execution) Adopt(adopt func([]journal.Step) (journal.Lease, error)) error {
	// No node is settled while the lock is held, so a node that is not among the steps gets its own
	// checkpoint.
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended || x.life.Err() != nil {
		return ErrEnded
	}
	lease, err := adopt(x.steps())
	if err != nil {
		return err
	}
	x.lease = lease
	return nil
}

// steps returns the steps completed so far. The caller holds the lock.
func (x *Execution) steps() []journal.Step {
	var steps []journal.Step
	for i := 1; i < len(x.results); i++ {
		if x.results[i].State == Completed {
			steps = append(steps, x.step(i, &x.results[i]))
		}
	}
	return steps
}

// step returns the result of a completed node as a step of the journal.
func (x *Execution) step(n int, r *NodeResult) journal.Step {
	return journal.Step{Node: x.program.Plan.Nodes[n].ID, Output: r.Output, Handle: r.Handle}
}

// Journaled reports whether the execution is in the journal, so that it has a lease.
func (x *Execution) Journaled() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lease != nil
}

// Engine returns the engine that runs the execution.
func (x *Execution) Engine() *Engine { return x.engine }

// Program returns the program that the execution runs.
func (x *Execution) Program() *Program { return x.program }

// ID returns the execution's ID.
func (x *Execution) ID() string { return x.id }

// Event returns the event that started the execution.
func (x *Execution) Event() *flow.Event { return x.event }

// CompleteEvent adds the event's headers, see flow.Event.AddHeaders. It is called by who stores the
// event, after Run.
func (x *Execution) CompleteEvent() { x.memory.used.Add(int64(x.event.AddHeaders())) }

// Started returns the time at which the execution was made.
func (x *Execution) Started() time.Time { return x.started }

// Scope returns the scope of a node's templates, without an item.
func (x *Execution) Scope() flow.Scope {
	return flow.Scope{
		Plan: x.program.Plan, ExecutionID: x.id, Event: x.event, Outputs: x.outputs, Global: x.engine.global, Cache: &x.cache,
	}
}

// Trace returns the execution's trace.
func (x *Execution) Trace() *trace.Trace { return &x.trace }

// Secrets returns the secret texts that the execution has resolved so far.
func (x *Execution) Secrets() *secret.Texts { return &x.secrets }

// Grants returns the names of the grants of a node's module.
func (x *Execution) Grants(node int) []string {
	return x.program.nodes[node].typ.module.Grants().Names()
}

// Size returns the approximate number of bytes that the execution holds.
func (x *Execution) Size() int64 { return x.memory.used.Load() + x.trace.Size() }

// Ended reports whether the execution's nodes have ended.
func (x *Execution) Ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}
