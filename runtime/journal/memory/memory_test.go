package memory_test

import (
	"errors"
	"fmt"
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
		Durability: journal.Memory,
	})
}

func TestDefaultMaxPending(t *testing.T) {
	j := memory.New(memory.Options{AcceptLoss: true})
	for i := range memory.DefaultMaxPending {
		if err := j.Accept(t.Context(), &journal.Entry{ID: strconv.Itoa(i)}); err != nil {
			t.Fatalf("accepting entry %d: %v", i, err)
		}
	}
	if err := j.Accept(t.Context(), &journal.Entry{ID: "one more"}); !errors.Is(err, journal.ErrFull) {
		t.Errorf("accepting one more: %v, want %v", err, journal.ErrFull)
	}
}

// TestLossHasToBeAllowed: it promises nothing that it does not keep, and does all the rest.
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

// TestReleaseWaits pins when a delayed release comes back, which the suite cannot do without a clock.
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

// TestKeysAreBounded: those that have expired make room, live ones make the journal refuse.
func TestKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := memory.New(memory.Options{})
		reservation := func(n int) journal.Reservation {
			return journal.Reservation{ID: strconv.Itoa(n), Workflow: "w", Key: journal.Key{Text: strconv.Itoa(n), Until: time.Now().Add(time.Hour)}}
		}
		fill := func() {
			t.Helper()
			for n := range memory.MaxKeys {
				if err := j.Reserve(t.Context(), reservation(n)); err != nil {
					t.Fatalf("key %d: %v", n, err)
				}
			}
			if err := j.Reserve(t.Context(), reservation(memory.MaxKeys)); !errors.Is(err, journal.ErrFull) {
				t.Fatalf("one more: %v, want %v", err, journal.ErrFull)
			}
		}
		fill()
		time.Sleep(time.Hour)
		fill()
		large := reservation(0)
		if err := j.Settle(t.Context(), large, make([]byte, memory.MaxKeyBytes)); err != nil {
			t.Fatal(err)
		}
		for n := 1; n < memory.MaxKeys; n++ {
			if err := j.Free(t.Context(), reservation(n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Reserve(t.Context(), reservation(1)); !errors.Is(err, journal.ErrFull) {
			t.Errorf("with large responses: %v, want %v", err, journal.ErrFull)
		}
		if err := j.Free(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		if err := j.Reserve(t.Context(), reservation(1)); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}
