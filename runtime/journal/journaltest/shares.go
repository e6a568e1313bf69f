package journaltest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/flowtrux/edge/runtime/journal"
)

// bound is that of bounded journals in the suite, in bytes.
const bound = 16 << 20

func (s *suite) bounded(dir string) journal.Journal {
	s.Helper()
	return s.opened(s.engine.Bounded(dir, bound))
}

// shareOfEntries: one workflow has three quarters of the entries, rounded up, and all of them are
// refused when all places are taken.
func shareOfEntries(s *suite) {
	for _, c := range []struct{ most, share int }{{1, 1}, {2, 2}, {4, 3}, {5, 4}, {40, 30}} {
		j := s.open(c.most)
		n := 0
		for ; n < c.share; n++ {
			s.accept(j, of("a", n))
		}
		s.wantError("one more", j.Accept(s.context(), of("a", n)), journal.ErrFull)
		_, err := j.Adopt(s.context(), of("a", n))
		s.wantError("adopting one more", err, journal.ErrFull)
		for ; n < c.most; n++ {
			s.accept(j, of("b", n))
		}
		s.wantError("one more of all", j.Accept(s.context(), of("c", n)), journal.ErrFull)
		l := s.claim(j, "")
		s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
		s.accept(j, of(l.Entry().Workflow, n))
	}
}

// heavy is the n-th entry of a test with so many bytes.
func heavy(workflow string, n, size int) *journal.Entry {
	e := of(workflow, n)
	e.Data = fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, n, bytes.Repeat([]byte{'x'}, size))
	return e
}

// acceptAll accepts entries of a workflow until the journal is full for it, from the n-th on.
func (s *suite) acceptAll(j journal.Journal, workflow string, n, size int) (next int) {
	s.Helper()
	for taken := 0; taken <= 4*bound; taken += size {
		err := j.Accept(s.context(), heavy(workflow, n, size))
		if errors.Is(err, journal.ErrFull) {
			return n
		}
		s.must("accepting", err)
		n++
	}
	s.Fatal("there is no bound")
	return n
}

// shareOfBytes: one workflow leaves room for others, also when the journal is opened again, and its
// own ends make room.
func shareOfBytes(s *suite) {
	const size = 200 << 10
	dir := s.TempDir()
	j := s.bounded(dir)
	first := s.acceptAll(j, "a", 0, size)
	if s.engine.Durability != journal.Memory {
		s.must("closing", j.Close())
		j = s.bounded(dir)
		s.wantError("one more when it is open again", j.Accept(s.context(), heavy("a", first, size)), journal.ErrFull)
	}
	second := s.acceptAll(j, "b", 1000, size) - 1000
	if first*size < bound/2 || second*size < bound/8 {
		s.Errorf("one workflow has %d entries of %d bytes and leaves room for %d of another", first, size, second)
	}
	l := s.claim(j, entry(0).ID)
	s.must("finishing", l.Finish(s.context(), ended(journal.Succeeded)))
	s.accept(j, heavy("a", first, size))
}

// shareOfSteps: what an execution has completed counts, too, and a step that does not fit is
// refused like an entry.
func shareOfSteps(s *suite) {
	const size = 512 << 10
	j := s.bounded(s.TempDir())
	s.accept(j, of("a", 1))
	l := s.claim(j, entry(1).ID)
	var err error
	n := 0
	for ; err == nil && n*size < 4*bound; n++ {
		err = l.Checkpoint(s.context(), step(fmt.Sprint("n", n), string(bytes.Repeat([]byte{'1'}, size)), ""))
	}
	s.wantError("steps without end", err, journal.ErrFull)
	if n*size < bound/2 {
		s.Errorf("only %d steps of %d bytes", n-1, size)
	}
	s.wantError("another entry", j.Accept(s.context(), heavy("a", 2, size)), journal.ErrFull)
	s.accept(j, heavy("b", 3, size))
	s.must("finishing", l.Finish(s.context(), ended(journal.Failed)))
	s.accept(j, heavy("a", 2, size))
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

// keptBytes tells how long the response of a key is, which must be there.
func (s *suite) keptBytes(j journal.Journal, workflow string, n int) int {
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

// shareOfResponses: a workflow's own oldest ones go, its keys stay, and those of others are not
// touched.
func shareOfResponses(s *suite) {
	const size, many = 100 << 10, 60
	dir := s.TempDir()
	j := s.bounded(dir)
	s.settled(j, "b", 0, size)
	for n := range many {
		s.settled(j, "a", n, size)
	}
	for again := range 2 {
		gone := 0
		for gone < many && s.keptBytes(j, "a", gone) == 0 {
			gone++
		}
		for n := gone; n < many; n++ {
			if got := s.keptBytes(j, "a", n); got != size {
				s.Errorf("response %d is gone, and %d are older", n, gone)
			}
		}
		kept := (many - gone) * size
		if most := bound / 4 * 3 / 4; kept > most || kept < most/2 {
			s.Errorf("%d bytes of responses are kept of one workflow, its share is %d", kept, most)
		}
		if s.keptBytes(j, "b", 0) != size {
			s.Error("the response of another workflow has gone")
		}
		if s.engine.Durability == journal.Memory || again > 0 {
			break
		}
		s.must("closing", j.Close())
		j = s.bounded(dir)
	}
	s.settled(j, "a", many, bound/4) // has no room at all
	if s.keptBytes(j, "a", many) != 0 || s.keptBytes(j, "a", many-1) != size {
		s.Error("a response over the bound was kept, or has driven others out")
	}
	s.must("freeing", j.Free(s.context(), sharedKey("a", many-1)))
	s.must("reserving anew", j.Reserve(s.context(), sharedKey("a", many-1)))
}

// boundOfResponses: of all workflows the oldest ones go.
func boundOfResponses(s *suite) {
	const size, workflows, each = 100 << 10, 5, 20
	j := s.bounded(s.TempDir())
	for n := range workflows * each {
		s.settled(j, fmt.Sprint("w", n%workflows), n, size)
	}
	gone := 0
	for n := range workflows * each {
		got := s.keptBytes(j, fmt.Sprint("w", n%workflows), n)
		switch {
		case got == 0 && n != gone:
			s.Errorf("response %d is gone before older ones", n)
		case got == 0:
			gone++
		}
	}
	if kept := (workflows*each - gone) * size; kept > bound/4 || kept < bound/8 {
		s.Errorf("%d bytes of responses are kept, of %d", kept, bound/4)
	}
	var d *journal.DuplicateError
	e := keyed(500, "key of an accepted one", "body")
	s.accept(j, e)
	again := keyed(501, "key of an accepted one", "body")
	if err := j.Accept(s.context(), again); !errors.As(err, &d) || string(d.Response) != "accepted "+e.ID {
		s.Errorf("the response of what was accepted: %v", err)
	}
}
