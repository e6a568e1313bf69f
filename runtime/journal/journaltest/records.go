package journaltest

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowtrux/edge/runtime/journal"
)

// record returns a record of the n-th entry with every field set.
func record(n int, status string) *journal.Record {
	e := entry(n)
	r := &journal.Record{
		Summary: journal.Summary{
			ID: e.ID, Workflow: e.Workflow, Revision: e.Revision, Mode: "lastNode", AcceptedAt: e.AcceptedAt,
			StartedAt: e.AcceptedAt, EndedAt: e.AcceptedAt.Add(time.Second),
			Outcome: journal.Outcome{Status: status},
		},
		Trigger: &journal.Trigger{Data: journal.Value{Text: string(e.Data)}, Method: "POST", ReceivedAt: e.ReceivedAt},
		Nodes: []journal.NodeRecord{{
			ID: "a", Type: "transform", State: "completed", Handle: "true", Attempts: 2, StartedAt: e.AcceptedAt,
			Duration: 1500 * time.Microsecond, Input: journal.Value{Text: `{"x":"***"}`},
			Output: journal.Value{Size: 1 << 20, SHA256: "3a6e"}, Logs: []string{"one", "two"}, Fuel: 17,
		}},
		Cut: true,
	}
	if status == journal.Failed {
		r.Outcome = journal.Outcome{Status: status, Node: "a", Code: "trap", Message: "the node crashed"}
	}
	return r
}

func records(s *suite) {
	j := s.open(8)
	for n, status := range []string{journal.Succeeded, journal.Failed} {
		s.must("recording", j.Put(s.context(), journal.Ended{Record: record(n, status), Source: entry(n)}))
		got, err := j.Get(s.context(), entry(n).ID)
		s.must("reading", err)
		if diff := cmp.Diff(record(n, status), got, cmpopts.EquateEmpty(), anyMachine); diff != "" {
			s.Errorf("record (-put +got):\n%s", diff)
		}
	}
	e := entry(3)
	e.Source = journal.SourceConsole
	s.accept(j, e)
	s.wantStatus(j, 3, journal.Pending)
	l := s.claim(j, entry(3).ID)
	s.wantStatus(j, 3, journal.Running)
	running, err := j.Get(s.context(), e.ID)
	s.must("reading", err)
	page, err := j.List(s.context(), journal.Query{Limit: 1})
	s.must("listing", err)
	for _, source := range []string{running.Source, page.Rows[0].Source, l.Entry().Source} {
		if source != e.Source {
			s.Errorf("the source is %q, want %s", source, e.Source)
		}
	}
	want := record(3, journal.Failed)
	s.must("finishing", l.Finish(s.context(), want))
	want.Source = e.Source
	got, err := j.Get(s.context(), entry(3).ID)
	s.must("reading", err)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), anyMachine); diff != "" {
		s.Errorf("record (-finished +got):\n%s", diff)
	}
	for _, id := range []string{entry(4).ID, "exec-1", "", "../../etc/passwd"} {
		_, err := j.Get(s.context(), id)
		s.wantError("reading "+id, err, journal.ErrUnknown)
	}
	s.wantError("accepting what has ended", j.Accept(s.context(), entry(3)), journal.ErrExists)
}

func (s *suite) wantStatus(j journal.Journal, n int, status string) {
	s.Helper()
	r, err := j.Get(s.context(), entry(n).ID)
	s.must("reading", err)
	if r.Status != status || r.Workflow != entry(n).Workflow || !r.AcceptedAt.Equal(entry(n).AcceptedAt) {
		s.Fatalf("record %+v, want %s", r, status)
	}
}

