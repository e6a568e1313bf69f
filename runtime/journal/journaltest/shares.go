package journaltest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// maxBytes is the limit of bounded journals in the suite.
const maxBytes = 16 << 20

func (s *suite) openBounded(dir string) journal.Journal {
	s.Helper()
	return s.opened(s.engine.Bounded(dir, maxBytes))
}

// shareOfEntries: one workflow may have three quarters of the entries, rounded up, and all are
// rejected when the journal is full.
func shareOfEntries(s *suite) {
	for _, c := range []struct{ most, share int }{{1, 1}, {2, 2}, {4, 3}, {5, 4}, {40, 30}} {
		j := s.open(c.most)
		n := 0
		for ; n < c.share; n++ {
			s.accept(j, entryOf("a", n))
		}
		s.wantError("one more", j.Accept(s.context(), entryOf("a", n)), journal.ErrFull)
		_, err := j.Adopt(s.context(), entryOf("a", n))
		s.wantError("adopting one more", err, journal.ErrFull)
		for ; n < c.most; n++ {
			s.accept(j, entryOf("b", n))
		}
		s.wantError("one more of all", j.Accept(s.context(), entryOf("c", n)), journal.ErrFull)
		l := s.claim(j, "")
		s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
		s.accept(j, entryOf(l.Entry().Workflow, n))
	}
}

// entryOfSize returns the n-th entry of a test with so many bytes.
func entryOfSize(workflow string, n, size int) *journal.Entry {
	e := entryOf(workflow, n)
	e.Data = fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, n, bytes.Repeat([]byte{'x'}, size))
	return e
}

// acceptAll accepts entries of a workflow, from the n-th on, until the journal is full for it.
func (s *suite) acceptAll(j journal.Journal, workflow string, n, size int) (next int) {
	s.Helper()
	for taken := 0; taken <= 4*maxBytes; taken += size {
		err := j.Accept(s.context(), entryOfSize(workflow, n, size))
		if errors.Is(err, journal.ErrFull) {
			return n
		}
		s.must("accepting", err)
		n++
	}
	s.Fatal("the journal is not bounded")
	return n
}

// shareOfBytes: one workflow leaves room for others, also after reopening, and entries that end
// make room.
func shareOfBytes(s *suite) {
	const size = 200 << 10
	dir := s.TempDir()
	j := s.openBounded(dir)
	first := s.acceptAll(j, "a", 0, size)
	if s.engine.Durability != journal.Memory {
		s.must("closing", j.Close())
		j = s.openBounded(dir)
		s.wantError("one more when it is open again", j.Accept(s.context(), entryOfSize("a", first, size)), journal.ErrFull)
	}
	second := s.acceptAll(j, "b", 1000, size) - 1000
	if first*size < maxBytes/2 || second*size < maxBytes/8 {
		s.Errorf("one workflow has %d entries of %d bytes and leaves room for %d of another", first, size, second)
	}
	l := s.claim(j, entry(0).ID)
	s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
	s.accept(j, entryOfSize("a", first, size))
}

// shareOfSteps: completed steps count too, and a step that does not fit is rejected like an entry.
func shareOfSteps(s *suite) {
	const size = 512 << 10
	j := s.openBounded(s.TempDir())
	s.accept(j, entryOf("a", 1))
	l := s.claim(j, entry(1).ID)
	var err error
	n := 0
	for ; err == nil && n*size < 4*maxBytes; n++ {
		err = l.Checkpoint(s.context(), step(fmt.Sprint("n", n), string(bytes.Repeat([]byte{'1'}, size)), ""))
	}
	s.wantError("steps without end", err, journal.ErrFull)
	if n*size < maxBytes/2 {
		s.Errorf("only %d steps of %d bytes", n-1, size)
	}
	s.wantError("another entry", j.Accept(s.context(), entryOfSize("a", 2, size)), journal.ErrFull)
	s.accept(j, entryOfSize("b", 3, size))
	s.must("finishing", l.Finish(s.context(), ended(journal.Failed)))
	s.accept(j, entryOfSize("a", 2, size))
}

