//go:build unix

package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestClocks: machines whose clocks are days apart keep, list, expire and count as if they were
// not, and each is told.
func TestClocks(t *testing.T) {
	o := optionsOf(t)
	o.Lease, o.Retention = time.Minute, time.Hour
	at := func(name string, wrong time.Duration) *Journal {
		o := o
		o.Machine = name
		j := New(o)
		j.wall = func() time.Time { return time.Now().Add(wrong) }
		must(t, "opening", j.Open(t.Context()))
		t.Cleanup(func() { must(t, "closing", j.Close()) })
		return j
	}
	behind, right, ahead := at("behind", -100*time.Hour), at("right", 0), at("ahead", 100*time.Hour)
	all := []*Journal{ahead, behind, right} // in the order in which they accept
	var ids []string
	for n, j := range all {
		if off := time.Since(j.Now()); off.Abs() > time.Minute {
			t.Errorf("%s has a time that is off by %s", j.options.Machine, off)
		}
		time.Sleep(2 * time.Millisecond) // ids have milliseconds
		e := entryAt(t, j.Now(), n)
		e.Key = &journal.Key{Text: fmt.Sprint(n), Until: time.Now().Add(time.Hour)}
		must(t, "accepting", j.Accept(t.Context(), e))
		must(t, "finishing", claim(t, all[(n+1)%3], e.ID).Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}))
		j.CountEnded(journal.EndedCount{Workflow: "order", ID: e.ID, Status: journal.Failed, EndedAt: j.wall()})
		ids = append([]string{e.ID}, ids...)
	}
	for _, j := range all {
		must(t, "dropping", j.dropHours(t.Context()))
		must(t, "dropping", j.dropExpired(t.Context()))
		must(t, "saving", j.saveCounts(t.Context()))
		must(t, "dropping", j.dropCounts(t.Context()))
	}
	for _, j := range all {
		page, err := j.List(t.Context(), journal.Query{})
		must(t, "listing", err)
		if len(page.Rows) != 3 || page.Rows[0].ID != ids[0] || page.Rows[1].ID != ids[1] || page.Rows[2].ID != ids[2] {
			t.Errorf("%s lists %+v, want %v", j.options.Machine, page.Rows, ids)
		}
		for n, id := range ids {
			_, err := j.Get(t.Context(), id)
			must(t, "reading", err)
			e := entryAt(t, j.Now(), 10)
			e.Key = &journal.Key{Text: fmt.Sprint(2 - n), Until: time.Now().Add(time.Hour)}
			if err := j.Accept(t.Context(), e); err == nil {
				t.Errorf("%s has taken key %d again", j.options.Machine, n)
			}
		}
		counts, err := j.Counts(t.Context(), journal.CountsQuery{Hours: 2})
		must(t, "counting", err)
		n := 0
		for _, w := range counts.Workflows {
			for _, hours := range w.Ended {
				for _, h := range hours {
					n += h
				}
			}
		}
		if n != 3 {
			t.Errorf("%s counts %d", j.options.Machine, n)
		}
	}
	for j, want := range map[*Journal]string{behind: "100h0m0s behind", right: "", ahead: "100h0m0s ahead"} {
		if got := strings.Join(j.Warnings(), "; "); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s warns of %q, want %q", j.options.Machine, got, want)
		}
	}
}
