package slots

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// line is a queue of waiting executions, with those that have their slot.
type line struct {
	permits *Slots
	mu      sync.Mutex
	in      []string
}

// wait starts a waiter on a goroutine and returns when it is in its queue.
func (l *line) wait(ctx context.Context, name, workflow string, limit int, wait time.Duration, patient bool) <-chan error {
	result := make(chan error, 1)
	go func() {
		err := l.permits.Acquire(ctx, workflow, limit, wait, patient, nil)
		if err == nil {
			l.mu.Lock()
			l.in = append(l.in, name)
			l.mu.Unlock()
		}
		result <- err
	}()
	synctest.Wait()
	return result
}

func (l *line) want(t *testing.T, names ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.in) // waiters that get slots together are seen in any order
	if !slices.Equal(l.in, names) {
		t.Fatalf("let in %v, want %v", l.in, names)
	}
}

func TestSlotsServeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(2)}
		for _, name := range []string{"1", "2", "3", "4", "5"} {
			l.wait(t.Context(), name, "w"+name, 0, time.Minute, false)
		}
		l.want(t, "1", "2")
		l.permits.Release("w2")
		l.want(t, "1", "2", "3")
		l.permits.Release("w1")
		l.permits.Release("w3")
		l.want(t, "1", "2", "3", "4", "5")
	})
}

func TestSlotsOfOneWorkflowDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(4)}
		l.wait(t.Context(), "a1", "a", 1, time.Minute, false)
		l.wait(t.Context(), "a2", "a", 1, time.Minute, false)
		l.wait(t.Context(), "a3", "a", 1, time.Minute, false)
		l.wait(t.Context(), "b1", "b", 0, time.Minute, false)
		l.want(t, "a1", "b1")
		l.permits.Release("a")
		l.want(t, "a1", "a2", "b1")
	})
}

func TestSlotsNameTheLimit(t *testing.T) {
	for _, c := range []struct {
		name    string
		size    int
		limit   int
		patient bool
		want    error
	}{
		{"the workflow's", 2, 1, false, ErrWorkflowBusy},
		{"the workflow's, patient", 2, 1, true, ErrWorkflowBusy},
		{"the server's", 1, 2, false, ErrServerBusy},
		{"both: the workflow's line is the first", 1, 1, false, ErrWorkflowBusy},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(c.size)
				if err := p.Acquire(t.Context(), "a", c.limit, time.Second, false, nil); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if err := p.Acquire(t.Context(), "a", c.limit, time.Second, c.patient, nil); !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if waited := time.Since(begun); waited != time.Second {
					t.Errorf("waited %v, want 1s", waited)
				}
				p.Release("a")
				if p.InUse() != 0 || len(p.workflows) != 0 {
					t.Errorf("%d slots and %d workflows are left", p.InUse(), len(p.workflows))
				}
			})
		})
	}
}

func TestSlotsPatienceIsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(1)}
		l.wait(t.Context(), "a", "a", 0, time.Second, false)
		l.wait(t.Context(), "b", "b", 0, time.Second, true)
		time.Sleep(time.Hour)
		l.want(t, "a")
		l.permits.Release("a")
		l.want(t, "a", "b")
	})
}

func TestSlotsFollowTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(1)}
		l.wait(t.Context(), "a", "a", 1, time.Second, false)
		ctx, cancel := context.WithCancel(t.Context())
		atWorkflow := l.wait(ctx, "a2", "a", 1, time.Hour, true)
		atServer := l.wait(ctx, "b", "b", 1, time.Hour, true)
		cancel()
		for _, got := range []error{<-atWorkflow, <-atServer} {
			if !errors.Is(got, context.Canceled) {
				t.Errorf("error %v, want %v", got, context.Canceled)
			}
		}
		l.permits.Release("a")
		if l.permits.InUse() != 0 || len(l.permits.workflows) != 0 {
			t.Errorf("%d slots and %d workflows are left", l.permits.InUse(), len(l.permits.workflows))
		}
	})
}

func TestSlotsTakeTheLatestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(9)}
		l.wait(t.Context(), "1", "a", 1, time.Minute, false)
		l.wait(t.Context(), "2", "a", 1, time.Minute, false)
		l.wait(t.Context(), "3", "a", 1, time.Minute, false)
		l.want(t, "1")
		l.wait(t.Context(), "4", "a", 3, time.Minute, false) // a new revision
		l.want(t, "1", "2", "3")
		l.permits.Release("a")
		l.want(t, "1", "2", "3", "4")
	})
}

