package executor

import (
	"context"
	"errors"
	"fmt"
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
