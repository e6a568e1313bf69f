package bbolt

import (
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestRangesAreNotScanned checks that a list reads nothing outside its range of ids: what it
// allocates does not grow with the number of records there.
func TestRangesAreNotScanned(t *testing.T) {
	const records = 3000
	j := open(t, path(t), roomy)
	now := time.Now()
	var ended []journal.Ended
	for n := range records {
		r := new(journal.Record)
		r.ID = entryAt(now.Add(-time.Duration(n)*3*time.Second), n, 0).ID
		r.Workflow, r.Status = "order", journal.Succeeded
		ended = append(ended, journal.Ended{Record: r})
	}
	if err := j.Put(t.Context(), ended...); err != nil {
		t.Fatal(err)
	}
	middle := now.Add(-records / 2 * 3 * time.Second)
	for name, q := range map[string]journal.Query{
		"before":       {From: now.Add(time.Second)},
		"between":      {From: middle, To: middle.Add(time.Second)},
		"one id":       {IDPrefix: ended[records/2].Record.ID},
		"an old page":  {From: middle, Cursor: ended[records/2-1].Record.ID},
		"after them":   {To: now.Add(-time.Hour * 24)},
		"nothing else": {From: middle, To: middle.Add(time.Second), Workflow: "another"},
	} {
		allocated := testing.AllocsPerRun(3, func() {
			page, err := j.List(t.Context(), q)
			if err != nil || len(page.Rows) > 2 || page.Next != "" {
				t.Fatalf("%s: %d rows, next %q, %v", name, len(page.Rows), page.Next, err)
			}
		})
		if allocated > 300 {
			t.Errorf("%s: %v allocations", name, allocated)
		}
	}
	all := testing.AllocsPerRun(1, func() {
		if _, err := j.List(t.Context(), journal.Query{Workflow: "another"}); err != nil {
			t.Fatal(err)
		}
	})
	if all < records {
		t.Errorf("a list of everything makes only %v allocations: this test shows nothing", all)
	}
}
