package bbolt

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/counts"
)

const (
	// saveCountsEvery is how often counters are saved: a crash loses at most these seconds of them.
	saveCountsEvery = 5 * time.Second
	// maxSavedCounts is the most counters that one commit saves or deletes.
	maxSavedCounts = 10_000

	// countsPart is the part of the file's limit that counters may take, and workflowCounts about
	// how many bytes those of a workflow take that runs each hour. In a small file, fewer workflows
	// are counted.
	countsPart     = 8
	workflowCounts = 12 << 10
)

// countSaver saves counters. It belongs to the writing goroutine.
type countSaver struct {
	due  time.Time      // when to save again
	left counts.Changes // what is not saved yet
}

// CountEnded counts an execution that has ended.
func (j *Journal) CountEnded(e journal.EndedCount) { j.counts.Ended(e) }

// CountRejected counts a rejected request.
func (j *Journal) CountRejected(code string, at time.Time) { j.counts.Rejected(code, at) }

// Counts returns counters, which are in memory.
func (j *Journal) Counts(_ context.Context, q journal.CountsQuery) (journal.Counts, error) {
	if err := j.checkOpen(); err != nil {
		return journal.Counts{}, err
	}
	return j.counts.Counts(q), nil
}

// saveCounts saves a bounded number of counters if it is time to. done is called after the commit.
func (j *Journal) saveCounts(t *transaction) (more bool, done func()) {
	s := &j.countSaver
	if s.left.Empty() {
		if j.now().Before(s.due) {
			return false, func() {}
		}
		s.due = j.now().Add(saveCountsEvery)
		s.left = j.counts.Changes(int(j.limits.Load().MaxBytes / countsPart / workflowCounts))
		if s.left.Empty() {
			return false, func() {}
		}
	}
	t.dirty = true
	del := s.left.Delete[:min(len(s.left.Delete), maxSavedCounts)]
	put := s.left.Put[:min(len(s.left.Put), maxSavedCounts-len(del))]
	for _, key := range del {
		t.del(t.counts, key)
	}
	for _, kv := range put {
		t.put(t.counts, kv.Key, kv.Value)
	}
	more = len(del)+len(put) < len(s.left.Delete)+len(s.left.Put)
	return more, func() {
		s.left.Delete, s.left.Put = s.left.Delete[len(del):], s.left.Put[len(put):]
	}
}

// saveLastCounts saves all counters when the journal is closed and nothing else writes.
func (j *Journal) saveLastCounts() error {
	j.countSaver.due = time.Time{}
	for more := true; more; {
		done := func() {}
		err := j.update(func(t *transaction) error {
			if more, done = j.saveCounts(t); !t.dirty {
				return errNothing
			}
			return t.err
		})
		if err != nil {
			return err
		}
		done()
	}
	return nil
}

// loadCounts reads the counters of a file. They are the only thing in it that is not worth an
// error: those that are damaged are left out.
func (j *Journal) loadCounts(tx *bolt.Tx) error {
	return tx.Bucket(bucketCounts).ForEach(func(k, v []byte) error {
		j.counts.Load(k, v)
		return nil
	})
}
