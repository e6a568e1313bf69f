package memory

import (
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// usage is how much entries that have not ended take, of all workflows and of each. The journal's
// lock guards it.
type usage struct {
	all        amount
	byWorkflow map[string]amount
}

// amount is a number of entries, and the bytes of their events and steps. Their documents are those
// of the store, and do not count.
type amount struct {
	entries int
	bytes   int64
}

func (u *usage) add(workflow string, entries int, bytes int64) {
	u.all = amount{u.all.entries + entries, u.all.bytes + bytes}
	own := u.byWorkflow[workflow]
	own = amount{own.entries + entries, own.bytes + bytes}
	if u.byWorkflow[workflow] = own; own == (amount{}) {
		delete(u.byWorkflow, workflow)
	}
}

// check returns why a workflow cannot have so much more.
func (u *usage) check(o Options, workflow string, entries int, bytes int64) error {
	own, pending, most := u.byWorkflow[workflow], o.MaxPending, o.workBytes()
	switch {
	case u.all.entries+entries > pending:
		return fmt.Errorf("%w: %d executions have not ended, max_pending is %d",
			journal.ErrFull, u.all.entries, pending)
	case own.entries+entries > journal.Share(pending):
		return fmt.Errorf("%w: %d executions of the workflow have not ended, "+
			"its share of max_pending %d is %d",
			journal.ErrFull, own.entries, pending, journal.Share(pending))
	case u.all.bytes+bytes > most:
		return fmt.Errorf("%w: pending work takes %d bytes, %d more would be over %d",
			journal.ErrFull, u.all.bytes, bytes, most)
	case own.bytes+bytes > journal.Share(most):
		return fmt.Errorf("%w: pending work of the workflow takes %d bytes, "+
			"%d more would be over its share of %d, which is %d",
			journal.ErrFull, own.bytes, bytes, most, journal.Share(most))
	}
	return nil
}

// entryBytes returns the bytes of an entry that count.
func entryBytes(e *journal.Entry) int64 {
	n := len(e.Data) + len(e.Query) + len(e.Headers)
	for _, s := range e.Steps {
		n += stepBytes(s)
	}
	return int64(n)
}

func stepBytes(s journal.Step) int { return len(s.Node) + len(s.Output) + len(s.Handle) }
