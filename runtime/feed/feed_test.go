package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestEvents(t *testing.T) {
	f := New(0)
	defer f.Close()
	r := f.Reader(nil)
	defer r.Close()
	announce(f, "exec-1")
	if !f.Admit("exec-1", 3) {
		t.Fatal("the execution is not admitted")
	}
	f.Execution(summary("exec-1", journal.Running))
	f.Node("exec-1", "order-intake", &Node{ID: "a", State: journal.Running})
	f.Node("exec-1", "order-intake", &Node{ID: "a", State: "failed", Code: "broken", Message: "\u202e<b>", Duration: time.Second})
	f.Execution(summary("exec-1", journal.Failed))
	want(t, now(t, r), "exec-1 pending", "exec-1 running", `node a of "exec-1" running`, `node a of "exec-1" failed`, "exec-1 failed")
	want(t, now(t, r))
}

// TestUnwatched: nothing is collected while nobody reads, and a cursor from before says so.
func TestUnwatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(0)
		f.Execution(summary("exec-1", journal.Running))
		if f.Watched() || f.Admit("exec-1", 1) {
			t.Error("the feed is watched from the start")
		}
		r := f.Reader(nil)
		f.Execution(summary("exec-2", journal.Running))
		want(t, now(t, r), "exec-2 running")
		at := r.Position()
		r.Close()

		time.Sleep(linger - time.Second) // the next page is asked for in time
		f.Execution(summary("exec-3", journal.Running))
		r = f.Reader(&at)
		want(t, now(t, r), "exec-3 running")
		at = r.Position()
		time.Sleep(10 * linger) // it waits
		f.Execution(summary("exec-4", journal.Running))
		want(t, now(t, r), "exec-4 running")
		at = r.Position()
		r.Close()

		time.Sleep(linger + time.Second)
		synctest.Wait()
		f.mu.Lock()
		if f.Watched() || f.events != nil {
			t.Error("the feed is watched, or has events, without a reader")
		}
		f.mu.Unlock()
		f.Execution(summary("exec-5", journal.Running))
		r = f.Reader(&at)
		want(t, now(t, r), "reset")
		f.Execution(summary("exec-6", journal.Running))
		want(t, now(t, r), "exec-6 running")
		r.Close()
		f.Close()
	})
}

// TestRead: a read waits for an event, the end of its context, a restart or the end of the feed.
func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(0)
		r := f.Reader(nil)
		defer r.Close()
		began := time.Now()
		after := func(d time.Duration, do func()) { time.AfterFunc(d, do) }

		after(time.Second, func() { f.Execution(summary("exec-1", journal.Running)) })
		p, err := r.Read(t.Context())
		if err != nil || len(p.Events) != 1 || time.Since(began) != time.Second {
			t.Errorf("after %v: %+v, %v", time.Since(began), p, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		at := r.Position()
		p, err = r.Read(ctx)
		if err != nil || p.Reset || len(p.Events) > 0 || p.Next != at || time.Since(began) != 6*time.Second {
			t.Errorf("after %v: %+v, %v", time.Since(began), p, err)
		}
		after(time.Second, f.Restart)
		if p, err = r.Read(t.Context()); err != nil || !p.Reset || p.Next == at {
			t.Errorf("after a restart: %+v, %v", p, err)
		}
		after(time.Second, f.Close)
		if _, err = r.Read(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		if _, err = f.Reader(nil).Read(t.Context()); !errors.Is(err, ErrClosed) || f.Watched() {
			t.Errorf("a new reader after the end: %v", err)
		}
	})
}

// TestForeignCursors: cursors that a feed has not given are told to reset, once.
func TestForeignCursors(t *testing.T) {
	f := New(0)
	defer f.Close()
	f.Reader(nil).Close()
	f.Execution(summary("exec-1", journal.Running))
	other := New(0)
	defer other.Close()
	ahead := f.end()
	ahead.seq++
	for _, c := range []Cursor{{}, other.end(), ahead, {f.epoch, 1 << 63}, {f.epoch, 1<<64 - 1}} {
		r := f.Reader(&c)
		want(t, now(t, r), "reset")
		r.Close()
	}
}

