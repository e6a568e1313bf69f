package journaltest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/runtime/journal"
)

// counting returns the counters of a journal, or nil for an engine without any.
func (s *suite) counting(j journal.Journal) journal.Counting {
	c := journal.CountingOf(j)
	if c == nil {
		s.Log("the engine has no counters")
	}
	return c
}

// count counts executions and rejections that have happened now.
func count(c journal.Counting, now time.Time) {
	for n, status := range []string{journal.Succeeded, journal.Succeeded, journal.Succeeded, journal.Failed, journal.Cancelled} {
		c.CountEnded(journal.EndedCount{
			Workflow: "order-intake", ID: newID(now, n), Status: status, EndedAt: now, Duration: time.Duration(n+1) * 100 * time.Millisecond,
		})
	}
	c.CountEnded(journal.EndedCount{Workflow: "a", ID: newID(now, 9), Status: journal.TimedOut, EndedAt: now})
	c.CountEnded(journal.EndedCount{Workflow: "a", ID: newID(now, 10), Status: journal.Running, EndedAt: now})
	for range 3 {
		c.CountRejected("overloaded", now)
	}
	c.CountRejected("invalid_signature", now)
}

// wantCounts expects what count has counted.
func (s *suite) wantCounts(c journal.Counting, now time.Time) {
	s.Helper()
	// an hour may have begun since then
	got, err := c.Counts(s.context(), journal.CountsQuery{Hours: 2})
	s.must("reading counters", err)
	hour := int(now.Sub(got.From) / time.Hour)
	at := func(n int) []int {
		counts := make([]int, 2)
		counts[hour] = n
		return counts
	}
	if got.From.Truncate(time.Hour) != got.From || hour < 0 || hour > 1 {
		s.Fatalf("the hours begin at %s", got.From)
	}
	for i := range got.Workflows {
		w := &got.Workflows[i]
		if w.Workflow == "order-intake" && (w.Median < 200*time.Millisecond || w.Median > 400*time.Millisecond) {
			s.Errorf("the median of 100 to 500 ms is %s", w.Median)
		}
		w.Median = 0
	}
	want := journal.Counts{
		From: got.From,
		Workflows: []journal.WorkflowCounts{
			{Workflow: "a", Last: journal.LastEnd{ID: newID(now, 9), Status: journal.TimedOut, EndedAt: now}, Ended: map[string][]int{
				journal.TimedOut: at(1),
			}},
			{Workflow: "order-intake", Last: journal.LastEnd{ID: newID(now, 4), Status: journal.Cancelled, EndedAt: now}, Ended: map[string][]int{
				journal.Succeeded: at(3), journal.Failed: at(1), journal.Cancelled: at(1),
			}},
		},
		Rejections: []journal.RejectionCounts{
			{Code: "invalid_signature", Counts: at(1)}, {Code: "overloaded", Counts: at(3)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("counters (-want +got):\n%s", diff)
	}
}

func counters(s *suite) {
	j := s.open(8)
	c := s.counting(j)
	if c == nil {
		return
	}
	now := time.Now().UTC()
	empty, err := c.Counts(s.context(), journal.CountsQuery{Hours: journal.MaxCountedHours})
	s.must("reading counters", err)
	if len(empty.Workflows)+len(empty.Rejections) > 0 || now.Sub(empty.From) < 71*time.Hour || now.Sub(empty.From) > 73*time.Hour {
		s.Errorf("counters of a new journal: %+v", empty)
	}
	count(c, now)
	s.wantCounts(c, now)
	for id, n := range map[string]int{"a": 1, "other": 0} {
		got, err := c.Counts(s.context(), journal.CountsQuery{Workflow: id, Hours: 2})
		s.must("reading counters", err)
		if len(got.Workflows) != n || len(got.Rejections) != 2 {
			s.Errorf("counters of workflow %s: %+v", id, got)
		}
	}
	s.must("closing", j.Close())
	_, err = c.Counts(s.context(), journal.CountsQuery{Hours: 1})
	s.wantError("reading counters of a closed journal", err, journal.ErrClosed)
}

// countersAtOnce counts and reads at the same time.
func countersAtOnce(s *suite) {
	const counting, each = 8, 500
	c := s.counting(s.open(8))
	if c == nil {
		return
	}
	var work sync.WaitGroup
	for g := range counting {
		work.Go(func() {
			for n := range each {
				now := time.Now()
				c.CountEnded(journal.EndedCount{Workflow: fmt.Sprint(n % 7), ID: newID(now, g), Status: journal.Succeeded, EndedAt: now, Duration: 1})
				c.CountRejected("overloaded", now)
				if n%100 == 0 {
					if _, err := c.Counts(s.context(), journal.CountsQuery{Hours: 24}); err != nil {
						s.Error(err)
					}
				}
			}
		})
	}
	work.Wait()
	got, err := c.Counts(s.context(), journal.CountsQuery{Hours: 2})
	s.must("reading counters", err)
	sum := func(counts []int) (n int) {
		for _, count := range counts {
			n += count
		}
		return n
	}
	ended := 0
	for _, w := range got.Workflows {
		ended += sum(w.Ended[journal.Succeeded])
	}
	ids := slices.IsSortedFunc(got.Workflows, func(a, b journal.WorkflowCounts) int {
		if a.Workflow < b.Workflow {
			return -1
		}
		return 1
	})
	if rejected := sum(got.Rejections[0].Counts); ended != counting*each || rejected != counting*each || len(got.Workflows) != 7 || !ids {
		s.Errorf("%d ends and %d rejections are counted, want %d", ended, rejected, counting*each)
	}
}

func countersAfterReopen(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 8)
	c := s.counting(j)
	if c == nil {
		return
	}
	now := time.Now().UTC()
	count(c, now)
	s.must("closing", j.Close())
	j = s.openAt(dir, 8)
	s.wantCounts(s.counting(j), now)
	s.must("closing", j.Close())
	s.wantCounts(s.counting(s.openAt(dir, 8)), now)
}
