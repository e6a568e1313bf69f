package journaltest

import (
	"context"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowtrux/edge/runtime/journal"
)

func roundTrip(s *suite) {
	j := s.open(4)
	if got := j.Durability(); got != s.engine.Durability {
		s.Errorf("durability %q, want %q", got, s.engine.Durability)
	}
	s.accept(j, entry(1))
	if diff := cmp.Diff(entry(1), s.claim(j, "").Entry(), cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("entry (-accepted +claimed):\n%s", diff)
	}
}

func order(s *suite) {
	j := s.open(8)
	s.accept(j, entry(1), entry(2), entry(3))
	s.claim(j, entry(1).ID)
	s.claim(j, entry(2).ID)
	s.accept(j, entry(4))
	s.claim(j, entry(3).ID)
	s.claim(j, entry(4).ID)
}

// claimResult is the result of a Claim on another goroutine.
type claimResult struct {
	lease journal.Lease
	err   error
}

func (s *suite) claimInBackground(ctx context.Context, j journal.Journal) <-chan claimResult {
	result := make(chan claimResult, 1)
	go func() {
		l, err := j.Claim(ctx)
		result <- claimResult{l, err}
	}()
	return result
}

func claimWaits(s *suite) {
	j := s.open(4)
	first, second := s.claimInBackground(s.context(), j), s.claimInBackground(s.context(), j)
	s.accept(j, entry(1), entry(2))
	a, b := <-first, <-second
	s.must("first claim", a.err)
	s.must("second claim", b.err)
	if a.lease.Entry().ID == b.lease.Entry().ID {
		s.Errorf("both claims got %s", a.lease.Entry().ID)
	}
}

func claimCancelled(s *suite) {
	j := s.open(4)
	ctx, cancel := context.WithCancel(s.context())
	result := s.claimInBackground(ctx, j)
	cancel()
	s.wantError("cancelled claim", (<-result).err, context.Canceled)

	s.accept(j, entry(1)) // not lost to the cancelled claim
	s.claim(j, entry(1).ID)
}

func full(s *suite) {
	j := s.open(2)
	s.accept(j, entry(1), entry(2))
	s.wantError("accepting a third", j.Accept(s.context(), entry(3)), journal.ErrFull)
	l := s.claim(j, entry(1).ID)
	s.wantError("accepting while one runs", j.Accept(s.context(), entry(3)), journal.ErrFull)
	_, err := j.Adopt(s.context(), entry(4))
	s.wantError("adopting", err, journal.ErrFull)
	s.must("finishing", l.Finish(s.context(), ended("succeeded")))
	s.accept(j, entry(3))
	s.claim(j, entry(2).ID)
	s.claim(j, entry(3).ID)
}

func exists(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1))
	s.wantError("accepting again", j.Accept(s.context(), entry(1)), journal.ErrExists)
	_, err := j.Adopt(s.context(), entry(1))
	s.wantError("adopting what is pending", err, journal.ErrExists)
	s.claim(j, entry(1).ID)
	s.wantError("accepting what runs", j.Accept(s.context(), entry(1)), journal.ErrExists)
	s.wantStats(j, journal.Stats{Running: 1})
}

func closed(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1))
	l := s.claim(j, entry(1).ID)
	waiting := s.claimInBackground(s.context(), j)
	s.must("closing", j.Close())
	s.wantError("waiting claim", (<-waiting).err, journal.ErrClosed)
	s.wantError("accepting", j.Accept(s.context(), entry(2)), journal.ErrClosed)
	_, err := j.Adopt(s.context(), entry(2))
	s.wantError("adopting", err, journal.ErrClosed)
	_, err = j.Claim(s.context())
	s.wantError("claiming", err, journal.ErrClosed)

	s.wantError("extending", l.Extend(s.context()), journal.ErrClosed)
	s.wantError("checkpointing", l.Checkpoint(s.context(), step("a", `1`, "")), journal.ErrClosed)
	s.wantError("finishing", l.Finish(s.context(), ended("succeeded")), journal.ErrClosed)
	s.wantError("releasing", l.Release(s.context(), 0), journal.ErrClosed)
	_, err = j.Get(s.context(), entry(1).ID)
	s.wantError("reading a record", err, journal.ErrClosed)
	s.must("closing again", j.Close())
}

func checkpoints(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1))
	l := s.claim(j, entry(1).ID)
	s.must("extending", l.Extend(s.context()))
	s.must("first step", l.Checkpoint(s.context(), step("a", `{"total":1.50}`, "")))
	s.must("second step", l.Checkpoint(s.context(), step("b", `{"result":true}`, "true")))
	s.must("first step again", l.Checkpoint(s.context(), step("a", `{"total":2}`, "")))
	if n := len(l.Entry().Steps); n != 0 {
		s.Errorf("the lease's entry changed: it has %d steps", n)
	}
	s.must("releasing", l.Release(s.context(), 0))

	want := []journal.Step{step("a", `{"total":2}`, ""), step("b", `{"result":true}`, "true")}
	if diff := cmp.Diff(want, s.claim(j, entry(1).ID).Entry().Steps); diff != "" {
		s.Errorf("steps (-stored +claimed):\n%s", diff)
	}
}

