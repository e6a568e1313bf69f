// Package counts counts executions and rejected requests by the hour, for the journals of this
// module: see journal.Counting. Counters are in memory, where counting takes a tenth of a
// microsecond. A journal that outlives the process saves what has changed every few seconds.
package counts

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// keepLast is how long the last execution of a workflow is known.
	keepLast = 30 * 24 * time.Hour
	// evictPart is the part of the workflows that is forgotten at once when there are too many.
	evictPart = 20
	// maxID is the most bytes of a workflow's id. Longer ones are not counted.
	maxID = 255
)

// Table holds counters. It is safe for concurrent use.
type Table struct {
	now   func() time.Time
	saved bool // what changes is collected for Changes

	mu        sync.RWMutex
	workflows map[string]*workflow
	max       int    // of workflows
	expired   uint32 // the hour in which expire was last called

	rejected rejected

	saving sync.Mutex // guards the following; it is locked last
	dirty  []*workflow
	left   map[string][]byte // what cells left behind: values by key, nil = it is to be deleted
}

// New returns an empty table with a clock. saved tells whether Changes is called.
func New(now func() time.Time, saved bool) *Table {
	t := &Table{now: now, saved: saved, max: journal.MaxCountedWorkflows, workflows: make(map[string]*workflow)}
	t.rejected.saved, t.rejected.hours = saved, make(map[uint32]map[string]uint32)
	return t
}

// workflow has the counters of one workflow. What Ended always touches stands first.
type workflow struct {
	table *Table
	mu    sync.Mutex
	dirty bool   // cell or last is to be saved
	gone  bool   // it was evicted
	hour  uint32 // of cell; 0 = there is none
	last  last
	cell  cell
	past  []byte // the hours before, each its number and its cell; the oldest is the first
	id    string
}

// last is the execution that ended last.
type last struct {
	status byte // index
	id     string
	at     time.Time // zero = none is known
}

func hourOf(t time.Time) uint32 { return uint32(max(t.Unix()/3600, 0)) }

// Ended counts an execution.
func (t *Table) Ended(e journal.EndedCount) {
	status := statusIndex(e.Status)
	if status < 0 || len(e.Workflow) > maxID {
		return
	}
	w := t.locked(&e)
	defer w.mu.Unlock()
	t.turnTo(w, hourOf(e.EndedAt))
	w.cell.ended[status]++
	if e.Duration > 0 {
		w.cell.slots[slotOf(e.Duration)]++
	}
	w.last = last{byte(status), e.ID, e.EndedAt}
	if t.saved && !w.dirty {
		w.dirty = true
		t.saving.Lock()
		t.dirty = append(t.dirty, w)
		t.saving.Unlock()
	}
}

// locked returns the counters of the workflow of an execution with their lock held.
func (t *Table) locked(e *journal.EndedCount) *workflow {
	if e.Kept != nil {
		if w, ok := e.Kept.Load().(*workflow); ok && w.table == t {
			if w.mu.Lock(); !w.gone {
				return w
			}
			w.mu.Unlock()
		}
	}
	for {
		w := t.workflow(e.Workflow)
		if w.mu.Lock(); !w.gone {
			if e.Kept != nil {
				e.Kept.Store(w)
			}
			return w
		}
		w.mu.Unlock() // it was evicted a moment ago
	}
}

// workflow returns the counters of a workflow, which are added if there are none.
func (t *Table) workflow(id string) *workflow {
	t.mu.RLock()
	w := t.workflows[id]
	t.mu.RUnlock()
	if w != nil {
		return w
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w = t.workflows[id]; w == nil {
		if len(t.workflows) >= t.max {
			t.evict(1 + t.max/evictPart)
		}
		w = &workflow{table: t, id: id}
		t.workflows[id] = w
	}
	return w
}

// evict forgets the n workflows that ran least recently. The lock is held.
func (t *Table) evict(n int) {
	type run struct {
		w  *workflow
		at time.Time
	}
	runs := make([]run, 0, len(t.workflows))
	for _, w := range t.workflows {
		w.mu.Lock()
		runs = append(runs, run{w, w.last.at})
		w.mu.Unlock()
	}
	slices.SortFunc(runs, func(a, b run) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.w.id, b.w.id))
	})
	for _, r := range runs[:min(n, len(runs))] {
		t.forget(r.w)
	}
}

// forget removes a workflow. The lock is held.
func (t *Table) forget(w *workflow) {
	delete(t.workflows, w.id)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	t.discard(w)
	t.save(lastKey(w.id), nil)
}

// discard removes all cells of a workflow. Its lock is held.
func (t *Table) discard(w *workflow) {
	w.each(func(hour uint32, _ *cell) { t.save(cellKey(hour, w.id), nil) })
	w.past, w.hour, w.cell = nil, 0, cell{}
}

// turnTo makes the cell of a workflow that of an hour. An execution that ended a moment before the
// hour began counts in it. The lock of the workflow is held.
func (t *Table) turnTo(w *workflow, hour uint32) {
	switch {
	case hour == w.hour || hour+1 == w.hour:
		return
	case hour < w.hour: // the clock was set back: these hours are still to come
		t.discard(w)
	case w.hour > 0:
		if w.dirty {
			t.save(cellKey(w.hour, w.id), w.cell.append(nil))
		}
		w.past = w.cell.append(binary.AppendUvarint(w.past, uint64(w.hour)))
		w.cell = cell{}
	}
	w.hour = hour
	t.trim(w, hour)
}

// trim removes cells that are too old in an hour. The lock of the workflow is held.
func (t *Table) trim(w *workflow, now uint32) {
	var c cell
	for len(w.past) > 0 {
		r := reader{b: w.past}
		hour := uint32(r.uvarint())
		if hour+journal.MaxCountedHours > now {
			return
		}
		rest, err := c.read(r.b)
		if err != nil { // never: it was encoded here
			rest = nil
		}
		w.past = rest
		t.save(cellKey(hour, w.id), nil)
	}
	w.past = nil // release the array
}

// each calls do with each cell, the oldest first. The lock of the workflow is held.
func (w *workflow) each(do func(hour uint32, c *cell)) {
	var c cell
	for b := w.past; len(b) > 0; {
		r := reader{b: b}
		hour := uint32(r.uvarint())
		rest, err := c.read(r.b)
		if err != nil { // never: it was encoded here
			return
		}
		do(hour, &c)
		b = rest
	}
	if w.hour > 0 && !w.cell.isZero() {
		do(w.hour, &w.cell)
	}
}
