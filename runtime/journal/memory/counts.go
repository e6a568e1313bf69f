package memory

import (
	"context"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// CountEnded counts an execution that has ended.
func (j *Journal) CountEnded(e journal.EndedCount) { j.counts.Ended(e) }

// CountRejected counts a rejected request.
func (j *Journal) CountRejected(code string, at time.Time) { j.counts.Rejected(code, at) }

// Counts returns counters.
func (j *Journal) Counts(_ context.Context, q journal.CountsQuery) (journal.Counts, error) {
	j.mu.Lock()
	closed := j.closed
	j.mu.Unlock() // reading many counters takes a while
	if closed {
		return journal.Counts{}, journal.ErrClosed
	}
	return j.counts.Counts(q), nil
}
