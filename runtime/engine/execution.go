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
)

// Execution is one run of a program. Its methods are safe for concurrent use; Run is called once.
type Execution struct {
	engine  *Engine
	program *Program
	id      string
	event   *flow.Event
	ctx     context.Context // ends with the execution; its cause says why
	cancel  context.CancelCauseFunc
	caller  untimed
	detach  func() bool // see Detach; nil = the caller's context stays
	limit   TimeLimit   // of the run
	started time.Time
	memory  memoryBudget
	large   sync.Mutex // held while a long value is resolved
	cache   flow.Cache
	secrets secret.Texts
	trace   trace.Trace

	branches sync.WaitGroup // goroutines that run branches

	// outputs of the nodes that have completed, for templates. A node reads only those of nodes
	// before it, which were written before its turn came.
	outputs [][]byte

	mu          sync.Mutex
	results     []NodeResult
	resumed     map[string]journal.Step // what an earlier run has completed, by node id
	waiting     []int                   // by node: incoming edges from nodes that are not settled
	lease       journal.Lease           // nil = not journaled; set before it runs or by Adopt
	interrupted bool                    // the context ended before all nodes were settled
	ended       bool

	few struct { // outputs and waiting of plans with few nodes: one allocation with the execution
		outputs [fewNodes][]byte
		waiting [fewNodes]int
	}
}

// fewNodes is how many nodes a plan has at most whose executions need no other allocation for their
// order.
const fewNodes = 8

// untimed is a context that does not show its deadline.
type untimed struct{ context.Context }

func (*untimed) Deadline() (time.Time, bool) { return time.Time{}, false }

// NewExecution makes an execution of p, which must be run: see Execution.Run. The caller has a slot
// for it.
func (e *Engine) NewExecution(ctx context.Context, p *Program, id string, ev *flow.Event, lease journal.Lease) *Execution {
	x := new(Execution)
	x.Init(ctx, e, p, id, ev, lease)
	return x
}

// Init makes x an execution of p, as NewExecution does: for one that is part of another struct.
//
// When ctx ends, the execution does: its status is TimedOut when ctx's cause is
// context.DeadlineExceeded, else Cancelled.
//
// lease, unless nil, gets a checkpoint of each node that completes before its dependents start. The
// steps of its entry are taken over instead of running their nodes again. The execution does not
// finish or release the lease.
func (x *Execution) Init(ctx context.Context, e *Engine, p *Program, id string, ev *flow.Event, lease journal.Lease) {
	n := len(p.Plan.Nodes)
	x.engine, x.program, x.id, x.event, x.lease, x.started = e, p, id, ev, lease, e.config.Clock()
	x.limit = TimeLimit{e.config.Limits.ExecutionTimeout, "limits.execution_timeout"}
	x.memory.limit = int64(e.config.Limits.ExecutionMemory)
	x.results = make([]NodeResult, n)
	if n <= fewNodes {
		x.outputs, x.waiting = x.few.outputs[:n], x.few.waiting[:n]
	} else {
		x.outputs, x.waiting = make([][]byte, n), make([]int, n)
	}
	for i := range n {
		x.waiting[i] = len(p.Plan.Nodes[i].In)
	}
	// The execution ends with ctx but does not show its deadline to nodes: host functions hurry to
	// be done before a node's own, so as to fail by themselves, and a failed node would hide that
	// the whole execution is late.
	x.caller.Context = ctx
	mayStay := p.Plan.Webhook != nil && p.Plan.Webhook.AcceptOnTimeout // when the caller has gone
	if mayStay && ctx.Err() == nil {
		x.caller.Context = context.WithoutCancel(ctx)
	}
	x.ctx, x.cancel = context.WithCancelCause(&x.caller)
	if mayStay {
		x.detach = context.AfterFunc(ctx, func() { x.cancel(context.Cause(ctx)) })
	}
	if lease != nil {
		x.resumed = make(map[string]journal.Step)
		for _, s := range lease.Entry().Steps {
			x.resumed[s.Node] = s
		}
	}
}

// Run runs the execution to its end and returns how it ended. A plan without branches runs on this
// goroutine.
func (x *Execution) Run() *Result {
	defer x.cancel(nil)
	if x.detach != nil {
		defer x.detach()
	}
	timer := time.AfterFunc(x.limit.Duration, x.expire)
	defer timer.Stop()

	x.engine.config.Observer.ExecutionStarted(x.program.Plan, x.id)
	// The event is there in any case, so it counts even when there is no room for it: the first
	// config will fail.
	x.memory.used.Add(int64(len(x.event.Data) + len(x.event.Query) + len(x.event.Headers)))
	var buf [fewNodes]int
	x.runReady(x.settle(0, NodeResult{State: Completed, Output: x.event.Data, Started: x.started}, buf[:0]))
	x.branches.Wait()
	r := x.end()
	x.engine.config.Observer.ExecutionEnded(x.program.Plan, r)
	return r
}

