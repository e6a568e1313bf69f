package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// journalTimeout bounds one call to the journal that ends a piece of work. Such a call is not
// canceled with the work: finished work must be stored.
const journalTimeout = 10 * time.Second

// journalContext returns a context for such a call.
func journalContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
}

// shareFor is how long the calls begin that share a context of journalCalls.
const shareFor = time.Second

// journalCalls has contexts for such calls, which need no values. Calls that begin within shareFor
// share one, as a context with a timer for each costs more than what most calls do. So they end
// after journalTimeout and at most shareFor more. It is safe for concurrent use.
type journalCalls struct {
	mu    sync.Mutex
	ctx   context.Context
	until time.Time // when calls need another one
}

func (c *journalCalls) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.ctx == nil || !now.Before(c.until) {
		ctx, cancel := context.WithTimeout(context.Background(), journalTimeout+shareFor)
		context.AfterFunc(ctx, cancel)
		c.ctx, c.until = ctx, now.Add(shareFor)
	}
	return c.ctx
}

// whileHeld returns a context for the execution of an entry. It ends with the executor, or if the
// lease is lost, as extendLease says.
func (x *Executor) whileHeld(l journal.Lease) (ctx context.Context, stop func()) {
	if l.TTL() <= 0 {
		return x.aborted, func() {}
	}
	ctx, cancel := context.WithCancelCause(x.aborted)
	stopExtending := extendLease(l, cancel)
	return ctx, func() { stopExtending(); cancel(nil) }
}

// extendLease extends a lease until stop is called. It calls lost if the lease is lost, if it is
// about to lapse because it cannot be extended, or if its execution was canceled. It does nothing
// for a lease that does not lapse.
func extendLease(l journal.Lease, lost func(error)) (stop func()) {
	ttl := l.TTL()
	if ttl <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		extended := time.Now()
		for backoff.Sleep(ctx, ttl/3) == nil {
			begun := time.Now()
			attempt, done := context.WithTimeout(ctx, ttl/3)
			err := l.Extend(attempt)
			done()
			switch {
			case err == nil:
				extended = begun
			case ctx.Err() != nil:
				return
			case errors.Is(err, journal.ErrCancelled):
				lost(err)
				return
			// a retry would come too late
			case errors.Is(err, journal.ErrLeaseLost), time.Since(extended) >= ttl-ttl/3:
				lost(fmt.Errorf("%w: %w", journal.ErrLeaseLost, err))
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
