package journaltest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowtrux/edge/runtime/journal"
)

// shared are the tests of engines of which several journals can be open in one directory.
var shared = []testCase{
	{"any journal claims, shows and cancels", anyJournal},
	{"a key of several journals starts one execution", keyOfAll},
	{"a closed journal hands back", handedBack},
	{"what a dead process held is taken over", takenOver},
	{"a journal claims what others accept at the same time", claimsOfAll},
}

// openAll opens some journals in one directory.
func (s *suite) openAll(dir string, n int) []journal.Journal {
	s.Helper()
	all := make([]journal.Journal, n)
	for i := range all {
		all[i] = s.openAt(dir, 1<<20)
	}
	return all
}

func (s *suite) wantRecord(j journal.Journal, n int, status string) {
	s.Helper()
	r, err := j.Get(s.context(), entry(n).ID)
	s.must("reading", err)
	if r.Status != status {
		s.Fatalf("%s is %s, want %s", r.ID, r.Status, status)
	}
}

// anyJournal: one accepts, another runs, a third one cancels and shows.
func anyJournal(s *suite) {
	all := s.openAll(s.TempDir(), 3)
	a, b, c := all[0], all[1], all[2]
	s.accept(a, entry(1))
	l := s.claim(b, entry(1).ID)
	if diff := cmp.Diff(entry(1), l.Entry(), cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("entry (-accepted +claimed):\n%s", diff)
	}
	s.must("checkpointing", l.Checkpoint(s.context(), step("n", `1`, "")))
	s.wantRecord(c, 1, journal.Running)
	s.must("cancelling", c.Cancel(s.context(), entry(1).ID))
	s.wantError("extending", l.Extend(s.context()), journal.ErrCancelled)
	s.must("finishing", l.Finish(s.context(), ended(journal.Cancelled)))
	s.wantError("cancelling what has ended", a.Cancel(s.context(), entry(1).ID), journal.ErrEnded)
	for _, j := range all {
		s.wantRecord(j, 1, journal.Cancelled)
		s.wantSource(j, entry(1))
	}
	s.accept(c, entry(2))
	s.wantRecord(a, 2, journal.Pending)
	s.must("cancelling what waits", a.Cancel(s.context(), entry(2).ID))
	s.wantRecord(b, 2, journal.Cancelled)
}

// keyOfAll: of many requests with one key, one is accepted, and the others get its response.
func keyOfAll(s *suite) {
	const each = 33
	all := s.openAll(s.TempDir(), 3)
	errs := make(chan error, len(all)*each)
	for m, j := range all {
		for n := range each {
			go func() {
				err := j.Accept(s.context(), keyed(each*m+n, "k", "body"))
				for errors.Is(err, journal.ErrUnavailable) { // the machine is busy
					err = j.Accept(s.context(), keyed(each*m+n, "k", "body"))
				}
				errs <- err
			}()
		}
	}
	won, answers := 0, make(map[string]bool)
	for range len(all) * each {
		var d *journal.DuplicateError
		switch err := <-errs; {
		case err == nil:
			won++
		case errors.As(err, &d):
			answers[string(d.Response)] = true
		default:
			s.Error(err)
		}
	}
	if won != 1 || len(answers) != 1 {
		s.Errorf("%d were accepted, with %d different answers of the others", won, len(answers))
	}
	held := reservation(1000, "held", "body")
	s.must("reserving", all[0].Reserve(s.context(), held))
	s.wantDuplicate("reserving elsewhere", all[1].Reserve(s.context(), reservation(1001, "held", "body")), held.ID, "")
	s.must("settling", all[0].Settle(s.context(), held, []byte("answer")))
	s.wantDuplicate("after the end", all[1].Reserve(s.context(), reservation(1001, "held", "body")), held.ID, "answer")
}

func handedBack(s *suite) {
	all := s.openAll(s.TempDir(), 2)
	s.accept(all[0], entry(1), entry(2))
	l, err := all[0].Claim(s.context())
	s.must("claiming", err)
	s.must("checkpointing", l.Checkpoint(s.context(), step("n", `1`, "")))
	s.must("reserving", all[0].Reserve(s.context(), reservation(3, "k", "body")))
	s.must("closing", all[0].Close())
	start := time.Now()
	for range 2 {
		e := s.claim(all[1], "").Entry()
		if steps := len(e.Steps); e.Deaths != 0 || steps != 0 && e.ID != l.Entry().ID {
			s.Errorf("%s has %d steps and %d deaths", e.ID, steps, e.Deaths)
		}
	}
	if took := time.Since(start); took > takeoverTime {
		s.Errorf("it took %s", took)
	}
	s.must("reserving its key", all[1].Reserve(s.context(), reservation(4, "k", "another body")))
}

// takenOver: a journal that is open all the while gets what a killed process held.
func takenOver(s *suite) {
	dir := s.TempDir()
	j := s.openAt(dir, 8)
	s.kill(dir, "hold", 2, nil)
	id := s.onlyID(j)
	died := time.Now()
	e := s.claim(j, id).Entry()
	if took := time.Since(died); took > s.engine.Lease+takeoverTime {
		s.Errorf("it took %s, the lease is %s", took, s.engine.Lease)
	}
	if e.Deaths != 1 || len(e.Steps) != 1 {
		s.Errorf("it has %d deaths and the steps %v", e.Deaths, e.Steps)
	}
}

// claimsOfAll: each of many entries that two journals accept is claimed once by two others.
func claimsOfAll(s *suite) {
	const each = 300
	all := s.openAll(s.TempDir(), 4)
	claimed := make(chan string, 2*each)
	fail := make(chan error, 4)
	for m, j := range all[:2] {
		go func() {
			for n := range each {
				if err := j.Accept(s.context(), entryOf(fmt.Sprint("workflow ", n%7), m*each+n)); err != nil {
					fail <- err
					return
				}
			}
		}()
	}
	ctx := s.context()
	for _, j := range all[2:] {
		go func() {
			for {
				l, err := j.Claim(ctx)
				if err == nil {
					err = l.Finish(ctx, ended(journal.Succeeded))
				}
				if err != nil {
					if !errors.Is(err, journal.ErrClosed) {
						fail <- err
					}
					return
				}
				claimed <- l.Entry().ID
			}
		}()
	}
	seen := make(map[string]bool)
	for range 2 * each {
		select {
		case id := <-claimed:
			if seen[id] {
				s.Fatalf("%s was finished twice", id)
			}
			seen[id] = true
		case err := <-fail:
			s.Fatal(err)
		}
	}
	for _, j := range all[2:] {
		s.must("closing", j.Close())
	}
	s.wantStats(all[0], journal.Stats{})
}
