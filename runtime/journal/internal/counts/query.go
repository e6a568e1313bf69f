package counts

import (
	"cmp"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// Counts returns the counters of the last hours, by the clock of the table.
func (t *Table) Counts(q journal.CountsQuery) journal.Counts {
	hours := min(max(q.Hours, 1), journal.MaxCountedHours)
	from := max(hourOf(t.now()), uint32(hours)) - uint32(hours-1)
	out := journal.Counts{
		From: time.Unix(int64(from)*3600, 0).UTC(), Workflows: []journal.WorkflowCounts{}, Rejections: t.rejected.counts(from, hours),
	}
	for _, w := range t.selected(q.Workflow) {
		if row, ok := w.counts(from, hours); ok {
			out.Workflows = append(out.Workflows, row)
		}
	}
	slices.SortFunc(out.Workflows, func(a, b journal.WorkflowCounts) int { return cmp.Compare(a.Workflow, b.Workflow) })
	return out
}

// selected returns the workflow with an id, or all.
func (t *Table) selected(id string) []*workflow {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if id != "" {
		if w := t.workflows[id]; w != nil {
			return []*workflow{w}
		}
		return nil
	}
	all := make([]*workflow, 0, len(t.workflows))
	for _, w := range t.workflows {
		all = append(all, w)
	}
	return all
}

// counts returns the counters of hours from one on; false = the workflow has none, and no last
// execution.
func (w *workflow) counts(from uint32, hours int) (row journal.WorkflowCounts, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	row.Workflow = w.id
	if !w.last.at.IsZero() {
		row.Last = journal.LastEnd{ID: w.last.id, Status: statuses[w.last.status], EndedAt: w.last.at.UTC()}
	}
	var ended [len(statuses)][]int
	var durations [slots]uint64
	w.each(func(hour uint32, c *cell) {
		i := int(hour) - int(from)
		if i < 0 || i >= hours {
			return
		}
		for s, n := range c.ended {
			if n > 0 && ended[s] == nil {
				ended[s] = make([]int, hours)
			}
			if n > 0 {
				ended[s][i] = int(n)
			}
		}
		for s, n := range c.slots {
			durations[s] += uint64(n)
		}
	})
	row.Median = median(&durations)
	for s, n := range ended {
		if n != nil {
			if row.Ended == nil {
				row.Ended = make(map[string][]int)
			}
			row.Ended[statuses[s]] = n
		}
	}
	return row, row.Ended != nil || row.Last.ID != ""
}
