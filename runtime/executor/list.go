package executor

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
)

// List is the journal's, with the executions that run here and for which a sender waits: the
// journal does not know those until they have ended.
func (x *Executor) List(ctx context.Context, q journal.Query) (journal.Page, error) {
	// They are looked at first: one that ends meanwhile is in both, and not in neither.
	running := x.runs.list(q)
	page, err := x.journal.List(ctx, q)
	if err != nil || len(running) == 0 {
		return page, err
	}
	rows := page.Rows
	for _, s := range running {
		if page.Next != "" && s.ID < page.Next { // it is on a later page
			continue
		}
		same := func(row journal.Summary) bool { return row.ID == s.ID }
		if !slices.ContainsFunc(page.Rows, same) {
			rows = append(rows, s)
		}
	}
	slices.SortFunc(rows, func(a, b journal.Summary) int { return cmp.Compare(b.ID, a.ID) })
	if limit := q.PageSize(); len(rows) > limit {
		rows = rows[:limit]
		page.Next = rows[limit-1].ID
	}
	page.Rows = rows
	return page, nil
}

// Get is the journal's, or what is known of an execution that runs here and for which a sender
// waits.
func (x *Executor) Get(ctx context.Context, id string) (*journal.Record, error) {
	run := x.runs.get(id)
	r, err := x.journal.Get(ctx, id)
	if errors.Is(err, journal.ErrUnknown) && run != nil {
		return &journal.Record{Summary: record.Running(&run.Execution)}, nil
	}
	return r, err
}

// list returns the executions of a query that the journal does not have.
func (r *running) list(q journal.Query) (rows []journal.Summary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range r.runs {
		if s := record.Running(&run.Execution); q.Has(&s) && !run.Journaled() {
			rows = append(rows, s)
		}
	}
	return rows
}