// TestTooManyExecutions: so many executions are published in detail, the others are counted.
func TestTooManyExecutions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(0)
		r := f.Reader(nil)
		begin := func(n, events int) (admitted int) {
			for range n {
				if f.Admit("exec-1", events) {
					admitted++
				}
			}
			return admitted
		}
		if n := begin(1000, 4); n != executionRate {
			t.Errorf("%d executions are admitted at once", n)
		}
		want(t, now(t, r))
		admitted, mores, executions := 0, 0, 0
		count := func(events []string) {
			for _, e := range events {
				var n int
				if _, err := fmt.Sscanf(e, "%d more", &n); err != nil {
					t.Errorf("unexpected event %q", e)
				}
				mores++
				executions += n
			}
		}
		for range 1000 { // 10 s
			time.Sleep(10 * time.Millisecond)
			admitted += begin(10, 4)
			count(now(t, r))
		}
		// Some are let in after each flush, which comes 250 ms after the first that was left out.
		if admitted < 480 || admitted > 500 || mores < 36 || mores > 40 {
			t.Errorf("in 10 s %d executions are admitted, and %d events sum up others", admitted, mores)
		}
		time.Sleep(time.Second)
		count(now(t, r))
		if want := 1000 - executionRate + 10_000 - admitted; executions != want {
			t.Errorf("%d executions are counted, want %d", executions, want)
		}

		// large plans are fewer
		time.Sleep(time.Minute)
		if n, m := begin(20, 514), begin(20, 4*eventBurst); n != eventBurst/514 || m != 0 {
			t.Errorf("%d of 20 large executions are admitted, and %d very large ones", n, m)
		}
		time.Sleep(time.Minute)
		if n := begin(2, 4*eventBurst); n != 1 {
			t.Errorf("%d very large executions are admitted", n)
		}
		r.Close()
		f.Close()
	})
}

// TestAnnounced: an execution that was shown as pending is shown when it runs, however many others
// begin meanwhile. What is remembered is bounded.
func TestAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(0)
		r := f.Reader(nil)
		for i := range executionRate {
			announce(f, fmt.Sprint("exec-", i))
		}
		announce(f, "exec-late")
		if n := len(now(t, r)); n != executionRate {
			t.Errorf("%d executions are announced", n)
		}
		for i := range executionRate {
			if !f.Admit(fmt.Sprint("exec-", i), 4) {
				t.Errorf("execution %d was announced and is not admitted", i)
			}
		}
		if f.Admit("exec-late", 4) || f.Admit("exec-0", 4) {
			t.Error("an execution is admitted that was not announced, or a second time")
		}
		for i := range 3 * maxAnnounced {
			time.Sleep(time.Second)
			announce(f, fmt.Sprint("exec-", i))
		}
		if len(f.budget.announced) != maxAnnounced || len(f.budget.order) != maxAnnounced {
			t.Errorf("%d executions are remembered", len(f.budget.announced))
		}
		r.Close()
		time.Sleep(linger)
		synctest.Wait()
		f.mu.Lock()
		if len(f.budget.announced)+len(f.budget.order) > 0 || f.budget.waiting.Load() > 0 {
			t.Errorf("without readers, %d executions are remembered", len(f.budget.announced))
		}
		f.mu.Unlock()
		f.Close()
	})
}

// announce publishes an execution that is pending.
func announce(f *Feed, id string) { f.Expect(id)(summary(id, journal.Pending)) }

// TestExpected: an execution that begins before it is announced is not shown as pending afterwards.
// One that is not accepted is not shown.
func TestExpected(t *testing.T) {
	f := New(0)
	defer f.Close()
	r := f.Reader(nil)
	defer r.Close()
	accepted, refused := f.Expect("exec-1"), f.Expect("exec-2")
	if !f.Admit("exec-1", 2) {
		t.Error("the execution is not admitted")
	}
	f.Execution(summary("exec-1", journal.Running))
	accepted(summary("exec-1", journal.Pending))
	refused(nil)
	announce(f, "exec-3")
	want(t, now(t, r), "exec-1 running", "exec-3 pending")
	if n := len(f.budget.expected); n > 0 {
		t.Errorf("%d executions are expected", n)
	}
}

