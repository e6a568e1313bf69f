package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
)

// backoff is the wait after so many failed attempts: Backoff, twice that, four times, up to MaxBackoff, of which one
// half is certain and the other random. (Equal jitter, as in the AWS Architecture Blog's "Exponential Backoff And Jitter":
// executions that failed together do not come back together, and none comes back at once.) random is in [0, 1).
func backoff(r flow.Retry, failed int, random float64) time.Duration {
	d := min(r.Backoff, r.MaxBackoff)
	for i := 1; i < failed && d < r.MaxBackoff; i++ {
		d = min(2*d, r.MaxBackoff)
	}
	return d/2 + time.Duration(random*float64(d-d/2))
}

// pause waits after a failed attempt. It is false when ctx ended first.
func pause(ctx context.Context, r flow.Retry, failed int) bool {
	return sleep(ctx, backoff(r, failed, rand.Float64()))
}

// sleep waits for d. It is false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
