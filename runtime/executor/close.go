package executor

import (
	"context"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
)

// Close accepts nothing more and ends the executor when its work is done, or when ctx ends: then it
// aborts what runs. It waits for what runs and, when the journal does not outlive the process and
// there is a runner, also for what is pending. Then it closes the journal. It returns how many
// executions did not end; a journal that outlives the process hands them out when it is opened
// again. Close is idempotent.
func (x *Executor) Close(ctx context.Context) (left int) {
	x.close.Do(func() {
		x.mu.Lock()
		x.closing = true
		if x.outlivesProcess() || len(x.runners) == 0 {
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
			x.abort(engine.ErrShutdown)
			<-idle
		}
		x.abort(engine.ErrShutdown)
		x.retrier.done.Wait()
		x.recorder.Close(ctx)
		x.left = x.countUnfinished()
		// Ignore the error: earlier calls have reported it and the caller cannot act on it.
		_ = x.journal.Close()
	})
	return x.left
}

// outlivesProcess reports whether entries of the journal outlive this process.
func (x *Executor) outlivesProcess() bool { return x.journal.Durability() != journal.Memory }

// quit ends claiming for good. The caller holds the lock.
func (x *Executor) quit() {
	if x.isQuitting() {
		return
	}
	close(x.quitting)
	if x.stopClaims != nil {
		x.stopClaims()
	}
	x.changed.Broadcast()
}

// isQuitting reports whether quit was called.
func (x *Executor) isQuitting() bool {
	select {
	case <-x.quitting:
		return true
	default:
		return false
	}
}

// quitWhenDrained ends claiming when the executor is closing and there is nothing left to run.
func (x *Executor) quitWhenDrained() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.closing || x.active > 0 {
		return
	}
	// What was claimed a moment ago and is not counted as active yet is leased, so the journal says
	// that it is running.
	if s, err := x.stats(); err != nil || s.Pending+s.Running == 0 {
		x.quit()
	}
}

func (x *Executor) stats() (journal.Stats, error) {
	ctx, cancel := journalContext(x.aborted)
	defer cancel()
	return x.journal.Stats(ctx)
}

// countUnfinished returns how many executions did not end, when nothing runs any more.
func (x *Executor) countUnfinished() int {
	if !x.outlivesProcess() {
		if s, err := x.stats(); err == nil {
			return s.Pending + s.Running
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.unfinished
}
