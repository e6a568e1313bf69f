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
// runs on this goroutine and begins now, each other one on a goroutine of its own.
func (x *Execution) runReady(ready []int, now time.Time) {
	for len(ready) > 0 {
		for _, n := range ready[1:] {
			x.branches.Go(func() { x.runFrom(n) })
		}
		ready, now = x.runAndSettle(ready[0], ready[:0], now)
	}
}

// runFrom runs a node and then the nodes that become ready.
func (x *Execution) runFrom(n int) {
	var buf [fewNodes]int
	x.runReady(x.runAndSettle(n, buf[:0], x.engine.config.Clock()))
}

// runAndSettle runs a node, which begins now, and appends the nodes that become ready. It returns
// the time when they begin: the clock is read once for each node.
func (x *Execution) runAndSettle(n int, ready []int, now time.Time) ([]int, time.Time) {
	var r NodeResult
	if !x.life.over(now) {
		r = x.runNode(n, now)
		now = now.Add(r.Duration)
	}
	if r.State != Completed && x.life.over(now) {
		x.interrupt(n, &r)
		return ready, now
	}
	return x.settle(n, &r, ready, now)
}

// interrupt stores the result of a node that was interrupted by the end of the execution. Nodes
// after it do not run.
func (x *Execution) interrupt(n int, r *NodeResult) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.store(n, r)
	x.interrupted = true
}

// settle stores the result of a node, at the time when it ended, and appends the nodes that become
// ready. The checkpoint of a completed node is in the journal before they run. It returns the time
// after that.
func (x *Execution) settle(n int, r *NodeResult, ready []int, ended time.Time) ([]int, time.Time) {
	// The order matters: Adopt relies on each completed node being among the results or getting a
	// checkpoint.
	x.mu.Lock()
	x.store(n, r)
	x.outputs[n] = r.Output
	if lease := x.lease; lease != nil && r.State == Completed && x.needsCheckpoint(n) {
		x.mu.Unlock()
		if err := checkpoint(&x.life, lease, x.step(n, r)); err != nil {
			x.life.end(fmt.Errorf("%w: %w", ErrCheckpoint, err))
			x.interrupt(n, r)
			return ready, ended
		}
		ended = x.engine.config.Clock()
		x.mu.Lock()
	}
	ready = x.advance(n, ready)
	x.mu.Unlock()
	return ready, ended
}

// needsCheckpoint reports whether a completed node of a journaled execution gets a checkpoint. The
// trigger's output is in the journal's entry. If the execution ends with this node, its end is
// stored next. The caller holds the lock.
func (x *Execution) needsCheckpoint(n int) bool {
	last := x.unsettled == 1 && len(x.program.Plan.Nodes[n].Out) == 0
	return n > 0 && !last
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
// run has completed. It appends the nodes that become ready, in plan order. The caller holds the
// lock.
func (x *Execution) advance(n int, ready []int) []int {
	var buf [fewNodes]int
	settled := append(buf[:0], n)
	for i := 0; i < len(settled); i++ {
		x.unsettled--
		for _, edge := range x.program.Plan.Nodes[settled[i]].Out {
			to := edge.To
			if x.waiting[to]--; x.waiting[to] > 0 {
				continue
			}
			switch state := x.decide(to); {
			case state != NotRun:
				x.store(to, &NodeResult{State: state})
				settled = append(settled, to)
			case x.resume(to):
				settled = append(settled, to)
			default:
				ready = append(ready, to)
			}
		}
	}
	if len(ready) > 1 {
		slices.Sort(ready)
	}
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
	if x.resumed == nil { // most have no earlier run
		return false
	}
	s, ok := x.resumed[x.program.Plan.Nodes[n].ID]
	if !ok {
		return false
	}
	x.memory.used.Add(int64(len(s.Output)))
	x.outputs[n] = s.Output
	x.store(n, &NodeResult{State: Completed, Output: s.Output, Handle: s.Handle})
	return true
}
