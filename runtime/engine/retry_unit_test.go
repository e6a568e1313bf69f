package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowtrux/edge/runtime/flow"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 6, 8, 49, 37, 0, time.UTC)
	answer := func(status int, header string) []byte {
		h, _ := json.Marshal(map[string]string{"content-type": "text/plain", "retry-after": header})
		return fmt.Appendf(nil, `{"status":%d,"headers":%s,"body":""}`, status, h)
	}
	for _, c := range []struct {
		answer []byte
		want   time.Duration
	}{
		{answer(429, "2"), 2 * time.Second},
		{answer(503, "120"), 2 * time.Minute},
		{answer(408, "1"), time.Second},
		{answer(425, "1"), time.Second},
		{answer(500, "007"), 7 * time.Second},
		{answer(599, "1"), time.Second},
		{answer(429, "0"), 0},
		{answer(503, "Fri, 06 Nov 2026 08:49:40 GMT"), 3 * time.Second},
		{answer(503, "Friday, 06-Nov-26 08:49:40 GMT"), 3 * time.Second},
		{answer(503, "Fri Nov  6 08:49:40 2026"), 3 * time.Second},
		{answer(503, "Fri, 06 Nov 2026 08:49:30 GMT"), 0},
		{answer(503, "Fri, 31 Dec 9999 23:59:59 GMT"), 1<<63 - 1},
		{answer(429, "99999999999999999999999999"), (1<<32 - 1) * time.Second},
		{answer(429, "-5"), 0},
		{answer(429, "+5"), 0},
		{answer(429, "1.5"), 0},
		{answer(429, "1e3"), 0},
		{answer(429, "5 s"), 0},
		{answer(429, "soon"), 0},
		{answer(429, ""), 0},
		{answer(200, "2"), 0},
		{answer(301, "2"), 0},
		{answer(404, "2"), 0},
		{[]byte(`{"status":429,"headers":{}}`), 0},
		{[]byte(`{"status":429,"headers":{"retry-after":["2"]}}`), 0},
		{[]byte(`{"status":429}`), 0},
		{[]byte(`{}`), 0},
		{[]byte(`"ok"`), 0},
		{nil, 0},
	} {
		if got := retryAfter(c.answer, now); got != c.want {
			t.Errorf("%s: %v, want %v", c.answer, got, c.want)
		}
	}
}

func TestPauseIsTheLongerOfTwo(t *testing.T) {
	const second = time.Second
	for _, c := range []struct{ backoff, most, asked, atLeast, atMost time.Duration }{
		{100 * time.Millisecond, 30 * second, 2 * second, 2 * second, 2 * second},
		{10 * second, 30 * second, 2 * second, 5 * second, 10 * second},
		{second, 3 * second, time.Hour, 3 * second, 3 * second},
		{second, 3 * second, 0, second / 2, second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			pauses := newBackoff(flow.Retry{Backoff: c.backoff, MaxBackoff: c.most})
			pause(t.Context(), &pauses, c.asked)
			if waited := time.Since(began); waited < c.atLeast || waited > c.atMost {
				t.Errorf("%+v: waited %v", c, waited)
			}
		})
	}
}
