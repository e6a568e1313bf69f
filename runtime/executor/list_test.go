package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// TestWaitingExecutionsAreListed checks that running executions are listed with those of the
// journal, each in its page.
func TestWaitingExecutionsAreListed(t *testing.T) {
	began, goOn := make(chan struct{}, 10), make(chan struct{})
	j := newLedger()
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
		began <- struct{}{}
		select {
		case <-goOn:
			return "1", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})}, sandbox.Limits{})
	p := l.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}`, "t>a", Ask("a", `1`)))
	x := New(j, 1)
	id := func(n int) string { return fmt.Sprintf("exec-%026d", n) }
	for _, n := range []int{1, 3, 6} {
		r := record.NotRun(engine.Succeeded, "", "")
		r.ID, r.Workflow = id(n), p.Plan.ID
		if err := j.Put(t.Context(), journal.Ended{Record: r}); err != nil {
			t.Fatal(err)
		}
	}
	results := make(chan *engine.Result)
	for _, n := range []int{2, 4, 5} {
		go func() { results <- l.await(x, p, id(n)) }()
		Receive(t, began)
	}
	list := func(q journal.Query) (ids []string) {
		t.Helper()
		for range 10 {
			page, err := x.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if q.Limit > 0 && len(page.Rows) > q.Limit {
				t.Errorf("%d rows, the limit is %d", len(page.Rows), q.Limit)
			}
			for _, row := range page.Rows {
				ids = append(ids, row.ID[len(row.ID)-1:]+row.Status[:1])
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return ids
			}
		}
		t.Fatal("pages without end")
		return nil
	}
	for _, c := range []struct {
		query journal.Query
		want  []string
	}{
		{journal.Query{}, []string{"6s", "5r", "4r", "3s", "2r", "1s"}},
		{journal.Query{Limit: 1}, []string{"6s", "5r", "4r", "3s", "2r", "1s"}},
		{journal.Query{Limit: 2}, []string{"6s", "5r", "4r", "3s", "2r", "1s"}},
		{journal.Query{Limit: 4}, []string{"6s", "5r", "4r", "3s", "2r", "1s"}},
		{journal.Query{Statuses: []string{journal.Running}, Limit: 2}, []string{"5r", "4r", "2r"}},
		{journal.Query{Statuses: []string{journal.Failed}}, nil},
		{journal.Query{Statuses: []string{journal.Failed, journal.Running}}, []string{"5r", "4r", "2r"}},
		{journal.Query{Source: journal.SourceConsole}, nil},
		{journal.Query{IDPrefix: id(4)}, []string{"4r"}},
		{journal.Query{Workflow: "another"}, nil},
		{journal.Query{Cursor: id(5)}, []string{"4r", "3s", "2r", "1s"}},
	} {
		if got := list(c.query); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.query, got, c.want)
		}
	}
	r, err := x.Get(t.Context(), id(4))
	if err != nil || r.Status != journal.Running || r.Workflow != p.Plan.ID || r.Mode != "lastNode" || r.StartedAt.IsZero() {
		t.Errorf("shown %+v, %v", r, err)
	}
	if _, err := x.Get(t.Context(), id(9)); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("one that is not: %v", err)
	}
	if doc, revision, err := x.Document(t.Context(), id(4)); err != nil || string(doc) != string(p.Plan.Document) || revision != p.Plan.Revision {
		t.Errorf("the document of one that runs: %s of revision %d, %v", doc, revision, err)
	}
	if _, _, err := x.Document(t.Context(), id(9)); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("the document of one that is not: %v", err)
	}
	close(goOn)
	for range 3 {
		Receive(t, results)
	}
	x.recorder.Close(t.Context())
	if got := list(journal.Query{Statuses: []string{journal.Running}}); got != nil {
		t.Errorf("%v run when all have ended", got)
	}
	l.drain(x, 0)
}
