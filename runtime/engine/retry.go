package engine

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// newBackoff returns the backoff between the attempts of a node. Half of each pause is random
// ("equal jitter" in the AWS Architecture Blog's "Exponential Backoff And Jitter"). So executions
// that failed together do not retry together, and none retries at once.
func newBackoff(r flow.Retry) backoff.Exponential {
	return backoff.Exponential{First: min(r.Backoff, r.MaxBackoff), Max: r.MaxBackoff, Jitter: 0.5}
}

// pause waits after a failed attempt, for the backoff or, if longer, for the time that the server
// asked for. It waits no longer than MaxBackoff. It returns false if ctx has ended.
func pause(ctx context.Context, b *backoff.Exponential, asked time.Duration) bool {
	return backoff.Sleep(ctx, max(b.Next(), min(asked, b.Max))) == nil
}

// retryAfter returns the wait that a response asks for in Retry-After (RFC 9110, section 10.2.3),
// in seconds or as a date. It returns 0 if there is none, if it is malformed or past, and for a
// status that is not retried.
func retryAfter(response []byte, now time.Time) time.Duration {
	status, err := strconv.Atoi(string(rawjson.Get(response, "status")))
	if err != nil || !hostapi.RetryableStatus(status) {
		return 0
	}
	text := string(rawjson.Text(rawjson.Get(rawjson.Get(response, "headers"), "retry-after")))
	// A number that is out of range becomes the largest one, which is a long time as well.
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
