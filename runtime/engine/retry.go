package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// backoff is the wait after so many failed attempts: Backoff, twice that, four times, up to
// MaxBackoff, of which one half is certain and the other random. (Equal jitter, as in the AWS
// Architecture Blog's "Exponential Backoff And Jitter": executions that failed together do not come
// back together, and none comes back at once.) random is in [0, 1).
func backoff(r flow.Retry, failed int, random float64) time.Duration {
	d := min(r.Backoff, r.MaxBackoff)
	for i := 1; i < failed && d < r.MaxBackoff; i++ {
		d = min(2*d, r.MaxBackoff)
	}
	return d/2 + time.Duration(random*float64(d-d/2))
}

// pause waits after a failed attempt: the backoff, or what the server of its last request has asked
// for, if that is longer, but no more than MaxBackoff. It is false when ctx ended first.
func pause(ctx context.Context, r flow.Retry, failed int, asked time.Duration) bool {
	return sleep(ctx, max(backoff(r, failed, rand.Float64()), min(asked, r.MaxBackoff)))
}

// retryAfter is how long the server of an answer asks to be left alone (RFC 9110, section 10.2.3):
// seconds, or until a date. It is 0 when it does not, when that is malformed or past, and for a
// status that is not worth another attempt.
func retryAfter(answer []byte, now time.Time) time.Duration {
	status, err := strconv.Atoi(string(rawjson.Get(answer, "status")))
	if err != nil || !hostapi.RetryableStatus(status) {
		return 0
	}
	text := string(rawjson.Text(rawjson.Get(rawjson.Get(answer, "headers"), "retry-after")))
	// What is out of range gives the largest number, which is a long time as well.
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
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
