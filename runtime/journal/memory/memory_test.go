package memory_test

import (
	"errors"
	"fmt"
	"slices"
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
		At: func(_ string, maxPending int) journal.Journal {
			return memory.New(memory.Options{MaxPending: maxPending, AcceptLoss: true})
		},
		Bounded: func(_ string, bytes int64) journal.Journal {
			return memory.New(memory.Options{MaxBytes: bytes, AcceptLoss: true})
		},
		Durability: journal.Memory,
	})
}

func TestDefaultMaxPending(t *testing.T) {
	j := memory.New(memory.Options{AcceptLoss: true})
	for i := range memory.DefaultMaxPending {
		if err := j.Accept(t.Context(), &journal.Entry{ID: strconv.Itoa(i), Workflow: strconv.Itoa(i % 2)}); err != nil {
			t.Fatalf("accepting entry %d: %v", i, err)
		}
	}
	if err := j.Accept(t.Context(), &journal.Entry{ID: "one more"}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("accepting one more: %v, want %v", err, journal.ErrFull)
	}
}

// TestLossHasToBeAllowed: without AcceptLoss it rejects what it cannot promise, and does everything
// else.
func TestLossHasToBeAllowed(t *testing.T) {
	j := memory.New(memory.Options{})
	if err := j.Accept(t.Context(), &journal.Entry{ID: "exec-1"}); !errors.Is(err, journal.ErrVolatile) {
		t.Errorf("accepting: %v", err)
	}
	if _, err := j.Adopt(t.Context(), &journal.Entry{ID: "exec-1"}); !errors.Is(err, journal.ErrVolatile) {
		t.Errorf("adopting: %v", err)
	}
	if err := j.Put(t.Context(), journal.Ended{Record: &journal.Record{Summary: journal.Summary{ID: "exec-1"}}}); err != nil {
		t.Errorf("recording: %v", err)
	}
}

// TestRecordsAreBounded: the oldest go first.
func TestRecordsAreBounded(t *testing.T) {
	j := memory.New(memory.Options{})
	id := func(n int) string { return fmt.Sprintf("exec-%026d", n) }
	for n := range memory.MaxRecords + 1 {
		r := &journal.Record{Summary: journal.Summary{ID: id(n)}}
		if err := j.Put(t.Context(), journal.Ended{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Get(t.Context(), id(0)); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("the oldest: %v", err)
	}
	if _, err := j.Get(t.Context(), id(1)); err != nil {
		t.Errorf("the one after: %v", err)
	}
}

// TestReleaseWaits checks when a delayed release comes back, which the suite cannot do without a
// clock.
func TestReleaseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.New(memory.Options{MaxPending: 2, AcceptLoss: true})
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

// TestKeysAreBounded: expired keys make room. Otherwise keys are rejected, first those of the
// workflow that has most.
func TestKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.New(memory.Options{})
		reservation := func(workflow string, n int) journal.Reservation {
			return journal.Reservation{
				ID: workflow + strconv.Itoa(n), Workflow: workflow,
				Key: journal.Key{Text: strconv.Itoa(n), Until: time.Now().Add(time.Hour)},
			}
		}
		fill := func(workflow string, keys int) {
			t.Helper()
			for n := range keys {
				if err := j.Reserve(t.Context(), reservation(workflow, n)); err != nil {
					t.Fatalf("key %d of %s: %v", n, workflow, err)
				}
			}
			if err := j.Reserve(t.Context(), reservation(workflow, keys)); !errors.Is(err, journal.ErrFull) {
				t.Fatalf("one more of %s: %v, want %v", workflow, err, journal.ErrFull)
			}
		}
		for range 2 {
			fill("a", memory.MaxKeys*3/4)
			fill("b", memory.MaxKeys/4)
			time.Sleep(time.Hour)
		}
	})
}

// TestRetention: expired records are not shown, and a record may have any size.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.New(memory.Options{})
		put := func(id string) {
			t.Helper()
			r := &journal.Record{Summary: journal.Summary{ID: id, AcceptedAt: time.Now()}}
			source := &journal.Entry{ID: id, Data: make([]byte, memory.MaxRecordBytes/2)}
			if err := j.Put(t.Context(), journal.Ended{Record: r, Source: source}); err != nil {
				t.Fatal(err)
			}
		}
		want := func(ids ...string) {
			t.Helper()
			page, err := j.List(t.Context(), journal.Query{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range page.Rows {
				got = append(got, row.ID)
			}
			if !slices.Equal(got, ids) {
				t.Errorf("records %v, want %v", got, ids)
			}
		}
		put("exec-1")
		time.Sleep(time.Hour)
		put("exec-2")
		want("exec-2") // there is no room for both
		time.Sleep(memory.Retention + 1)
		want()
		if _, err := j.Get(t.Context(), "exec-2"); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("reading an expired record: %v", err)
		}
		if _, err := j.Source(t.Context(), "exec-2"); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("rerunning it: %v", err)
		}
	})
}
