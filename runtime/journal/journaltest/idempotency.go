package journaltest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// key returns an idempotency key for a body.
func key(text, body string) journal.Key {
	k := journal.Key{Text: text, Until: time.Now().Add(time.Hour)}
	copy(k.Digest[:], body)
	return k
}

// keyed returns the n-th entry with a key that has a response.
func keyed(n int, text, body string) *journal.Entry {
	e := entry(n)
	k := key(text, body)
	k.Response = []byte("accepted " + e.ID)
	e.Key = &k
	return e
}

func reservation(n int, text, body string) journal.Reservation {
	return journal.Reservation{ID: entry(n).ID, Workflow: entry(n).Workflow, Key: key(text, body)}
}

// wantDuplicate checks that a key belongs to an execution already. An empty response means that the
// execution still runs.
func (s *suite) wantDuplicate(doing string, err error, id, response string) {
	s.Helper()
	var d *journal.DuplicateError
	if !errors.As(err, &d) {
		s.Fatalf("%s: %v, want a duplicate", doing, err)
	}
	if d.ID != id || string(d.Response) != response || (d.Response == nil) != (response == "") {
		s.Fatalf("%s: duplicate of %s with %q, want %s with %q", doing, d.ID, d.Response, id, response)
	}
}

func keys(s *suite) {
	j := s.open(8)
	s.accept(j, keyed(1, "k", "body"))
	s.wantDuplicate("accepting it again", j.Accept(s.context(), keyed(2, "k", "body")), entry(1).ID, "accepted "+entry(1).ID)
	s.wantError("with another body", j.Accept(s.context(), keyed(2, "k", "other")), journal.ErrKeyReused)
	s.wantError("reserving it", j.Reserve(s.context(), reservation(2, "k", "other")), journal.ErrKeyReused)
	s.wantDuplicate("reserving it", j.Reserve(s.context(), reservation(2, "k", "body")), entry(1).ID, "accepted "+entry(1).ID)

	other := keyed(3, "k", "other")
	other.Workflow = "another"
	s.accept(j, other, keyed(4, "another key", "body"))
	s.claim(j, entry(1).ID)
	s.claim(j, entry(3).ID)
	l := s.claim(j, entry(4).ID)
	s.must("finishing", l.Finish(s.context(), ended(journal.Failed)))
	s.wantDuplicate("after the end", j.Accept(s.context(), keyed(5, "another key", "body")), entry(4).ID, "accepted "+entry(4).ID)
	s.wantStats(j, journal.Stats{Running: 2})
}

// duplicatesWhenFull: a duplicate needs no room.
func duplicatesWhenFull(s *suite) {
	j := s.open(1)
	s.accept(j, keyed(1, "k", "body"))
	s.wantDuplicate("accepting it again", j.Accept(s.context(), keyed(2, "k", "body")), entry(1).ID, "accepted "+entry(1).ID)
	s.wantError("with another body", j.Accept(s.context(), keyed(2, "k", "other")), journal.ErrKeyReused)
	s.wantError("another key", j.Accept(s.context(), keyed(2, "l", "body")), journal.ErrFull)
	s.must("reserving what was refused", j.Reserve(s.context(), reservation(3, "l", "other")))
}

func reservations(s *suite) {
	j := s.open(8)
	mine := reservation(1, "k", "body")
	for range 2 {
		s.must("reserving", j.Reserve(s.context(), mine))
	}
	s.wantDuplicate("while it runs", j.Reserve(s.context(), reservation(2, "k", "body")), mine.ID, "")
	s.must("freeing what is another's", j.Free(s.context(), reservation(2, "k", "body")))
	s.must("settling what is another's", j.Settle(s.context(), reservation(2, "k", "body"), []byte("no")))
	s.wantDuplicate("while it runs", j.Reserve(s.context(), reservation(2, "k", "body")), mine.ID, "")
	s.must("freeing", j.Free(s.context(), mine))
	mine = reservation(2, "k", "another body")
	s.must("reserving anew", j.Reserve(s.context(), mine))
	s.must("settling", j.Settle(s.context(), mine, []byte("answer")))
	s.wantDuplicate("when it has ended", j.Reserve(s.context(), reservation(3, "k", "another body")), mine.ID, "answer")

	late := reservation(4, "late", "body")
	s.must("reserving", j.Reserve(s.context(), late))
	l, err := j.Adopt(s.context(), keyed(4, "late", "body"))
	s.must("adopting", err)
	s.wantDuplicate("when it was adopted", j.Reserve(s.context(), reservation(5, "late", "body")), late.ID, "accepted "+late.ID)
	s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
}

func keyTime(s *suite) {
	j := s.open(8)
	over := keyed(1, "k", "body")
	over.Key.Until = time.Now().Add(-time.Second)
	s.accept(j, over, keyed(2, "k", "other"))
	s.wantDuplicate("the second", j.Accept(s.context(), keyed(3, "k", "other")), entry(2).ID, "accepted "+entry(2).ID)
}

func keyRace(s *suite) {
	const many = 32
	j := s.open(many)
	errs := make([]error, many)
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() { errs[n] = j.Accept(s.context(), keyed(n, "k", "body")) })
	}
	all.Wait()
	won := slices.Index(errs, nil)
	if won < 0 {
		s.Fatalf("nobody has the key: %v", errs[0])
	}
	for n, err := range errs {
		if n != won {
			s.wantDuplicate("another", err, entry(won).ID, "accepted "+entry(won).ID)
		}
	}
	s.wantStats(j, journal.Stats{Pending: 1, Oldest: entry(won).AcceptedAt})
}
