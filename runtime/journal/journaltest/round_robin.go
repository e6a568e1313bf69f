package journaltest

import (
	"context"

	"github.com/flowtrux/edge/runtime/journal"
)

// entryOf returns the n-th entry of a test, as one of a workflow.
func entryOf(workflow string, n int) *journal.Entry {
	e := entry(n)
	e.Workflow = workflow
	return e
}

// wantClaims claims entries and checks their order.
func (s *suite) wantClaims(j journal.Journal, want ...int) (leases []journal.Lease) {
	s.Helper()
	for _, n := range want {
		leases = append(leases, s.claim(j, entry(n).ID))
	}
	return leases
}

// roundRobin: the entries of one workflow do not delay others, and a released entry keeps its
// place.
func roundRobin(s *suite) {
	j := s.open(16)
	s.accept(j, entryOf("a", 1), entryOf("a", 2), entryOf("a", 3), entryOf("b", 4), entryOf("c", 5), entryOf("c", 6))
	first := s.wantClaims(j, 1, 4, 5, 2)
	s.must("releasing the second of a", first[3].Release(s.context(), 0))
	s.must("releasing the first of a", first[0].Release(s.context(), 0))
	s.accept(j, entryOf("d", 7))
	s.wantClaims(j, 6, 1, 7, 2, 3)
	s.wantStats(j, journal.Stats{Running: 7})
}

// exceptions: entries of excepted workflows keep their places, and wake no claim.
func exceptions(s *suite) {
	j := s.open(16)
	s.accept(j, entryOf("a", 1), entryOf("a", 2), entryOf("b", 3), entryOf("c", 4))
	l, err := j.Claim(s.context(), "a", "c")
	s.must("claiming", err)
	if id := l.Entry().ID; id != entry(3).ID {
		s.Fatalf("claimed %s, want the only one of b", id)
	}
	ctx, cancel := context.WithCancel(s.context())
	defer cancel()
	result := make(chan claimResult, 1)
	go func() {
		l, err := j.Claim(ctx, "a", "c")
		result <- claimResult{l, err}
	}()
	s.accept(j, entryOf("c", 5), entryOf("b", 6))
	got := <-result
	s.must("waiting for another", got.err)
	if id := got.lease.Entry().ID; id != entry(6).ID {
		s.Fatalf("claimed %s, want the second one of b", id)
	}
	cancel()
	_, err = j.Claim(ctx, "a", "c")
	s.wantError("a claim that is over", err, context.Canceled)
	s.wantClaims(j, 1, 4, 2, 5)
}

// roundRobinAfterReopen: workflows also take turns when the queue was read from disk.
func roundRobinAfterReopen(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 64)
	for n := range 40 {
		s.accept(j, entryOf("a", n))
	}
	s.accept(j, entryOf("b", 50), entryOf("c", 51), entryOf("b", 52))
	s.wantClaims(j, 0)
	s.must("closing", j.Close())

	j = s.openAt(dir, 64)
	s.wantClaims(j, 0, 50, 51, 1, 52, 2, 3)
}
