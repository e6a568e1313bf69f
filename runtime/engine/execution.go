package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

// execution is one run of a program. This file decides which node's turn it is; node.go runs one.
type execution struct {
	engine  *Engine
	program *Program
	id      string
	event   *flow.Event
	ctx     context.Context // ends with the execution, its cause says why
	cancel  context.CancelCauseFunc
	caller  untimed
	unbind  func() bool // lets go of the caller's context; false when it has ended. nil = it cannot
	limit   timeLimit   // of the run
	started time.Time
	memory  account
	large   sync.Mutex // held while a long value is resolved
	cache   flow.Cache
	secrets secret.Texts
	trace   trace.Trace
	apart   sync.WaitGroup // goroutines that run branches

	// outputs of the nodes that have completed, for templates. A node reads only those of nodes
	// before it, which were written before its turn came.
	outputs [][]byte

	mu      sync.Mutex
	results []NodeResult
	resumed map[string]journal.Step // what an earlier run has completed, by node id
	spots   []spot
	lease   journal.Lease // nil = not journaled; set before it runs or by Executor.adopt
	key     *journal.Key  // that Executor.adopt hands to the journal, nil = none
	unhold  func()        // ends what Executor.adopt began
	cutOff  bool          // the context ended before all nodes were settled
	ended   bool
	place   int32 // in running

	few struct { // outputs and spots of plans with few nodes: they come with the execution
		outputs [8][]byte
		spots   [8]spot
	}
}

// spot is where a node is in the walk.
type spot struct {
	waiting int // how many incoming edges come from nodes that are not settled
	next    int // the node behind it in the list that it is in, or noNode; it is in one at most
}

const noNode = -1

// untimed is a context that does not show its deadline.
type untimed struct{ context.Context }

func (*untimed) Deadline() (time.Time, bool) { return time.Time{}, false }

// newRun prepares an execution; nothing runs before run is called, which must be. See Engine.Run.
func (e *Engine) newRun(ctx context.Context, p *Program, id string, ev *flow.Event, lease journal.Lease) *execution {
	n := len(p.Plan.Nodes)
	x := &execution{
		engine: e, program: p, id: id, event: ev, lease: lease, started: e.config.Clock(),
		limit:   timeLimit{e.config.Limits.ExecutionTimeout, "limits.execution_timeout"},
		memory:  account{limit: int64(e.config.Limits.ExecutionMemory)},
		results: make([]NodeResult, n),
	}
	if n <= len(x.few.spots) {
		x.outputs, x.spots = x.few.outputs[:n], x.few.spots[:n]
	} else {
		x.outputs, x.spots = make([][]byte, n), make([]spot, n)
	}
	for i := range n {
		x.spots[i] = spot{waiting: len(p.Plan.Nodes[i].In), next: noNode}
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
		x.unbind = context.AfterFunc(ctx, func() { x.cancel(context.Cause(ctx)) })
	}
	if lease != nil {
		x.resumed = make(map[string]journal.Step)
		for _, s := range lease.Entry().Steps {
			x.resumed[s.Node] = s
		}
	}
	return x
}

// run runs the execution to its end.
func (x *execution) run() *Result {
	defer x.cancel(nil)
	if x.unbind != nil {
		defer x.unbind()
	}
	timer := time.AfterFunc(x.limit.Duration, x.late)
	defer timer.Stop()

	x.engine.config.Observer.ExecutionStarted(x.program.Plan, x.id)
	// The event is there in any case, so it counts even when there is no room for it: the first
	// config will fail.
	x.memory.used.Add(int64(len(x.event.Data) + len(x.event.Query) + len(x.event.Headers)))
	x.follow(x.settle(0, NodeResult{State: Completed, Output: x.event.Data, Started: x.started}))
	x.apart.Wait()
	r := x.result()
	x.engine.config.Observer.ExecutionEnded(x.program.Plan, r)
	return r
}

// late ends an execution whose time is over.
func (x *execution) late() { x.cancel(lateError{x.limit}) }

// follow runs nodes whose turn has come together, a list, and then what follows from them: the
// first on this goroutine, each other on one of its own.
func (x *execution) follow(first int) {
	for first != noNode {
		for x.spots[first].next != noNode {
			n := x.spots[first].next
			x.spots[first].next, x.spots[n].next = x.spots[n].next, noNode
			x.apart.Go(func() { x.follow(n) })
		}
		first = x.turn(first)
	}
}

