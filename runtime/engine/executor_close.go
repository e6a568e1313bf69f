package engine

import (
	"context"

	"github.com/flowtrux/edge/runtime/journal"
)

// Close accepts nothing more and ends the executor when its work is done, or when ctx ends: then it
// cuts off what runs. It waits for what runs, and in a journal that keeps nothing, if there is a
// runner, also for what is pending. Then it closes the journal. It returns how many executions did
// not end; a journal that keeps them hands them out when it is opened again. It is idempotent.
func (x *Executor) Close(ctx context.Context) (left int) {
	x.close.Do(func() {
		x.mu.Lock()
		x.closing = true
		if x.keeps() || len(x.runners) == 0 {
			x.quit()
		}
		x.mu.Unlock()
		x.quitWhenDrained()

		idle := make(chan struct{})
		go func() { x.done.Wait(); close(idle) }()
		select {
		case <-idle:
		case <-ctx.Done():
			x.mu.Lock()
			x.quit()
			x.mu.Unlock()
			x.cut(errShutdown)
			<-idle
		}
		x.cut(errShutdown)
		x.mender.ended.Wait()
		x.recorder.close(ctx)
		x.left = x.unfinished()
		// An engine that cannot close has told so in the calls before; here is nobody to act on it.
		_ = x.journal.Close()
	})
	return x.left
}

// keeps tells whether entries outlive this process.
func (x *Executor) keeps() bool { return x.journal.Durability() != journal.Memory }

// quit ends claiming for good. The caller holds the lock.
func (x *Executor) quit() {
	if x.isQuitting() {
		return
	}
	close(x.quitting)
	if x.noClaims != nil {
		x.noClaims()
	}
	x.changed.Broadcast()
}

// quitWhenDrained ends claiming when the executor is closing and there is nothing left to run.
func (x *Executor) quitWhenDrained() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.closing || x.active > 0 {
		return
	}
	// What was claimed a moment ago and is not counted as active yet is leased, so it is running
	// here.
	if s, err := x.stats(); err != nil || s.Pending+s.Running == 0 {
		x.quit()
	}
}

func (x *Executor) stats() (journal.Stats, error) {
	ctx, cancel := lasting(x.hard)
	defer cancel()
	return x.journal.Stats(ctx)
}

// unfinished counts the executions that did not end, when nothing runs any more.
func (x *Executor) unfinished() int {
	if !x.keeps() {
		if s, err := x.stats(); err == nil {
			return s.Pending + s.Running
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cutOff
}
