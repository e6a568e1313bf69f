package executor

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
)

// List lists executions as the journal does, plus those that run here while a sender waits. The
// journal does not know the latter until they have ended.
func (x *Executor) List(ctx context.Context, q journal.Query) (journal.Page, error) {
	// Running executions come first: one that ends meanwhile is in both lists, rather than in
	// neither.
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

// Get returns the journal's record. That of an execution that runs here has the state of its nodes
// so far, without values, and its nodes are published from then on.
func (x *Executor) Get(ctx context.Context, id string) (*journal.Record, error) {
	run := x.runs.get(id)
	r, err := x.journal.Get(ctx, id)
	switch {
	case run == nil, err != nil && !errors.Is(err, journal.ErrUnknown), err == nil && !r.EndedAt.IsZero():
		return r, err
	}
	x.show(run)
	return &journal.Record{Summary: *summaryOf(run), Nodes: record.Progress(&run.Execution)}, nil
}

// Document returns the document that an execution runs or ran with, without its secret, and the
// revision of it. The errors are the journal's: ErrNotEnded if it is pending, or runs elsewhere.
func (x *Executor) Document(ctx context.Context, id string) (document []byte, revision int64, err error) {
	if run := x.runs.get(id); run != nil {
		p := run.Program().Plan
		return p.Document, p.Revision, nil
	}
	e, err := x.journal.Source(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	return e.Document, e.Revision, nil
}

// list returns the running executions that match a query and are not in the journal.
func (r *running) list(q journal.Query) (rows []journal.Summary) {
	r.mu.Lock()
	runs := slices.Clone(r.runs)
	// each request takes this lock, and an execution that is being adopted holds its own for long
	r.mu.Unlock()
	for _, run := range runs {
		if s := record.Running(&run.Execution); q.Has(&s) && !run.Journaled() {
			rows = append(rows, s)
		}
	}
	return rows
}