// settled reserves a key and settles it with a response of so many bytes.
func (s *suite) settled(j journal.Journal, workflow string, n, size int) {
	s.Helper()
	r := sharedKey(workflow, n)
	s.must("reserving", j.Reserve(s.context(), r))
	s.must("settling", j.Settle(s.context(), r, bytes.Repeat([]byte{byte(n) | 1}, size)))
}

func sharedKey(workflow string, n int) journal.Reservation {
	r := reservation(n, fmt.Sprint("key ", n), "body")
	r.Workflow = workflow
	return r
}

// responseBytes returns the length of a key's response.
func (s *suite) responseBytes(j journal.Journal, workflow string, n int) int {
	s.Helper()
	r := sharedKey(workflow, n)
	r.ID = entry(9000).ID
	var d *journal.DuplicateError
	if err := j.Reserve(s.context(), r); !errors.As(err, &d) || d.Response == nil {
		s.Fatalf("key %d of %s: %v, want a duplicate of what has ended", n, workflow, err)
	}
	if len(d.Response) > 0 && d.Response[len(d.Response)-1] != byte(n)|1 {
		s.Fatalf("key %d of %s has the response of another", n, workflow)
	}
	return len(d.Response)
}

// shareOfResponses: the oldest responses of the same workflow are evicted, its keys stay, and other
// workflows are not affected.
func shareOfResponses(s *suite) {
	const size, many = 100 << 10, 60
	dir := s.TempDir()
	j := s.openBounded(dir)
	s.settled(j, "b", 0, size)
	for n := range many {
		s.settled(j, "a", n, size)
	}
	for again := range 2 {
		gone := 0
		for gone < many && s.responseBytes(j, "a", gone) == 0 {
			gone++
		}
		for n := gone; n < many; n++ {
			if got := s.responseBytes(j, "a", n); got != size {
				s.Errorf("response %d was evicted, and %d older ones", n, gone)
			}
		}
		stored := (many - gone) * size
		if most := maxBytes / 4 * 3 / 4; stored > most || stored < most/2 {
			s.Errorf("%d bytes of responses are stored of one workflow, its share is %d", stored, most)
		}
		if s.responseBytes(j, "b", 0) != size {
			s.Error("the response of another workflow was evicted")
		}
		if s.engine.Durability == journal.Memory || again > 0 {
			break
		}
		s.must("closing", j.Close())
		j = s.openBounded(dir)
	}
	s.settled(j, "a", many, maxBytes/4) // larger than any share
	if s.responseBytes(j, "a", many) != 0 || s.responseBytes(j, "a", many-1) != size {
		s.Error("a response over the limit was stored, or others were evicted for it")
	}
	s.must("freeing", j.Free(s.context(), sharedKey("a", many-1)))
	s.must("reserving anew", j.Reserve(s.context(), sharedKey("a", many-1)))
}

// boundOfResponses: the oldest responses of all workflows are evicted.
func boundOfResponses(s *suite) {
	const size, workflows, each = 100 << 10, 5, 20
	j := s.openBounded(s.TempDir())
	for n := range workflows * each {
		s.settled(j, fmt.Sprint("w", n%workflows), n, size)
	}
	gone := 0
	for n := range workflows * each {
		got := s.responseBytes(j, fmt.Sprint("w", n%workflows), n)
		switch {
		case got == 0 && n != gone:
			s.Errorf("response %d was evicted before older ones", n)
		case got == 0:
			gone++
		}
	}
	if stored := (workflows*each - gone) * size; stored > maxBytes/4 || stored < maxBytes/8 {
		s.Errorf("%d bytes of responses are stored, the limit is %d", stored, maxBytes/4)
	}
	var d *journal.DuplicateError
	e := keyed(500, "key of an accepted one", "body")
	s.accept(j, e)
	again := keyed(501, "key of an accepted one", "body")
	if err := j.Accept(s.context(), again); !errors.As(err, &d) || string(d.Response) != "accepted "+e.ID {
		s.Errorf("the response of what was accepted: %v", err)
	}
}
