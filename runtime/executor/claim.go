package executor

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// retryPause is the pause after a failed claim or other call to the journal.
const retryPause = time.Second

// claimAll claims entries and starts an execution for each. It runs on a goroutine of its own.
func (x *Executor) claimAll() {
	var except []string
	for {
		var c claim
		if c, except = x.nextClaim(except[:0]); c.runner == nil {
			return
		}
		l, err := x.journal.Claim(c.ctx, except...)
		stopped := c.ctx.Err() != nil
		c.end()
		switch {
		case err == nil:
			x.start(c.runner, l)
		case errors.Is(err, journal.ErrClosed):
			return
		case !stopped:
			c.runner.Engine.Logger().Error("claiming from the journal failed", zap.Error(err))
			// the next claim finds out that it was interrupted
			_ = backoff.Sleep(c.claims, retryPause)
		}
	}
}

// claim is one call of the journal's Claim.
type claim struct {
	runner *Runner         // nil = claiming has ended
	claims context.Context // for all claims
	ctx    context.Context // for this claim
	end    func()          // called after the claim
}

// nextClaim waits until there is a runner and room for another claimed execution. It appends the
// workflows that are excepted from the claim. When one of them has room again, the claim is
// interrupted and made anew.
func (x *Executor) nextClaim(dst []string) (claim, []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for !x.isQuitting() {
		r := x.current()
		if r == nil || x.claimed >= x.maxClaimed(r) {
			x.changed.Wait()
			continue
		}
		except := x.workflows.appendFull(dst, journal.Share(x.maxClaimed(r)))
		if x.reclaim = nil; len(except) == 0 {
			return claim{r, x.claims, x.claims, func() {}}, except
		}
		ctx, cancel := context.WithCancel(x.claims)
		x.reclaim = cancel
		return claim{r, x.claims, ctx, cancel}, except
	}
	return claim{}, dst
}

// maxClaimed returns the limit of claimed executions. A long backlog must not take all slots from
// senders who wait.
func (x *Executor) maxClaimed(r *Runner) int {
	return min(x.workers, (r.Engine.Limits().Executions+1)/2)
}

// changedRoom is called when there may be room for another claim, or for executions of the excepted
// workflow w. The caller holds the lock.
func (x *Executor) changedRoom(w *workflow) {
	x.changed.Broadcast()
	r := x.current()
	if x.reclaim != nil && w.excepted && r != nil && !w.full(journal.Share(x.maxClaimed(r))) {
		x.reclaim()
		x.reclaim = nil
	}
}

// start has a claimed entry run by a worker that has nothing to do, or else by a new one.
func (x *Executor) start(r *Runner, l journal.Lease) {
	id := l.Entry().Workflow
	x.mu.Lock()
	if now := x.current(); now != nil {
		r = now
	} else { // the last runner was removed meanwhile
		x.mu.Unlock()
		x.release(r.Engine, l, 0)
		return
	}
	x.active++
	x.done.Add(1)
	x.claimed++
	w := x.workflows.get(id)
	w.claimed++
	w.waiting++
	before, queued := w.last, make(chan struct{})
	w.last = queued
	x.mu.Unlock()
	t := task{r, l, &claimed{executor: x, workflow: w, before: before, queued: queued}}
	select {
	case x.tasks <- t:
	default:
		x.done.Go(func() { x.work(t) })
	}
}

// task is a claimed entry, with the runner that it begins with.
type task struct {
	runner  *Runner
	lease   journal.Lease
	claimed *claimed
}

func (x *Executor) runTask(t task) {
	defer x.leave()
	defer t.claimed.end(t.lease.Entry().Workflow)
	x.run(t.runner, t.lease, t.claimed)
}

// maxIdle is how long a worker waits for its next task.
const maxIdle = time.Second

// work is a worker: it runs tasks one after the other until there is none for a while. The stack of
// its goroutine grows in the first one only, which takes as long as much of a short execution.
func (x *Executor) work(t task) {
	idle := time.NewTimer(maxIdle)
	defer idle.Stop()
	for {
		x.runTask(t)
		idle.Reset(maxIdle)
		select {
		case t = <-x.tasks:
		case <-idle.C:
			return
		case <-x.quitting:
			return
		}
	}
}

// claimed is a claimed execution that waits for its slot.
type claimed struct {
	executor *Executor
	workflow *workflow
	before   <-chan struct{} // closed when the previous one is queued; nil = none
	queued   chan<- struct{} // nil = closed already
	hasSlot  bool
}

// waitForTurn waits until the previous execution of the workflow is in the queue for slots. So
// executions of one workflow begin in the order in which they were accepted.
func (c *claimed) waitForTurn(ctx context.Context) {
	if c.before == nil {
		return
	}
	select {
	case <-c.before:
	case <-ctx.Done():
	}
}

// passTurn lets the next execution of the workflow queue.
func (c *claimed) passTurn() {
	if c.queued != nil {
		close(c.queued)
		c.queued = nil
	}
}

// gotSlot records that the execution has its slot.
func (c *claimed) gotSlot() {
	c.executor.mu.Lock()
	defer c.executor.mu.Unlock()
	c.hasSlot = true
	c.workflow.waiting--
	c.executor.changedRoom(c.workflow)
}

// pauseWorkflow stops claims of the workflow until it has room again, or maxPause has passed.
func (c *claimed) pauseWorkflow(id string, room <-chan struct{}) {
	x := c.executor
	x.mu.Lock()
	defer x.mu.Unlock()
	c.workflow.oneByOne = true
	if c.workflow.paused {
		return
	}
	c.workflow.paused = true
	x.done.Go(func() {
		late := time.NewTimer(maxPause)
		defer late.Stop()
		select {
		case <-room:
		case <-late.C:
		case <-x.quitting:
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		c.workflow.paused = false
		x.workflows.drop(id)
		x.changedRoom(c.workflow)
	})
}

// end is called when the executor is done with the execution.
func (c *claimed) end(id string) {
	c.passTurn()
	x := c.executor
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claimed--
	c.workflow.claimed--
	if !c.hasSlot {
		c.workflow.waiting--
	}
	x.workflows.drop(id)
	x.changedRoom(c.workflow)
}
