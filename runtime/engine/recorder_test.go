package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// ran are executions of a workflow that have ended and wait for the recorder.
func (l *lab) ran(workflow string, n int, status Status) (all []*recorded) {
	l.Helper()
	p := *l.program(document("t>a", echo("a", `1`)))
	plan := *p.Plan
	plan.ID, p.Plan = workflow, &plan
	for i := range n {
		x := l.engine.newRun(l.Context(), &p, fmt.Sprintf("exec-%s-%d", workflow, i), event(l, `{"a":1}`), nil)
		all = append(all, &recorded{x, &Result{ID: x.id, Status: status, Nodes: x.results, Failing: -1}, 1})
	}
	return all
}

// TestRecorderBoundsWhatWaits: a workflow has its share of places and of memory. Successes beyond
// it are missed, failures wait.
func TestRecorderBoundsWhatWaits(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	for _, size := range []int64{1, recordMemory / 8} {
		t.Run(fmt.Sprint(size, " bytes each"), func(t *testing.T) {
			r := newRecorder(newLedger())
			r.start.Do(func() {}) // nothing is taken out
			take := func(workflow string) (taken int) {
				for _, x := range l.ran(workflow, recordQueue+1, Succeeded) {
					x.size = size
					if !r.enqueue(x) {
						break
					}
					taken++
				}
				return taken
			}
			places := min(recordQueue, int(recordMemory/size))
			if n := take("busy"); n != journal.Share(places) {
				t.Errorf("%d of one workflow were taken", n)
			}
			if n := take("other"); n != places-journal.Share(places) {
				t.Errorf("%d of another one were taken", n)
			}
			failure := l.ran("third", 1, Failed)[0]
			taken := make(chan bool)
			go func() { taken <- r.enqueue(failure) }()
			r.awaitWaiter()
			x, _ := r.next()
			r.done([]*recorded{x})
			if !receive(t, taken) {
				t.Error("a failure was not taken when there was room")
			}
			for x, _ := r.next(); x != nil; x, _ = r.next() {
				r.done([]*recorded{x})
			}
			if r.all != (burden{}) || len(r.each) != 0 {
				t.Errorf("%+v and %d workflows are left", r.all, len(r.each))
			}
		})
	}
}

// awaitWaiter returns when somebody waits for a place.
func (r *recorder) awaitWaiter() {
	for waits := false; !waits; runtime.Gosched() {
		r.mu.Lock()
		waits = r.left != nil
		r.mu.Unlock()
	}
}

// TestSlotsBoundWhatWaitsToBeRecorded: however the sender is answered when it takes too long.
func TestSlotsBoundWhatWaitsToBeRecorded(t *testing.T) {
	for _, onTimeout := range []string{"error", "accept"} {
		t.Run(onTimeout, func(t *testing.T) {
			l := newLab(t, Config{}, sandbox.Limits{})
			bad := l.program(documentWith(`{"triggerType":"webhook","webhook":{"responseMode":"lastNode",`+
				`"onTimeout":"`+onTimeout+`"}}`, "t>a", fail("a")))
			x := NewExecutor(newLedger(), 1)
			r := x.recorder
			r.start.Do(func() { close(r.ended) }) // nothing is taken out
			last := l.ran("busy", 1, Failed)[0]
			last.size = recordMemory / 4
			for r.fits(last) {
				r.add(last)
			}
			other := l.ran("other", 1, Failed)[0]
			other.size = recordMemory / 4
			r.add(other)
			results := make(chan *Result)
			go func() { results <- l.await(x, bad, "exec-1") }()
			r.awaitWaiter()
			if n := l.engine.InUse(); n != 1 {
				t.Errorf("%d slots are in use while it waits", n)
			}
			r.done([]*recorded{last})
			if got := receive(t, results); got.Status != Failed {
				t.Errorf("it ended as %s", got.Status)
			}
			if n := l.engine.InUse(); n != 0 || r.missed.Load() != 0 {
				t.Errorf("%d slots are in use, and %d are missed", n, r.missed.Load())
			}
		})
	}
}

// slowJournal hands over what it is told to put.
type slowJournal struct {
	journal.Journal
	puts chan []string // ids
	stop bool          // it does not answer
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

// TestRecordsTakeTurns: a crowd of one workflow keeps another's record from the next batch as
// little as from the journal.
func TestRecordsTakeTurns(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	j := &slowJournal{Journal: newLedger(), puts: make(chan []string)}
	r := newRecorder(j)
	for _, x := range append(l.ran("busy", 700, Succeeded), l.ran("other", 1, Failed)...) {
		if !r.enqueue(x) {
			t.Fatal("not taken")
		}
	}
	first, next := receive(t, j.puts), receive(t, j.puts)
	if !slices.Contains(append(first, next...), "exec-other-0") {
		t.Errorf("%d and %d others came first", len(first), len(next))
	}
	go func() {
		for range j.puts {
		}
	}()
	r.close(t.Context())
	close(j.puts)
	if n := r.missed.Load(); n != 0 {
		t.Errorf("%d are missed", n)
	}
}

// TestBatchesAreBoundedByWork: not only by what comes of it.
func TestBatchesAreBoundedByWork(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	b := batch{left: 100}
	for _, x := range l.ran("w", 100, Succeeded) {
		if b.add(t.Context(), x); b.full() {
			break
		}
	}
	if n := len(b.rows); n < 2 || n > 20 {
		t.Errorf("%d records", n)
	}
}

// TestRecorderEndsInTime: what a journal does not take in time is counted and told.
func TestRecorderEndsInTime(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	j := &slowJournal{Journal: newLedger(), puts: make(chan []string, 1), stop: true}
	r := newRecorder(j)
	all := l.ran("w", 500, Failed)
	for _, x := range all {
		if !r.enqueue(x) {
			t.Fatal("not taken")
		}
	}
	receive(t, j.puts)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.close(ended)
	if r.enqueue(all[0]) || r.missed.Load() != 500 {
		t.Errorf("%d are missed", r.missed.Load())
	}
	told := int64(0)
	for _, line := range l.logs.All() {
		told += line.ContextMap()["executions"].(int64)
	}
	if told != 500 {
		t.Errorf("%d are told of: %v", told, l.logs.All())
	}
}