// TestChanges: the first change is published at once, more of the same thing are put together.
func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(0)
		r := f.Reader(nil)
		f.Global(Global{Key: "count"})
		want(t, now(t, r), "global count false")
		for range 1000 {
			f.Global(Global{Key: "count"})
			f.Secret(Secret{ID: "order-intake"})
			f.Workflow(Workflow{ID: "order-intake", Revision: 7, State: "preparing"})
		}
		f.Workflow(Workflow{ID: "order-intake", Revision: 8, State: "serving"})
		f.Global(Global{Key: "count", Deleted: true})
		want(t, now(t, r))
		time.Sleep(flushEvery)
		synctest.Wait()
		want(t, now(t, r), "global count true", "secret order-intake false", "workflow order-intake 8 serving false")
		f.Workflow(Workflow{ID: "order-intake", Deleted: true})
		want(t, now(t, r))
		time.Sleep(flushEvery)
		synctest.Wait()
		want(t, now(t, r), "workflow order-intake 0  true")
		time.Sleep(time.Second)
		f.Secret(Secret{ID: "other", Deleted: true})
		want(t, now(t, r), "secret other true")

		for i := range maxChanges + 1 {
			f.Global(Global{Key: fmt.Sprint(i)})
		}
		if got := now(t, r); !slices.Equal(got, []string{"reset"}) {
			t.Errorf("after too many changes: %d events", len(got))
		}
		r.Close()
		f.Close()
	})
}

// TestNoValues: an event has nothing but what its type names.
func TestNoValues(t *testing.T) {
	f := New(0)
	defer f.Close()
	r := f.Reader(nil)
	defer r.Close()
	f.Global(Global{Key: "__secret_key"})
	p, err := r.Read(t.Context())
	if err != nil || len(p.Events) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, members, _ := strings.Cut(string(p.Events[0].JSON), `Z",`); members != `"global":{"key":"__secret_key"}}` {
		t.Errorf("%s", p.Events[0].JSON)
	}
}

// TestWrongClock: an execution of a year that JSON does not have is left out.
func TestWrongClock(t *testing.T) {
	f := New(0)
	defer f.Close()
	r := f.Reader(nil)
	defer r.Close()
	s := summary("exec-1", journal.Running)
	s.StartedAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Execution(s)
	f.Execution(summary("exec-2", journal.Running))
	want(t, now(t, r), "exec-2 running")
}

// TestUnwatchedCostsNothing: publishers do not allocate while nobody reads, nor without a feed.
func TestUnwatchedCostsNothing(t *testing.T) {
	s, n := summary("exec-1", journal.Running), &Node{ID: "a"}
	for _, f := range []*Feed{nil, New(0)} {
		if allocations := testing.AllocsPerRun(100, func() {
			f.Expect("exec-1")
			f.Admit("exec-1", 4)
			f.Execution(s)
			f.Node("exec-1", "order-intake", n)
			f.Global(Global{Key: "count"})
		}); allocations != 0 {
			t.Errorf("%v allocations", allocations)
		}
	}
}

func BenchmarkUnwatched(b *testing.B) {
	f := New(0)
	for b.Loop() {
		f.Admit("exec-1", 4)
	}
}

func BenchmarkNode(b *testing.B) {
	f := New(0)
	defer f.Close()
	defer f.Reader(nil).Close()
	n := &Node{ID: "a", Type: "transform", State: "completed", StartedAt: time.Now(), Duration: time.Millisecond, Attempts: 1}
	b.ReportAllocs()
	for b.Loop() {
		f.Node("exec-01jd000000000000000000000", "order-intake", n)
	}
}
