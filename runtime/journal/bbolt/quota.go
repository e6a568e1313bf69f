package bbolt

import (
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// quota is how many bytes a journal may hold, by its limits. It is less than MaxBytes: free pages
// in the file are used again only after a commit, and not all of them.
type quota struct {
	limits    *Limits
	work      int64 // new work and keys are rejected when the file holds more
	steps     int64 // steps are rejected when it holds more
	responses int64 // stored responses are evicted when they take more
}

// maxSlack is the most of MaxBytes that is left free: room for the pages of a few commits.
const maxSlack = 64 << 20

func quotaOf(l *Limits) quota {
	slack := min(l.MaxBytes/10, maxSlack)
	return quota{
		limits: l, work: l.MaxBytes - slack, steps: l.MaxBytes - slack/2, responses: l.MaxBytes / 4,
	}
}

// checkNewWork returns why a workflow cannot have more pending work and keys of so many bytes. A
// part of its share is left for the steps of accepted entries.
func (q quota) checkNewWork(now workflowUsage, more int64) error {
	share := journal.Share(q.work)
	return q.checkShare(now, more, share-share/16)
}

// checkStep returns why a workflow cannot have another step of so many bytes.
func (q quota) checkStep(now workflowUsage, more int64) error {
	return q.checkShare(now, more, journal.Share(q.work))
}

// checkShare returns why a workflow cannot have so much more, if it may have so much.
func (q quota) checkShare(now workflowUsage, more, most int64) error {
	if used := now.work + now.keys; used+more > most {
		return fmt.Errorf("%w: pending work and idempotency keys of the workflow take %d bytes, "+
			"%d more would be over its share of %d, which follows from max_bytes %d",
			journal.ErrFull, used, more, most, q.limits.MaxBytes)
	}
	return nil
}

// checkPending returns why a workflow cannot have another entry, if all workflows have so many.
func (q quota) checkPending(now workflowUsage, all int) error {
	switch most := q.limits.MaxPending; {
	case all >= most:
		return fmt.Errorf("%w: %d executions have not ended, max_pending is %d",
			journal.ErrFull, all, most)
	case now.pending >= journal.Share(most):
		return fmt.Errorf("%w: %d executions of the workflow have not ended, "+
			"its share of max_pending %d is %d", journal.ErrFull, now.pending, most, journal.Share(most))
	}
	return nil
}
