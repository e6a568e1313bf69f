package journaltest

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowtrux/edge/runtime/journal"
)

// durable are the tests of engines whose content survives the process.
var durable = []testCase{
	{"the content survives reopening", reopened},
	{"workflows take turns after reopening", roundRobinAfterReopen},
	{"keys of executions that ended with the process are free", keysAfterReopen},
	{"counters survive reopening", countersAfterReopen},
	{"killed under load", killed},
	{"deaths are counted", deaths},
	{"cancelled and killed", cancelledAndKilled},
}

func reopened(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 8)
	s.accept(j, entry(1), entry(2), entry(3), entry(4))
	l := s.claim(j, entry(1).ID)
	s.must("beginning", l.Begin(s.context()))
	s.must("second step", l.Checkpoint(s.context(), step("b", `2`, "true")))
	s.must("first step", l.Checkpoint(s.context(), step("a", `1`, "")))
	s.must("releasing", l.Release(s.context(), 0))
	began := s.claim(j, entry(1).ID).Entry().Began
	done := s.claim(j, entry(2).ID)
	s.must("finishing", done.Finish(s.context(), record(2, journal.Failed)))
	s.must("cancelling", j.Cancel(s.context(), entry(3).ID))
	s.must("closing", j.Close())

	j = s.openAt(dir, 8)
	s.wantStats(j, journal.Stats{Pending: 2, Oldest: entry(1).AcceptedAt})
	want := entry(1)
	want.Steps, want.Began = []journal.Step{step("b", `2`, "true"), step("a", `1`, "")}, began
	if diff := cmp.Diff(want, s.claim(j, want.ID).Entry(), cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("entry (-accepted +claimed):\n%s", diff)
	}
	s.claim(j, entry(4).ID)
	got, err := j.Get(s.context(), entry(2).ID)
	s.must("reading", err)
	if diff := cmp.Diff(record(2, journal.Failed), got, cmpopts.EquateEmpty(), anyMachine); diff != "" {
		s.Errorf("record (-finished +got):\n%s", diff)
	}
	s.wantStatus(j, 3, journal.Cancelled)
	s.wantSource(j, entry(2))
	s.wantError("accepting it again", j.Accept(s.context(), entry(2)), journal.ErrExists)
}

func keysAfterReopen(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 8)
	s.accept(j, keyed(1, "accepted", "body"))
	s.must("reserving", j.Reserve(s.context(), reservation(2, "settled", "body")))
	s.must("settling", j.Settle(s.context(), reservation(2, "settled", "body"), []byte("answer")))
	s.must("reserving", j.Reserve(s.context(), reservation(3, "held", "body")))
	s.must("closing", j.Close())

	j = s.openAt(dir, 8)
	s.wantDuplicate("accepted", j.Accept(s.context(), keyed(4, "accepted", "body")), entry(1).ID, "accepted "+entry(1).ID)
	s.wantDuplicate("settled", j.Reserve(s.context(), reservation(4, "settled", "body")), entry(2).ID, "answer")
	s.must("reserving what was held", j.Reserve(s.context(), reservation(4, "held", "another body")))
}
