package engine

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/journal"
)

// claim is the goroutine that claims entries and starts an execution for each.
func (x *Executor) claim() {
	var except []string
	for {
		var t turn
		if t, except = x.turn(except[:0]); t.runner == nil {
			return
		}
		l, err := x.journal.Claim(t.ctx, except...)
		ended := t.ctx.Err() != nil
		t.over()
		switch {
		case err == nil:
			x.start(t.runner, l)
		case errors.Is(err, journal.ErrClosed):
			return
		case !ended:
			t.runner.Engine.config.Logger.Error("claiming from the journal failed", zap.Error(err))
			sleep(t.claims, claimRetry)
		}
	}
}

// claimRetry is the wait after a claim, or another call to the journal, that failed.
const claimRetry = time.Second

// turn is what a claim is made for.
type turn struct {
	runner *Runner         // nil = nothing is claimed any more
	claims context.Context // of all claims
	ctx    context.Context // of this one
	over   func()          // to be called when it was made
}

// turn waits until there is a runner, and room for another execution beside those that were
// claimed. It appends the workflows of which none is wanted; when one of them may have another one,
// the claim is made anew.
func (x *Executor) turn(dst []string) (turn, []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for !x.isQuitting() {
		r := x.last()
		if r == nil || x.claimed >= x.most(r) {
			x.changed.Wait()
			continue
		}
		except := x.lanes.except(dst, journal.Share(x.most(r)))
		if x.anew = nil; len(except) == 0 {
			return turn{r, x.claims, x.claims, func() {}}, except
		}
		ctx, cancel := context.WithCancel(x.claims)
		x.anew = cancel
		return turn{r, x.claims, ctx, cancel}, except
	}
	return turn{}, dst
}

// most is how many claimed executions there may be: a long backlog must not take all slots from
// senders who wait.
func (x *Executor) most(r *Runner) int {
	return min(x.workers, (r.Engine.config.Limits.Executions+1)/2)
}

// changedLane is called when there may be room to claim, or to claim something of a lane that was
// not wanted before. The caller holds the lock.
func (x *Executor) changedLane(l *lane) {
	x.changed.Broadcast()
	r := x.last()
	if x.anew != nil && l.excepted && r != nil && !l.closed(journal.Share(x.most(r))) {
		x.anew()
		x.anew = nil
	}
}

// start begins to work on what was claimed.
func (x *Executor) start(r *Runner, l journal.Lease) {
	workflow := l.Entry().Workflow
	x.mu.Lock()
	if now := x.last(); now != nil {
		r = now
	} else { // the last runner went meanwhile
		x.mu.Unlock()
		x.giveBack(r, l, 0)
		return
	}
	x.active++
	x.done.Add(1)
	x.claimed++
	own := x.lanes.of(workflow)
	own.claimed++
	own.waiting++
	before, entered := own.last, make(chan struct{})
	own.last = entered
	x.mu.Unlock()
	go func() {
		c := &claimed{executor: x, lane: own, before: before, entered: entered}
		defer x.leave()
		defer c.end(workflow)
		x.work(r, l, c)
	}()
}

// claimed is a claimed execution on its way through its workflow's lane.
type claimed struct {
	executor *Executor
	lane     *lane
	before   <-chan struct{} // closed when the one before it has its place; nil = there is none
	entered  chan<- struct{} // to be closed; nil = it was
	hasSlot  bool
}

// takesPlace waits until the execution that was claimed before it has its place in the line for
// slots: executions of one workflow begin in the order in which they were accepted.
func (c *claimed) takesPlace(ctx context.Context) {
	if c.before == nil {
		return
	}
	select {
	case <-c.before:
	case <-ctx.Done():
	}
}

// tookPlace lets the next one take its place.
func (c *claimed) tookPlace() {
	if c.entered != nil {
		close(c.entered)
		c.entered = nil
	}
}

// tookSlot notes that it has its slot.
func (c *claimed) tookSlot() {
	c.executor.mu.Lock()
	defer c.executor.mu.Unlock()
	c.hasSlot = true
	c.lane.waiting--
	c.executor.changedLane(c.lane)
}

// heldBack claims no more of its workflow until there is room for it, or a while has passed.
func (c *claimed) heldBack(workflow string, room <-chan struct{}) {
	x := c.executor
	x.mu.Lock()
	defer x.mu.Unlock()
	c.lane.narrow = true
	if c.lane.held {
		return
	}
	c.lane.held = true
	x.done.Go(func() {
		late := time.NewTimer(heldBackAtMost)
		defer late.Stop()
		select {
		case <-room:
		case <-late.C:
		case <-x.quitting:
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		c.lane.held = false
		x.lanes.drop(workflow)
		x.changedLane(c.lane)
	})
}

// end is called when the executor has nothing more to do with the execution.
func (c *claimed) end(workflow string) {
	c.tookPlace()
	x := c.executor
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claimed--
	c.lane.claimed--
	if !c.hasSlot {
		c.lane.waiting--
	}
	x.lanes.drop(workflow)
	x.changedLane(c.lane)
}

// last is the current runner, nil when there is none. The caller holds the lock.
func (x *Executor) last() *Runner {
	if len(x.runners) == 0 {
		return nil
	}
	return x.runners[len(x.runners)-1]
}

// isQuitting tells whether quit was called.
func (x *Executor) isQuitting() bool {
	select {
	case <-x.quitting:
		return true
	default:
		return false
	}
}
