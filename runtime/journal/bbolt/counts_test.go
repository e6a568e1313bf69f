package bbolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
)

// countEnds counts an execution of each of n workflows.
func countEnds(j *Journal, n int) {
	for i := range n {
		j.CountEnded(journal.EndedCount{
			Workflow: fmt.Sprintf("w%05d", i), ID: entry(i, 0).ID, Status: journal.Succeeded, EndedAt: time.Now(), Duration: time.Second,
		})
	}
}

// counted returns the number of executions in the counters.
func counted(t *testing.T, j *Journal) (n int) {
	t.Helper()
	c, err := j.Counts(t.Context(), journal.CountsQuery{Hours: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Workflows {
		for _, ended := range w.Ended[journal.Succeeded] {
			n += ended
		}
	}
	return n
}

// TestCountersOutliveACrash: what is on the disk some seconds later has the counters.
func TestCountersOutliveACrash(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	countEnds(j, 3)
	j.CountRejected("overloaded", time.Now())
	crashed := filepath.Join(t.TempDir(), "journal.db")
	eventually(t, "the counters are saved", func() bool {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed, b, 0o600); err != nil {
			t.Fatal(err)
		}
		other := New(crashed, roomy, 0)
		if err := other.Open(t.Context()); err != nil { // the copy was made during a write
			return false
		}
		defer other.Close()
		return counted(t, other) == 3
	})
}

// TestManyCounters: more than one commit takes are saved, also when the journal is closed.
func TestManyCounters(t *testing.T) {
	const many = maxSavedCounts + 1 // with two values each
	p := path(t)
	j := open(t, p, roomy)
	countEnds(j, many)
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, p, roomy)
		if n := counted(t, j); n != many {
			t.Errorf("%d executions are counted, want %d", n, many)
		}
	}
}

// TestSmallFileCountsLess: counters take their part of a file and no more.
func TestSmallFileCountsLess(t *testing.T) {
	l := roomy
	l.MaxBytes = 16 << 20
	p := path(t)
	j := open(t, p, l)
	countEnds(j, 5000)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	most := int(l.MaxBytes / countsPart / workflowCounts)
	if n := counted(t, open(t, p, l)); n > most || n < most*9/10 {
		t.Errorf("%d workflows are counted, want at most %d", n, most)
	}
}

// TestCountersAfterAFailure: what could not be saved is saved later.
func TestCountersAfterAFailure(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	countEnds(j, 3)
	if err := j.closeFile(errors.New("the disk is gone")); err != nil {
		t.Fatal(err)
	}
	countEnds(j, 3)
	if n := counted(t, j); n != 6 {
		t.Errorf("%d executions are counted meanwhile", n)
	}
	eventually(t, "the file is open again", func() bool {
		s, err := j.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Fault == ""
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, open(t, p, roomy)); n != 6 {
		t.Errorf("%d executions are counted, want 6", n)
	}
}

// TestDamagedCounters: a counter that cannot be read does not keep a journal from opening.
func TestDamagedCounters(t *testing.T) {
	p := path(t)
	j := open(t, p, roomy)
	countEnds(j, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(p, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketCounts)
		k, _ := b.Cursor().First()
		return errors.Join(b.Put(k, []byte{0xff}), b.Put([]byte("e"), nil), b.Put([]byte("z"), []byte("later")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, open(t, p, roomy)); n != 2 {
		t.Errorf("%d executions are counted, want the 2 others", n)
	}
}

// TestEarlierVersionCounts: a file of an earlier version gets counters.
func TestEarlierVersionCounts(t *testing.T) {
	p := filepath.Join(t.TempDir(), "journal.db")
	write(t, p, unzip(t, "testdata/version1.db.gz"))
	j := open(t, p, roomy)
	countEnds(j, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, open(t, p, roomy)); n != 3 {
		t.Errorf("%d executions are counted, want 3", n)
	}
}
