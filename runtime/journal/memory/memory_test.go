package memory_test

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/journaltest"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	journaltest.Run(t, journaltest.Engine{
		New:        func(_ *testing.T, maxPending int) journal.Journal { return memory.New(maxPending) },
		Durability: journal.Memory,
	})
}

func TestDefaultMaxPending(t *testing.T) {
	j := memory.New(0)
	for i := range memory.DefaultMaxPending {
		if err := j.Accept(t.Context(), &journal.Entry{ID: strconv.Itoa(i)}); err != nil {
			t.Fatalf("accepting entry %d: %v", i, err)
		}
	}
	if err := j.Accept(t.Context(), &journal.Entry{ID: "one more"}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("accepting one more: %v, want %v", err, journal.ErrFull)
	}
}

// TestReleaseWaits pins when a delayed release comes back, which the suite cannot do without a clock.
func TestReleaseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.New(2)
		defer j.Close()
		if err := j.Accept(t.Context(), &journal.Entry{ID: "exec-1"}); err != nil {
			t.Fatal(err)
		}
		l, err := j.Claim(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		released := time.Now()
		if err := l.Release(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Claim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(released); waited != time.Minute {
			t.Errorf("claimed again after %v, want 1m", waited)
		}
	})
}

func TestReleaseAfterClose(t *testing.T) {
	j := memory.New(1)
	if err := j.Accept(t.Context(), &journal.Entry{ID: "exec-1"}); err != nil {
		t.Fatal(err)
	}
	l, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{time.Hour, 0} {
		if err := l.Release(t.Context(), after); err != nil {
			t.Errorf("releasing: %v", err)
		}
	}
	stats, err := j.Stats(t.Context())
	if err != nil || stats.Pending != 1 {
		t.Errorf("stats %+v, %v; want one pending", stats, err)
	}
}
