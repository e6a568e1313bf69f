package record

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// ran returns ended executions of a workflow, for the recorder.
func (l *lab) ran(workflow string, n int, status engine.Status) (all []*entry) {
	l.Helper()
	p := *l.Program(Document("t>a", Echo("a", `1`)))
	plan := *p.Plan
	plan.ID, p.Plan = workflow, &plan
	for i := range n {
		x := l.Engine.NewExecution(l.Context(), &p, fmt.Sprintf("exec-%s-%d", workflow, i), Event(l, `{"a":1}`), nil)
		all = append(all, &entry{x, &engine.Result{ID: x.ID(), Status: status, Nodes: make([]engine.NodeResult, 2), Failing: -1}, 1, nil})
	}
	return all
}

// TestRecorderBoundsWhatWaits checks that a workflow has its share of places and of memory.
// Successes beyond it are missed, failures wait.
func TestRecorderBoundsWhatWaits(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	for _, size := range []int64{1, maxQueuedBytes / 8} {
		t.Run(fmt.Sprint(size, " bytes each"), func(t *testing.T) {
			r := NewRecorder(newJournal())
			r.start.Do(func() {}) // the queue is not emptied
			take := func(workflow string) (taken int) {
				for _, x := range l.ran(workflow, maxQueued+1, engine.Succeeded) {
					x.size = size
					if !r.enqueue(x) {
						break
					}
					taken++
				}
				return taken
			}
			places := min(maxQueued, int(maxQueuedBytes/size))
			if n := take("busy"); n != journal.Share(places) {
				t.Errorf("%d of one workflow were taken", n)
			}
			if n := take("other"); n != places-journal.Share(places) {
				t.Errorf("%d of another one were taken", n)
			}
			failure := l.ran("third", 1, engine.Failed)[0]
			taken := make(chan bool)
			go func() { taken <- r.enqueue(failure) }()
			r.awaitWaiter()
			x, _ := r.next()
			r.done([]*entry{x})
			if !Receive(t, taken) {
				t.Error("a failure was not taken when there was room")
			}
			for x, _ := r.next(); x != nil; x, _ = r.next() {
				r.done([]*entry{x})
			}
			if r.all != (load{}) || len(r.each) != 0 {
				t.Errorf("%+v and %d workflows are left", r.all, len(r.each))
			}
		})
	}
}

// awaitWaiter returns when an execution waits for room.
func (r *Recorder) awaitWaiter() {
	for waits := false; !waits; runtime.Gosched() {
		r.mu.Lock()
		waits = r.left != nil
		r.mu.Unlock()
	}
}

// slowJournal passes the IDs of each Put to the test.
type slowJournal struct {
	journal.Journal
	puts chan []string // ids
	stop bool          // Put does not return
}

func (j *slowJournal) Put(ctx context.Context, rows ...journal.Ended) error {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.Record.ID)
	}
	j.puts <- ids
	if j.stop {
		<-ctx.Done()
	}
	return ctx.Err()
}

// TestRecordsTakeTurns checks that a crowd of one workflow does not keep another's record out of
// the next batch.
func TestRecordsTakeTurns(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	j := &slowJournal{Journal: newJournal(), puts: make(chan []string)}
	r := NewRecorder(j)
	for _, x := range append(l.ran("busy", 700, engine.Succeeded), l.ran("other", 1, engine.Failed)...) {
		if !r.enqueue(x) {
			t.Fatal("not taken")
		}
	}
	first, next := Receive(t, j.puts), Receive(t, j.puts)
	if !slices.Contains(append(first, next...), "exec-other-0") {
		t.Errorf("%d and %d others came first", len(first), len(next))
	}
	go func() {
		for range j.puts {
		}
	}()
	r.Close(t.Context())
	close(j.puts)
	if n := r.missed.Load(); n != 0 {
		t.Errorf("%d are missed", n)
	}
}

