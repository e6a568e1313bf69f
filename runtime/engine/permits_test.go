package engine

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

// line is a queue of executions that wait, and those that were let in.
type line struct {
	permits *permits
	mu      sync.Mutex
	in      []string
}

// wait sends one in on a goroutine and returns when it stands in its line.
func (l *line) wait(ctx context.Context, name, workflow string, limit int, wait time.Duration, patient bool) <-chan error {
	result := make(chan error, 1)
	go func() {
		err := l.permits.acquire(ctx, workflow, limit, wait, patient)
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
	slices.Sort(l.in) // those that were let in together are seen in any order
	if !slices.Equal(l.in, names) {
		t.Fatalf("let in %v, want %v", l.in, names)
	}
}

func TestPermitsServeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: newPermits(2)}
		for _, name := range []string{"1", "2", "3", "4", "5"} {
			l.wait(t.Context(), name, "w"+name, 0, time.Minute, false)
		}
		l.want(t, "1", "2")
		l.permits.release("w2")
		l.want(t, "1", "2", "3")
		l.permits.release("w1")
		l.permits.release("w3")
		l.want(t, "1", "2", "3", "4", "5")
	})
}

func TestPermitsOfOneWorkflowDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: newPermits(4)}
		l.wait(t.Context(), "a1", "a", 1, time.Minute, false)
		l.wait(t.Context(), "a2", "a", 1, time.Minute, false)
		l.wait(t.Context(), "a3", "a", 1, time.Minute, false)
		l.wait(t.Context(), "b1", "b", 0, time.Minute, false)
		l.want(t, "a1", "b1")
		l.permits.release("a")
		l.want(t, "a1", "a2", "b1")
	})
}

func TestPermitsNameTheLimit(t *testing.T) {
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
				p := newPermits(c.size)
				if err := p.acquire(t.Context(), "a", c.limit, time.Second, false); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if err := p.acquire(t.Context(), "a", c.limit, time.Second, c.patient); !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if waited := time.Since(begun); waited != time.Second {
					t.Errorf("waited %v, want 1s", waited)
				}
				p.release("a")
				if p.inUse() != 0 || len(p.workflows) != 0 {
					t.Errorf("%d slots and %d workflows are left", p.inUse(), len(p.workflows))
				}
			})
		})
	}
}

func TestPermitsPatienceIsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: newPermits(1)}
		l.wait(t.Context(), "a", "a", 0, time.Second, false)
		l.wait(t.Context(), "b", "b", 0, time.Second, true)
		time.Sleep(time.Hour)
		l.want(t, "a")
		l.permits.release("a")
		l.want(t, "a", "b")
	})
}

func TestPermitsFollowTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: newPermits(1)}
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
		l.permits.release("a")
		if l.permits.inUse() != 0 || len(l.permits.workflows) != 0 {
			t.Errorf("%d slots and %d workflows are left", l.permits.inUse(), len(l.permits.workflows))
		}
	})
}

func TestPermitsTakeTheLatestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{permits: newPermits(9)}
		l.wait(t.Context(), "1", "a", 1, time.Minute, false)
		l.wait(t.Context(), "2", "a", 1, time.Minute, false)
		l.wait(t.Context(), "3", "a", 1, time.Minute, false)
		l.want(t, "1")
		l.wait(t.Context(), "4", "a", 3, time.Minute, false) // a new revision
		l.want(t, "1", "2", "3")
		l.permits.release("a")
		l.want(t, "1", "2", "3", "4")
	})
}

// TestPermitsHammer has many come and go, some without patience. No limit is ever passed and nothing is left behind.
func TestPermitsHammer(t *testing.T) {
	const size, limit = 4, 2
	p := newPermits(size)
	var all sync.WaitGroup
	var server atomic.Int32
	var perWorkflow [3]atomic.Int32
	for g := range 16 {
		all.Go(func() {
			for i := range 200 {
				n := (g + i) % len(perWorkflow)
				id := string(rune('a' + n))
				if p.acquire(t.Context(), id, limit, time.Duration(i%3)*time.Microsecond, i%7 == 0) != nil {
					continue
				}
				if s, w := server.Add(1), perWorkflow[n].Add(1); s > size || w > limit {
					t.Errorf("%d run, %d of workflow %s", s, w, id)
				}
				perWorkflow[n].Add(-1)
				server.Add(-1)
				p.release(id)
			}
		})
	}
	all.Wait()
	if p.inUse() != 0 || p.line.Len() != 0 || len(p.workflows) != 0 {
		t.Errorf("left: %d slots, %d waiters, %d workflows", p.inUse(), p.line.Len(), len(p.workflows))
	}
}

func TestFreeSlotsMakeNoGarbage(t *testing.T) {
	p := newPermits(2)
	n := testing.AllocsPerRun(100, func() {
		if err := p.acquire(t.Context(), "order", 1, time.Minute, false); err != nil {
			t.Error(err)
		}
		p.release("order")
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
