package memory

import (
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// work is what entries that have not ended take, of all workflows and of each. It is guarded by the
// journal's lock.
type work struct {
	all        amount
	byWorkflow map[string]amount
}

// amount is a number of entries and the bytes of their events and steps. Their documents are those
// of the store.
type amount struct {
	entries int
	bytes   int64
}

func (w *work) change(workflow string, entries int, bytes int64) {
	w.all = amount{w.all.entries + entries, w.all.bytes + bytes}
	own := w.byWorkflow[workflow]
	own = amount{own.entries + entries, own.bytes + bytes}
	if w.byWorkflow[workflow] = own; own == (amount{}) {
		delete(w.byWorkflow, workflow)
	}
}

// mayAdd says why a workflow cannot have more.
func (w *work) mayAdd(o Options, workflow string, entries int, bytes int64) error {
	own, pending, most := w.byWorkflow[workflow], o.MaxPending, o.workBytes()
	switch {
	case w.all.entries+entries > pending:
		return fmt.Errorf("%w: %d executions have not ended, max_pending is %d",
			journal.ErrFull, w.all.entries, pending)
	case own.entries+entries > journal.Share(pending):
		return fmt.Errorf("%w: %d executions of the workflow have not ended, "+
			"its share of max_pending %d is %d",
			journal.ErrFull, own.entries, pending, journal.Share(pending))
	case w.all.bytes+bytes > most:
		return fmt.Errorf("%w: pending work takes %d bytes, %d more would be over %d",
			journal.ErrFull, w.all.bytes, bytes, most)
	case own.bytes+bytes > journal.Share(most):
		return fmt.Errorf("%w: pending work of the workflow takes %d bytes, "+
			"%d more would be over its share of %d, which is %d",
			journal.ErrFull, own.bytes, bytes, most, journal.Share(most))
	}
	return nil
}

// entryBytes is what is counted of an entry.
func entryBytes(e *journal.Entry) int64 {
	n := len(e.Data) + len(e.Query) + len(e.Headers)
	for _, s := range e.Steps {
		n += stepBytes(s)
	}
	return int64(n)
}

func stepBytes(s journal.Step) int { return len(s.Node) + len(s.Output) + len(s.Handle) }