// TestBatchesAreBoundedByWork checks that work bounds a batch, not only the size of its records.
func TestBatchesAreBoundedByWork(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	b := batch{left: 100}
	for _, x := range l.ran("w", 100, engine.Succeeded) {
		if b.add(t.Context(), x); b.full() {
			break
		}
	}
	if n := len(b.rows); n < 2 || n > 20 {
		t.Errorf("%d records", n)
	}
}

// TestExecutionsAreGathered checks that the first execution is recorded at once and those that end
// soon after it together, and that neither a full batch nor Close waits for more.
func TestExecutionsAreGathered(t *testing.T) {
	const few = 10
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	all := l.ran("w", 1+few+maxBatch+1, engine.Failed)
	synctest.Test(t, func(t *testing.T) {
		j := &slowJournal{Journal: newJournal(), puts: make(chan []string)}
		r := NewRecorder(j)
		var began time.Time
		put := func(executions int, after time.Duration) {
			t.Helper()
			if ids := <-j.puts; len(ids) != executions || time.Since(began) != after {
				t.Errorf("%d were recorded after %v, want %d after %v", len(ids), time.Since(began), executions, after)
			}
			synctest.Wait()
			began = time.Now()
		}
		add := func(x *entry) {
			t.Helper()
			if !r.enqueue(x) {
				t.Fatal("not taken")
			}
		}
		began = time.Now()
		add(all[0])
		put(1, 0)
		for _, x := range all[1 : 1+few] {
			add(x)
			time.Sleep(pause / (2 * few))
		}
		put(few, pause)
		for _, x := range all[1+few : 1+few+maxBatch] {
			add(x)
		}
		put(maxBatch, 0)
		add(all[1+few+maxBatch])
		go r.Close(t.Context())
		put(1, 0)
	})
}

// TestRecorderEndsInTime checks that executions that a journal does not take in time are counted
// and logged.
func TestRecorderEndsInTime(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	j := &slowJournal{Journal: newJournal(), puts: make(chan []string, 1), stop: true}
	r := NewRecorder(j)
	all := l.ran("w", 500, engine.Failed)
	for _, x := range all {
		if !r.enqueue(x) {
			t.Fatal("not taken")
		}
	}
	Receive(t, j.puts)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Close(ended)
	if r.enqueue(all[0]) || r.missed.Load() != 500 {
		t.Errorf("%d are missed", r.missed.Load())
	}
	told := int64(0)
	for _, line := range l.Logs.All() {
		told += line.ContextMap()["executions"].(int64)
	}
	if told != 500 {
		t.Errorf("%d are told of: %v", told, l.Logs.All())
	}
}

// TestSuccessesAreSpread checks that places for successes gather for a burst, for at most a second,
// and come one by one after it.
func TestSuccessesAreSpread(t *testing.T) {
	const rate = 4
	start := time.Now()
	times := func(n int, at time.Duration) []time.Duration { return slices.Repeat([]time.Duration{at}, n) }
	for name, c := range map[string]struct {
		rate int
		at   []time.Duration
		want int
	}{
		"no limit":       {-1, times(100, 0), 100},
		"none":           {0, times(100, 0), 0},
		"a burst":        {rate, times(100, 0), rate},
		"after a pause":  {rate, append(times(100, 0), times(100, time.Hour)...), 2 * rate},
		"one more":       {rate, append(times(100, 0), times(100, time.Second/rate)...), rate + 1},
		"steady":         {rate, every(10*time.Millisecond, 11*time.Second), rate + 11*rate},
		"out of order":   {rate, append(times(100, 0), times(100, -time.Millisecond)...), rate},
		"clock set back": {rate, append(times(100, 0), times(100, -time.Hour)...), 2 * rate},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRecorder(newJournal())
			r.Limit(c.rate)
			got := 0
			for _, at := range c.at {
				if r.wants(start.Add(at)) {
					got++
				}
			}
			if got != c.want {
				t.Errorf("%d of %d are wanted, want %d", got, len(c.at), c.want)
			}
		})
	}
}

// every returns the times up to the last one, a step apart.
func every(step, last time.Duration) (times []time.Duration) {
	for at := time.Duration(0); at <= last; at += step {
		times = append(times, at)
	}
	return times
}
