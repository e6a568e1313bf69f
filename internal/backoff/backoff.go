// Package backoff computes the pauses between attempts: exponential, capped, with jitter.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Exponential is a sequence of pauses, each at most twice as long as the one before. Its zero value
// has no pauses. It is not safe for concurrent use.
type Exponential struct {
	First time.Duration // the first pause, before jitter
	Max   time.Duration // the longest pause, before jitter; less than First means First

	// Jitter is the part of each pause that is random, from 0 for none to 1 for all of it. Clients
	// that failed together then do not come back together.
	Jitter float64

	last time.Duration // before jitter; 0 = the next pause is the first one
}

// Next returns the next pause.
func (e *Exponential) Next() time.Duration {
	e.last = max(e.First, min(2*e.last, e.Max))
	return Jitter(e.last, e.Jitter)
}

// Wait waits for the next pause. It returns the context's error if ctx ends first.
func (e *Exponential) Wait(ctx context.Context) error { return Sleep(ctx, e.Next()) }

// Reset makes the next pause the first one again.
func (e *Exponential) Reset() { e.last = 0 }

// Jitter returns d less a random part of it; fraction is the largest such part, from 0 to 1.
func Jitter(d time.Duration, fraction float64) time.Duration {
	return d - time.Duration(rand.Float64()*fraction*float64(d))
}

// Sleep waits for d. It returns the context's error if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