func sources(s *suite) {
	j := s.open(8)
	e := keyed(1, "k", "body")
	e.ReplayOf = entry(0).ID
	s.accept(j, e)
	_, err := j.Source(s.context(), e.ID)
	s.wantError("the source of what is pending", err, journal.ErrNotEnded)
	l := s.claim(j, e.ID)
	s.must("checkpointing", l.Checkpoint(s.context(), step("a", `1`, "")))
	_, err = j.Source(s.context(), e.ID)
	s.wantError("the source of what runs", err, journal.ErrNotEnded)
	s.must("finishing", l.Finish(s.context(), ended(journal.Failed)))
	want := entry(1)
	want.ReplayOf = e.ReplayOf
	s.wantSource(j, want)
	e = entry(2)
	e.Source = journal.SourceConsole
	s.must("recording", j.Put(s.context(), journal.Ended{Record: record(2, journal.Succeeded), Source: e}))
	s.wantSource(j, entry(2))
	for _, id := range []string{entry(3).ID, "exec-1"} {
		_, err := j.Source(s.context(), id)
		s.wantError("the source of "+id, err, journal.ErrUnknown)
	}
}

func (s *suite) wantSource(j journal.Journal, want *journal.Entry) {
	s.Helper()
	got, err := j.Source(s.context(), want.ID)
	s.must("reading the source", err)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), anyMachine); diff != "" {
		s.Errorf("source (-accepted +got):\n%s", diff)
	}
}

func lists(s *suite) {
	const ended, hour = 30, 3600
	j := s.open(8)
	for n := range ended {
		status := journal.Succeeded
		if n%3 == 0 {
			status = journal.Failed
		}
		r := record(n*hour/4, status) // over several hours, which engines may keep apart
		if n%2 == 0 {
			r.Workflow = "another"
		}
		if n%5 == 0 {
			r.Source = journal.SourceConsole
		}
		s.must("recording", j.Put(s.context(), journal.Ended{Record: r}))
	}
	s.accept(j, entry(1), entry(hour+1))
	s.claim(j, entry(1).ID)

	all := s.list(j, journal.Query{Limit: 1000})
	if len(all) != ended+2 {
		s.Fatalf("%d rows, want %d", len(all), ended+2)
	}
	for i := range all[1:] {
		if all[i].ID <= all[i+1].ID {
			s.Fatalf("row %d is %s, the next one %s", i, all[i].ID, all[i+1].ID)
		}
	}
	middle := epoch.Add(ended / 2 * hour / 4 * time.Second) // when one of them was accepted
	for _, c := range []struct {
		query journal.Query
		want  func(journal.Summary) bool
	}{
		{journal.Query{}, func(journal.Summary) bool { return true }},
		{journal.Query{Limit: 1}, func(journal.Summary) bool { return true }},
		{journal.Query{Limit: 7, Workflow: "another"}, func(r journal.Summary) bool { return r.Workflow == "another" }},
		{journal.Query{Limit: 4, Statuses: []string{journal.Failed}}, func(r journal.Summary) bool { return r.Status == journal.Failed }},
		{journal.Query{Statuses: []string{journal.Pending}}, func(r journal.Summary) bool { return r.ID == entry(hour+1).ID }},
		{journal.Query{Statuses: []string{journal.Running}}, func(r journal.Summary) bool { return r.ID == entry(1).ID }},
		{journal.Query{Limit: 3, Statuses: []string{journal.Running, journal.Failed}}, func(r journal.Summary) bool {
			return r.Status == journal.Failed || r.Status == journal.Running
		}},
		{journal.Query{Limit: 3, Source: journal.SourceConsole}, func(r journal.Summary) bool { return r.Source == journal.SourceConsole }},
		{journal.Query{Source: "none"}, func(journal.Summary) bool { return false }},
		{journal.Query{Limit: 2, From: middle}, func(r journal.Summary) bool { return !r.AcceptedAt.Before(middle) }},
		{journal.Query{Limit: 2, To: middle}, func(r journal.Summary) bool { return r.AcceptedAt.Before(middle) }},
		{
			journal.Query{Limit: 2, From: middle.Add(-2 * time.Hour), To: middle.Add(time.Nanosecond), Workflow: "another"},
			func(r journal.Summary) bool {
				return !r.AcceptedAt.Before(middle.Add(-2*time.Hour)) && !r.AcceptedAt.After(middle) && r.Workflow == "another"
			},
		},
		{journal.Query{From: middle, To: middle}, func(journal.Summary) bool { return false }},
		{journal.Query{From: epoch.Add(1000 * time.Hour)}, func(journal.Summary) bool { return false }},
		{journal.Query{To: time.Unix(-1, 0)}, func(journal.Summary) bool { return false }},
		{journal.Query{IDPrefix: "exec"}, func(journal.Summary) bool { return true }},
		{journal.Query{Limit: 1, IDPrefix: all[7].ID[:13]}, func(r journal.Summary) bool { return strings.HasPrefix(r.ID, all[7].ID[:13]) }},
		{journal.Query{IDPrefix: all[7].ID}, func(r journal.Summary) bool { return r.ID == all[7].ID }},
		{journal.Query{IDPrefix: "exec-7zzzzzzzz"}, func(journal.Summary) bool { return false }},
		{journal.Query{Workflow: "none"}, func(journal.Summary) bool { return false }},
	} {
		var want []journal.Summary
		for _, r := range all {
			if c.want(r) {
				want = append(want, r)
			}
		}
		if diff := cmp.Diff(want, s.list(j, c.query), cmpopts.EquateEmpty(), anyMachine); diff != "" {
			s.Errorf("%+v (-want +got):\n%s", c.query, diff)
		}
	}
	for _, cursor := range []string{"x", "exec-1", fmt.Sprintf("%0100d", 1)} {
		_, err := j.List(s.context(), journal.Query{Cursor: cursor})
		s.wantError("cursor "+cursor, err, journal.ErrBadCursor)
	}
	for _, prefix := range []string{"x", "exec_", "exec-8", "exec-0u", "EXEC-0", all[0].ID + "0"} {
		_, err := j.List(s.context(), journal.Query{IDPrefix: prefix})
		s.wantError("prefix "+prefix, err, journal.ErrBadID)
	}
}

