package bbolt

import (
	"context"
	"errors"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// isMarked reports whether the file says that an entry runs.
func isMarked(t *testing.T, j *Journal, id string) (marked bool) {
	t.Helper()
	if err := j.view(func(tx *bolt.Tx) error {
		marked = readRun(tx.Bucket(bucketRuns).Get([]byte(id))).running
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return marked
}

// begin accepts an entry, claims it and begins to run it.
func begin(t *testing.T, j *Journal) journal.Lease {
	t.Helper()
	if err := j.Accept(t.Context(), entry(1, 10)); err != nil {
		t.Fatal(err)
	}
	l, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// writesOf returns the number of writes until now, without its own.
func writesOf(t *testing.T, j *Journal) uint64 {
	t.Helper()
	if err := j.do(t.Context(), &funcOp{do: func(*transaction) error { return nil }}); err != nil {
		t.Fatal(err) // whatever came before is done now
	}
	j.mu.Lock() // held while writes are counted
	defer j.mu.Unlock()
	return j.writes.Load() - 1
}

// stopClock keeps the time to mark entries from coming by itself.
func stopClock(j *Journal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marking = true
}

// TestShortExecutionsAreNotMarked: that an execution runs is stored only if it does for a while. So
// a short one takes two writes.
func TestShortExecutionsAreNotMarked(t *testing.T) {
	j := open(t, path(t), roomy)
	stopClock(j)
	l := begin(t, j)
	r := new(journal.Record)
	r.Status = journal.Succeeded
	if err := l.Finish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	j.markUnmarked()
	if n := writesOf(t, j); n != 2 {
		t.Errorf("%d writes, want 2", n)
	}
}

// TestRunningExecutionsAreMarked: from a moment after it has begun until it is released, the file
// says that an entry runs.
func TestRunningExecutionsAreMarked(t *testing.T) {
	j := open(t, path(t), roomy)
	l := begin(t, j)
	id := l.Entry().ID
	eventually(t, "it is marked", func() bool { return isMarked(t, j, id) })
	if err := l.Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if isMarked(t, j, id) {
		t.Error("it is marked after it was released")
	}
}

// TestStepsMark: an execution with a step is marked together with the step.
func TestStepsMark(t *testing.T) {
	j := open(t, path(t), roomy)
	stopClock(j)
	l := begin(t, j)
	id := l.Entry().ID
	if err := l.Checkpoint(t.Context(), journal.Step{Node: "a", Output: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	if !isMarked(t, j, id) {
		t.Error("its step is stored, and it is not marked")
	}
	if n := writesOf(t, j); n != 2 {
		t.Errorf("%d writes, want 2", n)
	}
}

// TestUnmarkedIsReleasedWithoutWrite: what was not marked needs no write to be released, and is not
// marked later.
func TestUnmarkedIsReleasedWithoutWrite(t *testing.T) {
	j := open(t, path(t), roomy)
	stopClock(j)
	l := begin(t, j)
	if err := l.Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	j.markUnmarked()
	if n := writesOf(t, j); n != 1 || isMarked(t, j, l.Entry().ID) {
		t.Errorf("%d writes, want 1; marked: %v", n, isMarked(t, j, l.Entry().ID))
	}
}

// TestStepsThatDoNotFitMarkLater: when a step is rejected, that its entry runs is stored even so.
func TestStepsThatDoNotFitMarkLater(t *testing.T) {
	j := open(t, path(t), roomy)
	l := begin(t, j)
	full := roomy
	full.MaxBytes = 1 << 10
	j.Configure(full)
	if err := l.Checkpoint(t.Context(), journal.Step{Node: "a", Output: []byte(`1`)}); err == nil {
		t.Fatal("a step fits in a full file")
	}
	eventually(t, "it is marked", func() bool { return isMarked(t, j, l.Entry().ID) })
}

// TestReleaseUnmarksWhatAnEarlierLeaseHasMarked: a mark that is under way when its lease is
// released may find the entry claimed and running again. The file then says that it runs, though
// the new lease has stored nothing yet.
func TestReleaseUnmarksWhatAnEarlierLeaseHasMarked(t *testing.T) {
	j := open(t, path(t), roomy)
	stopClock(j)
	l := begin(t, j)
	id := l.Entry().ID
	if err := j.do(t.Context(), &markOp{journal: j, live: l.(*lease).live}); err != nil {
		t.Fatal(err)
	}
	if !isMarked(t, j, id) {
		t.Fatal("it runs and was not marked")
	}
	if err := l.Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if isMarked(t, j, id) {
		t.Error("it is marked after it was released")
	}
}

// TestReleaseUnmarksWhatAnAbandonedStepHasMarked: a step whose caller has stopped waiting may be
// stored, and its mark with it.
func TestReleaseUnmarksWhatAnAbandonedStepHasMarked(t *testing.T) {
	j := open(t, path(t), roomy)
	stopClock(j)
	l := begin(t, j)
	id := l.Entry().ID
	started, goOn := block(t, j)
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	stored := make(chan error)
	go func() { stored <- l.Checkpoint(ctx, journal.Step{Node: "a", Output: []byte(`1`)}) }()
	eventually(t, "the step waits", func() bool { return len(j.requests) == 1 })
	last, end := block(t, j) // in one commit with the step
	goOn()
	<-last
	cancel()
	if err := <-stored; !errors.Is(err, context.Canceled) {
		t.Errorf("the step's caller has %v", err)
	}
	end()
	eventually(t, "it is marked", func() bool { return isMarked(t, j, id) })
	if err := l.Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if isMarked(t, j, id) {
		t.Error("it is marked after it was released")
	}
}
