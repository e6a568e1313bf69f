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
	for {
		select {
		case x.workers <- struct{}{}:
		case <-x.quitting:
			return
		}
		l, r := x.next()
		if l == nil {
			return
		}
		x.mu.Lock()
		x.active++
		x.done.Add(1)
		x.mu.Unlock()
		go func() {
			defer x.leave()
			defer func() { <-x.workers }()
			x.work(r, l)
		}()
	}
}

// claimRetry is the wait after a claim, or another call to the journal, that failed.
const claimRetry = time.Second

// next waits for a runner and an entry. It is nil when nothing is claimed any more.
func (x *Executor) next() (journal.Lease, *Runner) {
	for {
		ctx, r := x.runner()
		if r == nil {
			return nil, nil
		}
		l, err := x.journal.Claim(ctx)
		switch {
		case err == nil:
			if now := x.current(); now != nil {
				return l, now
			}
			x.giveBack(r, l, 0) // the last runner went meanwhile
		case errors.Is(err, journal.ErrClosed):
			return nil, nil
		case ctx.Err() == nil:
			r.Engine.config.Logger.Error("claiming from the journal failed", zap.Error(err))
			sleep(ctx, claimRetry)
		}
	}
}

// runner waits for a runner and returns it with the context of claims. It is nil when nothing is claimed any more.
func (x *Executor) runner() (context.Context, *Runner) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for !x.isQuitting() {
		if r := x.last(); r != nil {
			return x.claims, r
		}
		x.changed.Wait()
	}
	return nil, nil
}

// current is the current runner, nil when there is none.
func (x *Executor) current() *Runner {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.last()
}

// last is current for a caller who holds the lock.
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
