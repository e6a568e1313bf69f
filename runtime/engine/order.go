package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// This file decides which node runs when; run_node.go runs one. A node is given by its index in the
// plan.

// runReady runs nodes that are ready together, and then the nodes that become ready. The first one
// runs on this goroutine, each other one on a goroutine of its own.
func (x *Execution) runReady(ready []int) {
	for len(ready) > 0 {
		for _, n := range ready[1:] {
			x.branches.Go(func() { x.runFrom(n) })
		}
		ready = x.runAndSettle(ready[0], ready[:0])
	}
}

// runFrom runs a node and then the nodes that become ready.
func (x *Execution) runFrom(n int) {
	var buf [fewNodes]int
	x.runReady(x.runAndSettle(n, buf[:0]))
}

// runAndSettle runs a node and appends the nodes that become ready.
func (x *Execution) runAndSettle(n int, ready []int) []int {
	var r NodeResult
	if x.ctx.Err() == nil {
		r = x.runNode(n)
	}
	if x.ctx.Err() != nil && r.State != Completed {
		x.interrupt(n, r)
		return ready
	}
	return x.settle(n, r, ready)
}

// interrupt stores the result of a node that was interrupted by the end of the execution. Nodes
// after it do not run.
func (x *Execution) interrupt(n int, r NodeResult) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.store(n, r)
	x.interrupted = true
}

// settle stores the result of a node and appends the nodes that become ready. The checkpoint of a
// completed node is in the journal before they run.
func (x *Execution) settle(n int, r NodeResult, ready []int) []int {
	// The order matters: Adopt relies on each completed node being among the results or getting a
	// checkpoint.
	if lease := x.complete(n, r); lease != nil {
		if err := checkpoint(x.ctx, lease, x.step(n, &r)); err != nil {
			x.cancel(fmt.Errorf("%w: %w", ErrCheckpoint, err))
			x.interrupt(n, r)
			return ready
		}
	}
	return x.advance(n, ready)
}

// complete stores the result of a node. It returns the lease for its checkpoint; nil = it needs
// none.
func (x *Execution) complete(n int, r NodeResult) journal.Lease {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.store(n, r)
	x.outputs[n] = r.Output
	if r.State != Completed || n == 0 { // the journal's entry has the trigger's output
		return nil
	}
	return x.lease
}

// checkpoint stores a step, even if ctx has ended: completed work must not be lost.
func checkpoint(ctx context.Context, l journal.Lease, s journal.Step) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTimeout)
	defer cancel()
	return l.Checkpoint(ctx, s)
}

// checkpointTimeout bounds one checkpoint.
const checkpointTimeout = 10 * time.Second

// advance marks n as settled. It also settles nodes after n that will not run or that an earlier
// run has completed. It appends the nodes that become ready, in plan order.
func (x *Execution) advance(n int, ready []int) []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	var buf [fewNodes]int
	settled := append(buf[:0], n)
	for i := 0; i < len(settled); i++ {
		for _, edge := range x.program.Plan.Nodes[settled[i]].Out {
			to := edge.To
			if x.waiting[to]--; x.waiting[to] > 0 {
				continue
			}
			switch state := x.decide(to); {
			case state != NotRun:
				x.store(to, NodeResult{State: state})
				settled = append(settled, to)
			case x.resume(to):
				settled = append(settled, to)
			default:
				ready = append(ready, to)
			}
		}
	}
	slices.Sort(ready)
	return ready
}

// decide returns the state of a node once all nodes before it are settled: Stopped, Skipped, or
// NotRun for a node that is ready.
func (x *Execution) decide(n int) NodeState {
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

// resume takes over a node's step from an earlier run and reports whether there was one. The caller
// holds the lock.
func (x *Execution) resume(n int) bool {
	s, ok := x.resumed[x.program.Plan.Nodes[n].ID]
	if !ok {
		return false
	}
	x.memory.used.Add(int64(len(s.Output)))
	x.outputs[n] = s.Output
	x.store(n, NodeResult{State: Completed, Output: s.Output, Handle: s.Handle})
	return true
}