// turn runs a node and returns those whose turn comes by that.
func (x *execution) turn(n int) (ready int) {
	var r NodeResult
	if x.ctx.Err() == nil {
		r = x.runNode(n)
	}
	if x.ctx.Err() != nil && r.State != Completed {
		x.cut(n, r)
		return noNode
	}
	return x.settle(n, r)
}

// cut notes that the execution has ended before a node did. Those behind it are not run.
func (x *execution) cut(n int, r NodeResult) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.results[n] = r
	x.cutOff = true
}

// settle keeps the result of a node and returns the nodes whose turn comes by that, a list in plan
// order. What has completed is in the journal before.
func (x *execution) settle(n int, r NodeResult) (ready int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.results[n] = r
	x.outputs[n] = r.Output
	if lease := x.lease; lease != nil && r.State == Completed && n != 0 {
		x.mu.Unlock()
		err := checkpoint(x.ctx, lease, journal.Step{Node: x.program.Plan.Nodes[n].ID, Output: r.Output, Handle: r.Handle})
		x.mu.Lock()
		if err != nil {
			x.cancel(fmt.Errorf("%w: %w", errCheckpoint, err))
			x.cutOff = true
			return noNode
		}
	}
	return x.advance(n)
}

// advance tells the nodes behind n that it is settled, settles those that will not run or have run
// before, and returns those whose turn has come. The caller holds the lock.
func (x *execution) advance(n int) (ready int) {
	ready = noNode
	last := n // of the nodes that are settled now, a list that begins with n
	for from := n; from != noNode; from = x.spots[from].next {
		for _, edge := range x.program.Plan.Nodes[from].Out {
			to := edge.To
			if x.spots[to].waiting--; x.spots[to].waiting > 0 {
				continue
			}
			if state := x.decide(to); state != NotRun {
				x.results[to].State = state
			} else if !x.resume(to) {
				x.insert(&ready, to)
				continue
			}
			x.spots[last].next = to
			last = to
		}
	}
	return ready
}

// insert puts a node into a list in plan order.
func (x *execution) insert(list *int, n int) {
	for *list != noNode && *list < n {
		list = &x.spots[*list].next
	}
	x.spots[n].next, *list = *list, n
}

// decide says what becomes of a node when all nodes before it are settled: Stopped, Skipped, or
// NotRun for its turn.
func (x *execution) decide(n int) NodeState {
	state := Skipped
	for _, edge := range x.program.Plan.Nodes[n].In {
		switch from := &x.results[edge.From]; from.State {
		case NodeFailed, Stopped:
			return Stopped
		case Completed:
			if from.Handle == edge.Handle {
				state = NotRun
			}
		}
	}
	return state
}

// resume takes over what an earlier run of the execution has completed. The caller holds the lock.
func (x *execution) resume(n int) bool {
	s, ok := x.resumed[x.program.Plan.Nodes[n].ID]
	if !ok {
		return false
	}
	x.memory.used.Add(int64(len(s.Output)))
	x.outputs[n] = s.Output
	x.results[n] = NodeResult{State: Completed, Output: s.Output, Handle: s.Handle}
	return true
}

// result ends the execution. No node runs any more.
func (x *execution) result() *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	r := &Result{
		ID: x.id, Status: Succeeded, Nodes: x.results,
		Started: x.started, Duration: x.engine.config.Clock().Sub(x.started),
	}
	r.Failing = slices.IndexFunc(r.Nodes, func(n NodeResult) bool { return n.State == NodeFailed })
	switch {
	case errors.Is(x.cutBy(), context.DeadlineExceeded):
		r.Status = TimedOut
	case noRoom(x.cutBy()):
		r.Status = Failed
	case x.cutOff:
		r.Status, r.Interrupted = Cancelled, x.goesOn()
	case r.Failing >= 0:
		r.Status = Failed
	}
	return r
}

// goesOn tells whether an execution that was cut off is run again from the journal. The caller
// holds the lock.
func (x *execution) goesOn() bool {
	cause := x.cutBy()
	return x.lease != nil && (errors.Is(cause, journal.ErrLeaseLost) || errors.Is(cause, errShutdown) || errors.Is(cause, errCheckpoint))
}

// noRoom tells whether an execution was cut off because the journal had no room for a step. It does
// not go on: with its steps kept it would never be another.
func noRoom(cause error) bool {
	return errors.Is(cause, errCheckpoint) && errors.Is(cause, journal.ErrFull)
}

// cutBy is why the execution ended before its nodes did; nil when it did not. It is called after
// run.
func (x *execution) cutBy() error {
	if !x.cutOff {
		return nil
	}
	return context.Cause(x.ctx)
}
