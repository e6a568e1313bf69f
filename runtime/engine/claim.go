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
		case err == nil && ctx.Err() == nil:
			return l, r
		case err == nil: // the last runner went meanwhile
			x.giveBack(r, l, 0)
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
		if n := len(x.runners); n > 0 {
			return x.claims, x.runners[n-1]
		}
		x.changed.Wait()
	}
	return nil, nil
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