func release(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1), entry(2), entry(3))
	l := s.claim(j, entry(1).ID)
	s.must("releasing", l.Release(s.context(), 0))
	s.claim(j, entry(1).ID)
	s.claim(j, entry(2).ID)
}

func releaseLater(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1), entry(2))
	s.must("releasing for long", s.claim(j, entry(1).ID).Release(s.context(), time.Hour))
	s.wantStats(j, journal.Stats{Pending: 2, Oldest: entry(1).AcceptedAt})
	l := s.claim(j, entry(2).ID) // the other one does not delay it
	s.must("releasing for short", l.Release(s.context(), time.Millisecond))
	s.claim(j, entry(2).ID)
	s.wantStats(j, journal.Stats{Pending: 1, Running: 1, Oldest: entry(1).AcceptedAt})
}

func leaseLost(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1), entry(2))
	done := s.claim(j, entry(1).ID)
	s.must("finishing", done.Finish(s.context(), ended("failed")))
	given := s.claim(j, entry(2).ID)
	s.must("releasing", given.Release(s.context(), 0))
	now := s.claim(j, entry(2).ID) // another holder works on it
	for name, l := range map[string]journal.Lease{"finished": done, "released": given} {
		s.wantError("extending what was "+name, l.Extend(s.context()), journal.ErrLeaseLost)
		s.wantError("checkpointing what was "+name, l.Checkpoint(s.context(), step("a", `1`, "")), journal.ErrLeaseLost)
	}
	s.wantError("releasing what was finished", done.Release(s.context(), 0), journal.ErrLeaseLost)
	s.wantError("finishing what was released", given.Finish(s.context(), ended("succeeded")), journal.ErrLeaseLost)
	s.must("finishing as the holder", now.Finish(s.context(), ended("succeeded")))
	s.wantStats(j, journal.Stats{})
}

func repeated(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1))
	l := s.claim(j, entry(1).ID)
	s.must("releasing", l.Release(s.context(), 0))
	s.must("releasing again", l.Release(s.context(), 0))
	s.wantStats(j, journal.Stats{Pending: 1, Oldest: entry(1).AcceptedAt})
	l = s.claim(j, entry(1).ID)
	s.must("finishing", l.Finish(s.context(), ended("succeeded")))
	s.must("finishing again", l.Finish(s.context(), ended("succeeded")))
	s.wantStats(j, journal.Stats{})
}

func adopt(s *suite) {
	j := s.open(4)
	e := entry(1)
	e.Steps, e.Began = []journal.Step{step("trigger", `{}`, "")}, e.AcceptedAt.Add(-time.Second)
	l, err := j.Adopt(s.context(), e)
	s.must("adopting", err)
	if diff := cmp.Diff(e, l.Entry(), cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("entry (-adopted +leased):\n%s", diff)
	}
	s.accept(j, entry(2))
	s.claim(j, entry(2).ID) // the adopted entry is not claimed
	s.must("checkpointing", l.Checkpoint(s.context(), step("a", `1`, "")))
	s.must("releasing", l.Release(s.context(), 0))
	want := []journal.Step{step("trigger", `{}`, ""), step("a", `1`, "")}
	l = s.claim(j, e.ID)
	if diff := cmp.Diff(want, l.Entry().Steps); diff != "" {
		s.Errorf("steps (-stored +claimed):\n%s", diff)
	}
	s.must("beginning", l.Begin(s.context()))
	s.must("releasing", l.Release(s.context(), 0))
	l = s.claim(j, e.ID)
	if got := l.Entry().Began; !got.Equal(e.Began) {
		s.Errorf("it began at %v, and says %v after it was claimed", e.Began, got)
	}
	s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
	if again, err := j.Source(s.context(), e.ID); err != nil || !again.Began.IsZero() {
		s.Errorf("a rerun began at %v before it begins: %v", again.Began, err)
	}
}

func began(s *suite) {
	j := s.open(4)
	s.accept(j, entry(1))
	again := func(begin int) time.Time {
		l := s.claim(j, entry(1).ID)
		for range begin {
			s.must("beginning", l.Begin(s.context()))
		}
		s.must("releasing", l.Release(s.context(), 0))
		l = s.claim(j, entry(1).ID)
		s.must("releasing", l.Release(s.context(), 0))
		return l.Entry().Began
	}
	if at := again(0); !at.IsZero() {
		s.Errorf("it has begun at %v without Begin", at)
	}
	first := again(2)
	if since := time.Since(first).Abs(); since > time.Minute { // the clock may be that of a server
		s.Errorf("it began just now, and says %v", first)
	}
	if second := again(1); !second.Equal(first) {
		s.Errorf("it first began at %v, and says %v after another run", first, second)
	}
}

func stats(s *suite) {
	j := s.open(4)
	s.wantStats(j, journal.Stats{})
	s.accept(j, entry(1), entry(2))
	s.wantStats(j, journal.Stats{Pending: 2, Oldest: entry(1).AcceptedAt})
	l := s.claim(j, entry(1).ID)
	s.wantStats(j, journal.Stats{Pending: 1, Running: 1, Oldest: entry(2).AcceptedAt})
	s.must("finishing", l.Finish(s.context(), ended("succeeded")))
	s.claim(j, entry(2).ID)
	s.wantStats(j, journal.Stats{Running: 1})
}
