package backoff_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
)

func next(e *backoff.Exponential, n int) []time.Duration {
	pauses := make([]time.Duration, n)
	for i := range pauses {
		pauses[i] = e.Next()
	}
	return pauses
}

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	for name, c := range map[string]struct {
		backoff.Exponential
		want []time.Duration
	}{
		"doubling":             {backoff.Exponential{First: 1, Max: 100}, []time.Duration{1, 2, 4, 8}},
		"capped":               {backoff.Exponential{First: 3, Max: 10}, []time.Duration{3, 6, 10, 10}},
		"longest below first":  {backoff.Exponential{First: 3, Max: 1}, []time.Duration{3, 3, 3}},
		"the zero value":       {backoff.Exponential{}, []time.Duration{0, 0}},
		"the longest duration": {backoff.Exponential{First: 1 << 61, Max: 1<<62 - 1}, []time.Duration{1 << 61, 1<<62 - 1, 1<<62 - 1}},
	} {
		if got := next(&c.Exponential, len(c.want)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		c.Reset()
		if got := c.Next(); got != c.want[0] {
			t.Errorf("%s, after Reset: %d, want %d", name, got, c.want[0])
		}
	}
}

func TestJitterShortensPauses(t *testing.T) {
	for range 1000 {
		if d := backoff.Jitter(time.Second, 0.5); d < time.Second/2 || d > time.Second {
			t.Fatalf("half of 1s is random: %s", d)
		}
		if d := backoff.Jitter(time.Second, 1); d < 0 || d > time.Second {
			t.Fatalf("all of 1s is random: %s", d)
		}
	}
	e := backoff.Exponential{First: time.Second, Max: time.Minute, Jitter: 1}
	next(&e, 5)
	if d := e.Next(); d > 32*time.Second {
		t.Errorf("the sixth pause is %s; jitter must not shift what follows", d)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := backoff.Exponential{First: time.Hour, Max: time.Hour}
		start := time.Now()
		if err := e.Wait(t.Context()); err != nil || time.Since(start) != time.Hour {
			t.Errorf("waited for %s, %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		if err := e.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("waited for %s, %v", time.Since(start), err)
		}
	})
}