// expire ends an execution whose time is over.
func (x *Execution) expire() { x.cancel(x.limit.Exceeded()) }

// end ends the execution when no node runs any more.
func (x *Execution) end() *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	r := &Result{
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

// interruption is Interruption for callers that hold the lock.
func (x *Execution) interruption() error {
	if !x.interrupted {
		return nil
	}
	return context.Cause(x.ctx)
}

// resumable reports whether an execution of the journal that ended for this cause is run again.
func resumable(cause error) bool {
	return errors.Is(cause, journal.ErrLeaseLost) || errors.Is(cause, ErrShutdown) || errors.Is(cause, ErrCheckpoint)
}

// JournalFull reports whether an execution ended, for this cause, because the journal had no room
// for a step. It is not run again: with its steps stored it would end the same way.
func JournalFull(cause error) bool {
	return errors.Is(cause, ErrCheckpoint) && errors.Is(cause, journal.ErrFull)
}

// Interruption returns why the execution ended before its nodes did; nil when it did not. It is
// called after Run.
func (x *Execution) Interruption() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.interruption()
}

// Cancel ends the execution; cause says why.
func (x *Execution) Cancel(cause error) { x.cancel(cause) }

// Limit ends the execution after l, if that is shorter than its other limits. It is called before
// Run.
func (x *Execution) Limit(l TimeLimit) { x.limit.AtMost(l.Duration, l.Of) }

// Detach lets go of the context that the execution was made with, so that it no longer ends with
// it. It reports whether that was in time: false when the context has ended. Only executions whose
// webhook has onTimeout "accept" can be detached.
func (x *Execution) Detach() bool { return x.detach() }

// Adopt makes a running execution the journal's: adopt gets the steps that it has completed and
// returns the lease that gets the others. The error is adopt's, or ErrEnded when it is too late.
func (x *Execution) Adopt(adopt func([]journal.Step) (journal.Lease, error)) error {
	// No node is settled while the lock is held, so what is not among the steps gets its own
	// checkpoint.
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended || x.ctx.Err() != nil {
		return ErrEnded
	}
	lease, err := adopt(x.steps())
	if err != nil {
		return err
	}
	x.lease = lease
	return nil
}

// steps returns the nodes that have completed so far. The caller holds the lock.
func (x *Execution) steps() []journal.Step {
	var steps []journal.Step
	for i := 1; i < len(x.results); i++ {
		if x.results[i].State == Completed {
			steps = append(steps, x.step(i))
		}
	}
	return steps
}

// step returns a node that has completed as a step of the journal.
func (x *Execution) step(n int) journal.Step {
	r := &x.results[n]
	return journal.Step{Node: x.program.Plan.Nodes[n].ID, Output: r.Output, Handle: r.Handle}
}

// Journaled reports whether the execution is one of the journal's: it has a lease.
func (x *Execution) Journaled() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lease != nil
}

// Engine returns the engine that runs the execution.
func (x *Execution) Engine() *Engine { return x.engine }

// Program returns the program that the execution runs.
func (x *Execution) Program() *Program { return x.program }

// ID returns the execution's id.
func (x *Execution) ID() string { return x.id }

// Event returns what started the execution.
func (x *Execution) Event() *flow.Event { return x.event }

// Started returns when the execution was made.
func (x *Execution) Started() time.Time { return x.started }

// Scope returns what the templates of a node see, without an item.
func (x *Execution) Scope() flow.Scope {
	return flow.Scope{
		Plan: x.program.Plan, ExecutionID: x.id, Event: x.event, Outputs: x.outputs, Global: x.engine.global, Cache: &x.cache,
	}
}

// Trace returns what is noted of the execution for its record.
func (x *Execution) Trace() *trace.Trace { return &x.trace }

// Secrets returns the texts that the execution must not show.
func (x *Execution) Secrets() *secret.Texts { return &x.secrets }

// Grants returns the names of what the module of a node may use of the host.
func (x *Execution) Grants(node int) []string { return x.program.types[node].module.Grants().Names() }

// Size returns about how many bytes the execution holds.
func (x *Execution) Size() int64 { return x.memory.used.Load() + x.trace.Size() }

// Ended reports whether the execution's nodes have ended.
func (x *Execution) Ended() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}
