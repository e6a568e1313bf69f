package journaltest

import (
	"context"

	"github.com/flowtrux/edge/runtime/journal"
)

// of is the n-th entry of a test as one of another workflow.
func of(workflow string, n int) *journal.Entry {
	e := entry(n)
	e.Workflow = workflow
	return e
}

// wantClaims claims so often and wants these entries in this order.
func (s *suite) wantClaims(j journal.Journal, want ...int) (leases []journal.Lease) {
	s.Helper()
	for _, n := range want {
		leases = append(leases, s.claim(j, entry(n).ID))
	}
	return leases
}

// takeTurns: a queue of one workflow delays no other, and what is given back keeps its place.
func takeTurns(s *suite) {
	j := s.open(16)
	s.accept(j, of("a", 1), of("a", 2), of("a", 3), of("b", 4), of("c", 5), of("c", 6))
	first := s.wantClaims(j, 1, 4, 5, 2)
	s.must("releasing the second of a", first[3].Release(s.context(), 0))
	s.must("releasing the first of a", first[0].Release(s.context(), 0))
	s.accept(j, of("d", 7))
	s.wantClaims(j, 6, 1, 7, 2, 3)
	s.wantStats(j, journal.Stats{Running: 7})
}

// excepted: what is not wanted stays where it is, and wakes nobody.
func excepted(s *suite) {
	j := s.open(16)
	s.accept(j, of("a", 1), of("a", 2), of("b", 3), of("c", 4))
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
	s.accept(j, of("c", 5), of("b", 6))
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

// turnsAgain: also when the queue is read back.
func turnsAgain(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 64)
	for n := range 40 {
		s.accept(j, of("a", n))
	}
	s.accept(j, of("b", 50), of("c", 51), of("b", 52))
	s.wantClaims(j, 0)
	s.must("closing", j.Close())

	j = s.openAt(dir, 64)
	s.wantClaims(j, 0, 50, 51, 1, 52, 2, 3)
}