// TestSlotsHammer has many waiters come and go, some of them patiently. No limit is ever exceeded
// and no state is left.
func TestSlotsHammer(t *testing.T) {
	const size, limit = 4, 2
	p := New(size)
	var all sync.WaitGroup
	var server atomic.Int32
	var perWorkflow [3]atomic.Int32
	for g := range 16 {
		all.Go(func() {
			for i := range 200 {
				n := (g + i) % len(perWorkflow)
				id := string(rune('a' + n))
				if p.Acquire(t.Context(), id, limit, time.Duration(i%3)*time.Microsecond, i%7 == 0, nil) != nil {
					continue
				}
				if s, w := server.Add(1), perWorkflow[n].Add(1); s > size || w > limit {
					t.Errorf("%d run, %d of workflow %s", s, w, id)
				}
				perWorkflow[n].Add(-1)
				server.Add(-1)
				p.Release(id)
			}
		})
	}
	all.Wait()
	_, waits := p.serverQueue.Next(nil)
	if p.InUse() != 0 || p.waiting != 0 || waits || len(p.workflows) != 0 {
		t.Errorf("left: %d slots, %d waiters, %v, %d workflows", p.InUse(), p.waiting, waits, len(p.workflows))
	}
}

func TestFreeSlotsMakeNoGarbage(t *testing.T) {
	p := New(2)
	n := testing.AllocsPerRun(100, func() {
		if err := p.Acquire(t.Context(), "order", 1, time.Minute, false, nil); err != nil {
			t.Error(err)
		}
		p.Release("order")
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSlotsTakeTurns checks that behind a crowd of one workflow in the server's queue, another
// workflow waits for one slot, not for the crowd.
func TestSlotsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(4)}
		for _, workflow := range []string{"w", "x", "y", "z"} {
			l.wait(t.Context(), workflow, workflow, 0, time.Minute, false)
		}
		for _, name := range []string{"a1", "a2", "a3", "b1", "c1", "b2"} {
			l.wait(t.Context(), name, name[:1], 0, time.Minute, false)
		}
		l.want(t, "w", "x", "y", "z")
		in := []string{"w", "x", "y", "z"}
		for i, name := range []string{"a1", "b1", "c1", "a2", "b2", "a3"} {
			l.permits.Release(in[i][:1])
			in = append(in, name)
			l.want(t, slices.Sorted(slices.Values(in))...)
		}
	})
}

// TestSlotsShare checks that one workflow gets three quarters of the slots, rounded up, and that
// the error names the limit.
func TestSlotsShare(t *testing.T) {
	for _, c := range []struct {
		size, others, limit int
		got                 int
		want                error
	}{
		{size: 1, got: 1, want: ErrServerBusy},
		{size: 2, got: 2, want: ErrServerBusy},
		{size: 4, got: 3, want: ErrWorkflowBusy},
		{size: 4, others: 1, got: 3, want: ErrServerBusy},
		{size: 4, others: 2, got: 2, want: ErrServerBusy},
		{size: 4, limit: 2, others: 2, got: 2, want: ErrWorkflowBusy},
		{size: 4, limit: 100, got: 3, want: ErrWorkflowBusy},
		{size: 256, got: 192, want: ErrWorkflowBusy},
		{size: 256, others: 64, got: 192, want: ErrServerBusy},
	} {
		p := New(c.size)
		for n := range c.others {
			if err := p.Acquire(t.Context(), "other"+string(rune('a'+n)), 0, 0, false, nil); err != nil {
				t.Fatal(err)
			}
		}
		got := 0
		var err error
		for ; err == nil && got <= c.size; got++ {
			err = p.Acquire(t.Context(), "a", c.limit, 0, false, nil)
		}
		if got-1 != c.got || !errors.Is(err, c.want) {
			t.Errorf("%+v: got %d, then %v", c, got-1, err)
		}
	}
}

// TestSlotsBoundTheLine checks that a caller is rejected at once if all places to wait are taken.
func TestSlotsBoundTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: New(1)}
		l.wait(t.Context(), "first", "w", 0, time.Minute, false)
		crowd := func(workflow string, n int) {
			for range n {
				go func() { _ = l.permits.Acquire(t.Context(), workflow, 0, time.Minute, false, nil) }()
			}
			synctest.Wait()
		}
		try := func(workflow string) error {
			return l.permits.Acquire(t.Context(), workflow, 0, time.Minute, false, nil)
		}
		begun := time.Now()
		crowd("a", maxWaiters*3/4)
		if err := try("a"); !errors.Is(err, ErrServerBusy) { // because all slots are taken
			t.Errorf("one more of the same: %v", err)
		}
		crowd("b", maxWaiters/4)
		if err := try("c"); !errors.Is(err, ErrServerBusy) {
			t.Errorf("when all places are taken: %v", err)
		}
		if time.Now() != begun {
			t.Error("they have waited")
		}
		time.Sleep(time.Hour)
		l.permits.Release("w")
		if l.permits.waiting != 0 || len(l.permits.workflows) != 0 {
			t.Errorf("left: %d waiters, %d workflows", l.permits.waiting, len(l.permits.workflows))
		}
	})
}
