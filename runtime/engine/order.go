package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// This file decides which node runs when; run_node.go runs one. Nodes are named by their index in
// the plan.

// runReady runs nodes that are ready together, and then what follows from them: the first one on
// this goroutine, each other one on a goroutine of its own.
func (x *Execution) runReady(ready []int) {
	for len(ready) > 0 {
		for _, n := range ready[1:] {
			x.branches.Go(func() { x.runFrom(n) })
		}
		ready = x.runAndSettle(ready[0], ready[:0])
	}
}

// runFrom runs a node and then what follows from it.
func (x *Execution) runFrom(n int) {
	var buf [fewNodes]int
	x.runReady(x.runAndSettle(n, buf[:0]))
}

// runAndSettle runs a node and appends the nodes that are ready by that.
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

// interrupt stores the result of a node that the end of the execution has interrupted. Nodes behind
// it do not run.
func (x *Execution) interrupt(n int, r NodeResult) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.results[n] = r
	x.interrupted = true
}

// settle stores the result of a node and appends the nodes that are ready by that. What has
// completed is in the journal before they run.
func (x *Execution) settle(n int, r NodeResult, ready []int) []int {
	// In this order: Adopt relies on a node that has completed being among the results, or else
	// getting a checkpoint.
	if lease := x.complete(n, r); lease != nil {
		step := journal.Step{Node: x.program.Plan.Nodes[n].ID, Output: r.Output, Handle: r.Handle}
		if err := checkpoint(x.ctx, lease, step); err != nil {
			x.cancel(fmt.Errorf("%w: %w", ErrCheckpoint, err))
			x.interrupt(n, r)
			return ready
		}
	}
	return x.advance(n, ready)
}

// complete stores the result of a node. It returns the lease that is to have a checkpoint of it;
// nil = none is.
func (x *Execution) complete(n int, r NodeResult) journal.Lease {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.results[n] = r
	x.outputs[n] = r.Output
	if r.State != Completed || n == 0 { // the trigger's output is in the journal's entry
		return nil
	}
	return x.lease
}

// checkpoint stores a step, also when ctx has ended: what was done is not to be lost.
func checkpoint(ctx context.Context, l journal.Lease, s journal.Step) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkpointTimeout)
	defer cancel()
	return l.Checkpoint(ctx, s)
}

// checkpointTimeout bounds one checkpoint.
const checkpointTimeout = 10 * time.Second

// advance notes that n is settled, settles the nodes behind it that will not run or have run
// before, and appends those that are ready, in plan order.
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
				x.results[to].State = state
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

// decide says what becomes of a node when all nodes before it are settled: Stopped, Skipped, or
// NotRun for a node that runs next.
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

// resume takes over what an earlier run of the execution has completed and reports whether there
// was anything. The caller holds the lock.
func (x *Execution) resume(n int) bool {
	s, ok := x.resumed[x.program.Plan.Nodes[n].ID]
	if !ok {
		return false
	}
	x.memory.used.Add(int64(len(s.Output)))
	x.outputs[n] = s.Output
	x.results[n] = NodeResult{State: Completed, Output: s.Output, Handle: s.Handle}
	return true
}