// list reads all pages.
func (s *suite) list(j journal.Journal, q journal.Query) (rows []journal.Summary) {
	s.Helper()
	for {
		p, err := j.List(s.context(), q)
		s.must("listing", err)
		if limit := q.Limit; limit > 0 && len(p.Rows) > limit {
			s.Fatalf("%d rows, the limit is %d", len(p.Rows), limit)
		}
		rows = append(rows, p.Rows...)
		if p.Next == "" {
			return rows
		}
		q.Cursor = p.Next
	}
}

func cancelling(s *suite) {
	j := s.open(8)
	s.accept(j, entry(1), entry(2), entry(3))
	s.must("cancelling what is pending", j.Cancel(s.context(), entry(2).ID))
	s.wantStatus(j, 2, journal.Cancelled)
	s.wantSource(j, entry(2))
	s.wantError("cancelling again", j.Cancel(s.context(), entry(2).ID), journal.ErrEnded)
	l := s.claim(j, entry(1).ID)
	// 2 is not given out
	s.must("releasing for long", s.claim(j, entry(3).ID).Release(s.context(), time.Hour))
	s.must("cancelling what rests", j.Cancel(s.context(), entry(3).ID))
	s.must("beginning", l.Begin(s.context()))
	s.must("cancelling what runs", j.Cancel(s.context(), entry(1).ID))
	s.wantError("extending", l.Extend(s.context()), journal.ErrCancelled)
	s.wantError("checkpointing", l.Checkpoint(s.context(), step("a", `1`, "")), journal.ErrCancelled)
	s.must("finishing", l.Finish(s.context(), ended(journal.Cancelled)))
	s.wantError("cancelling what has ended", j.Cancel(s.context(), entry(1).ID), journal.ErrEnded)
	s.wantError("cancelling what is not", j.Cancel(s.context(), entry(4).ID), journal.ErrUnknown)
	s.wantStats(j, journal.Stats{})
}
