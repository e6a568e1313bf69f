package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// journalWait bounds one call to the journal. The calls that end a piece of work are not cut short
// with it: what was done is to be kept.
const journalWait = 10 * time.Second

// lasting is a context for such a call.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), journalWait)
}

// checkpoint keeps a step, also when ctx has ended.
func checkpoint(ctx context.Context, l journal.Lease, s journal.Step) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	return l.Checkpoint(ctx, s)
}

// keepLease extends a lease until stop is called. When it is lost, or soon will be because it
// cannot be extended, lost is called; also when its execution was cancelled. A lease that does not
// lapse needs none of it.
func keepLease(l journal.Lease, lost func(error)) (stop func()) {
	ttl := l.TTL()
	if ttl <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		extended := time.Now()
		for sleep(ctx, ttl/3) {
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
			// another try would come too late
			case errors.Is(err, journal.ErrLeaseLost), time.Since(extended) >= ttl-ttl/3:
				lost(fmt.Errorf("%w: %w", journal.ErrLeaseLost, err))
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
