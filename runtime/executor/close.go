package executor

import (
	"context"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
)

// Drain stops running executions: it claims no more and waits for those that run. When ctx ends, it
// aborts them. A journal that outlives the process goes on accepting until Close, since what it
// accepts is run by other processes or when it is opened again. Any other journal is closed.
// Drain is idempotent.
func (x *Executor) Drain(ctx context.Context) {
	if !x.outlivesProcess() {
		x.Close(ctx)
		return
	}
	x.drain.Do(func() { x.endRuns(ctx) })
}

// Close drains the executor and closes the journal. It accepts nothing new and waits for running
// executions. If the journal does not outlive the process and there is a runner, it waits for
// pending ones too. When ctx ends, it aborts the executions that still run. It returns the number
// of executions that did not end; a journal that outlives the process hands them out when it is
// opened again. Close is idempotent.
func (x *Executor) Close(ctx context.Context) (left int) {
	x.close.Do(func() {
		x.accepting.Close()
		<-x.accepting.Drained()
		x.drain.Do(func() { x.endRuns(ctx) })
		x.recorder.Close(ctx)
		x.left = x.countUnfinished()
		// Ignore the error: earlier calls have reported it and the caller cannot act on it.
		_ = x.journal.Close()
	})
	return x.left
}

// endRuns waits until nothing runs. When ctx ends, it aborts what does.
func (x *Executor) endRuns(ctx context.Context) {
	x.mu.Lock()
	x.draining = true
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
	if r := journal.RetiringOf(x.journal); r != nil {
		r.Retire()
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

// quitWhenDrained ends claiming if the executor drains and no execution is left to run.
func (x *Executor) quitWhenDrained() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.draining || x.active > 0 {
		return
	}
	// An execution that was just claimed may not be counted as active yet. But it is leased, so the
	// journal counts it as running.
	if s, err := x.stats(); err != nil || s.Pending+s.Running == 0 {
		x.quit()
	}
}

func (x *Executor) stats() (journal.Stats, error) {
	ctx, cancel := journalContext(x.aborted)
	defer cancel()
	return x.journal.Stats(ctx)
}

// countUnfinished returns the number of executions that did not end. It is called when none runs
// any more.
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
