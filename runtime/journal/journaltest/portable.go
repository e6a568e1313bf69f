package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/flowtrux/edge/runtime/journal"
)

// portable are the tests of engines that are journal.Portable.
var portable = []testCase{
	{"what is moved arrives as it was", moved},
	{"a sealed journal opens for its export only", sealing},
	{"an item is taken once", takenOnce},
	{"an item does not replace what is there", takenBeside},
	{"a full journal takes a part of a move", takenInPart},
	{"the number of moves is bounded", manyMoves},
}

func (s *suite) portable(j journal.Journal) journal.Portable {
	s.Helper()
	p, ok := j.(journal.Portable)
	if !ok {
		s.Fatalf("%T is not portable", j)
	}
	return p
}

// seal seals the journal of a directory; it is closed at the end of the test.
func (s *suite) seal(dir, move string) journal.Sealed {
	s.Helper()
	sealed, err := s.portable(s.engine.At(dir, 8)).Seal(s.context(), journal.Seal{Move: move, At: epoch})
	s.must("sealing", err)
	s.Cleanup(func() {
		if err := sealed.Close(); err != nil {
			s.Errorf("closing: %v", err)
		}
	})
	return sealed
}

// readAll reads all items, and checks that they are in order and can be read from anywhere.
func (s *suite) readAll(sealed journal.Sealed) (all []journal.Item) {
	s.Helper()
	for place := ""; ; {
		items, err := sealed.Read(s.context(), place)
		s.must("reading", err)
		if len(items) == 0 {
			break
		}
		for n := range items {
			if next := items[n].Place(); next <= place {
				s.Fatalf("item %s comes after %s", next, place)
			}
			place = items[n].Place()
		}
		all = append(all, items...)
	}
	for n := range all {
		rest, err := sealed.Read(s.context(), all[n].Place())
		s.must("reading", err)
		if n+1 < len(all) && (len(rest) == 0 || rest[0].Place() != all[n+1].Place()) || n+1 == len(all) && len(rest) > 0 {
			s.Fatalf("after %s there are %d items, want the %d that follow", all[n].Place(), len(rest), len(all)-n-1)
		}
	}
	return all
}

// take imports items, and checks the progress.
func (s *suite) take(j journal.Portable, move string, items []journal.Item, want journal.Progress) {
	s.Helper()
	got, err := j.Import(s.context(), move, items)
	s.must("importing", err)
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("progress (-want +got):\n%s", diff)
	}
}

// fill fills a journal with some of everything that is moved, and leaves the rest too.
func (s *suite) fill(j journal.Portable) {
	long := entry(7)
	long.Data = []byte(`{"long":"` + strings.Repeat("x", 20_000) + `"}`)
	long.ReplayOf, long.Source = entry(1).ID, journal.SourceConsole
	crashing := entry(8)
	crashing.Workflow, crashing.Deaths, crashing.Began = "another", 2, epoch.Add(time.Minute)
	crashing.Steps = []journal.Step{step("b", `2`, "true"), step("a", `{"n":1.50}`, "")}
	s.take(j, "before", []journal.Item{{Pending: crashing}}, journal.Progress{
		Place: (&journal.Item{Pending: crashing}).Place(), Pending: journal.Taken{Stored: 1},
	})
	s.accept(j, keyed(3, "accepted", "body"), entry(4), long)
	l, err := j.Claim(s.context(), crashing.Workflow)
	s.must("claiming", err)
	s.must("beginning", l.Begin(s.context()))
	s.must("checkpointing", l.Checkpoint(s.context(), step("z", strings.Repeat("1", 9000), "")))
	s.must("checkpointing", l.Checkpoint(s.context(), step("y", `null`, "error")))
	s.must("releasing", l.Release(s.context(), 0))

	waited := reservation(20, "waited for", "another body")
	s.must("reserving", j.Reserve(s.context(), waited))
	s.must("settling", j.Settle(s.context(), waited, []byte("\x00answer\xff")))
	empty := reservation(21, "empty", "")
	s.must("reserving", j.Reserve(s.context(), empty))
	s.must("settling", j.Settle(s.context(), empty, nil))
	s.must("reserving", j.Reserve(s.context(), reservation(22, "still runs", "")))
	over := reservation(23, "over", "")
	over.Key.Until = time.Now().Add(-time.Second)
	s.must("reserving", j.Reserve(s.context(), over))

	s.must("recording", j.Put(s.context(), journal.Ended{Record: record(1, journal.Failed), Source: entry(1)}))
	// of another hour
	s.must("recording", j.Put(s.context(), journal.Ended{Record: record(5000, journal.Succeeded)}))
	s.accept(j, entry(2))
	s.must("cancelling", j.Cancel(s.context(), entry(2).ID))
}

func moved(s *suite) {
	// Engines may store the time when a key expires in microseconds.
	same := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Millisecond)}
	from, to := s.TempDir(), s.TempDir()
	source := s.portable(s.openAt(from, 8))
	s.fill(source)
	s.must("closing", source.Close())
	sealed := s.seal(from, "move-1")
	items := s.readAll(sealed)
	s.must("closing", sealed.Close())
	counts := journal.Progress{Place: items[len(items)-1].Place(), Keys: journal.Taken{Stored: 3}, Records: journal.Taken{Stored: 3}, Pending: journal.Taken{Stored: 4}}

	target := s.portable(s.openAt(to, 8))
	s.take(target, "move-1", items, counts)
	s.checkMoved(target)
	s.must("closing", target.Close())

	// and back
	back := s.seal(to, "move-2")
	if diff := cmp.Diff(items, s.readAll(back), same); diff != "" {
		s.Errorf("items (-exported +imported and exported):\n%s", diff)
	}
	// The export reads a journal of the first directory again: it has not changed.
	if diff := cmp.Diff(items, s.readAll(s.seal(from, "move-3")), same); diff != "" {
		s.Errorf("items (-exported +exported again):\n%s", diff)
	}
}

// checkMoved checks what fill has left, as its users see it.
func (s *suite) checkMoved(j journal.Portable) {
	s.Helper()
	s.wantDuplicate("an accepted one", j.Accept(s.context(), keyed(30, "accepted", "body")), entry(3).ID, "accepted "+entry(3).ID)
	s.wantDuplicate("a waiting one", j.Reserve(s.context(), reservation(31, "waited for", "another body")), entry(20).ID, "\x00answer\xff")
	s.wantError("another body", j.Reserve(s.context(), reservation(31, "waited for", "a third body")), journal.ErrKeyReused)
	var d *journal.DuplicateError
	if err := j.Reserve(s.context(), reservation(31, "empty", "")); !errors.As(err, &d) || d.Response == nil || len(d.Response) > 0 {
		s.Errorf("a key without a response: %v", err)
	}
	for _, free := range []string{"still runs", "over"} {
		s.must("reserving what "+free, j.Reserve(s.context(), reservation(32, free, "")))
	}
	got, err := j.Get(s.context(), entry(1).ID)
	s.must("reading", err)
	if diff := cmp.Diff(record(1, journal.Failed), got, cmpopts.EquateEmpty(), anyMachine); diff != "" {
		s.Errorf("record (-put +got):\n%s", diff)
	}
	s.wantSource(j, entry(1))
	_, err = j.Source(s.context(), entry(5000).ID)
	s.wantError("the source of what has none", err, journal.ErrUnknown)
	s.wantStatus(j, 2, journal.Cancelled)

	s.wantStats(j, journal.Stats{Pending: 4, Oldest: entry(3).AcceptedAt})
	byWorkflow := make(map[string][]string)
	for range 4 {
		e := s.claim(j, "").Entry()
		byWorkflow[e.Workflow] = append(byWorkflow[e.Workflow], e.ID)
		if e.ID == entry(8).ID && !e.Began.Equal(epoch.Add(time.Minute)) {
			s.Errorf("%s first ran at %s", e.ID, e.Began)
		}
		if e.ID == entry(7).ID && e.Trace != entry(7).Trace {
			s.Errorf("%s belongs to the trace %+v", e.ID, e.Trace)
		}
		if e.ID == entry(8).ID && (e.Deaths != 2 || len(e.Steps) != 2 || e.Steps[0].Node != "b" || e.Steps[1].Node != "a") {
			s.Errorf("%d deaths and steps %v", e.Deaths, e.Steps)
		}
		if e.ID == entry(7).ID && (e.Source != journal.SourceConsole || e.ReplayOf != entry(1).ID || len(e.Data) < 20_000) {
			s.Errorf("%s has source %q, is a replay of %q, and %d bytes", e.ID, e.Source, e.ReplayOf, len(e.Data))
		}
	}
	want := map[string][]string{"order-intake": {entry(3).ID, entry(4).ID, entry(7).ID}, "another": {entry(8).ID}}
	if diff := cmp.Diff(want, byWorkflow); diff != "" {
		s.Errorf("claims (-want +got):\n%s", diff)
	}
}

func sealing(s *suite) {
	dir := s.TempDir()
	_, err := s.portable(s.engine.At(dir, 8)).Seal(s.context(), journal.Seal{Move: "early", At: epoch})
	if err == nil {
		s.Fatal("sealing what is not there makes a journal")
	}
	j := s.openAt(dir, 8)
	s.accept(j, entry(1))
	s.must("closing", j.Close())
	_, err = s.portable(s.engine.At(dir, 8)).Seal(s.context(), journal.Seal{})
	s.wantError("opening what is not sealed", err, journal.ErrNotSealed)

	s.must("closing", s.seal(dir, "first").Close())
	again := s.seal(dir, "second")
	if diff := cmp.Diff(journal.Seal{Move: "first", At: epoch}, again.Seal()); diff != "" {
		s.Errorf("seal (-want +got):\n%s", diff)
	}
	s.must("closing", again.Close())
	for range 2 {
		closed := s.engine.At(dir, 8)
		s.wantError("opening what is sealed", closed.Open(s.context()), journal.ErrSealed)
		s.must("closing", closed.Close())
	}
	sealed := s.seal(dir, "")
	s.must("unsealing", sealed.Unseal(s.context()))
	s.must("closing", sealed.Close())
	s.claim(s.openAt(dir, 8), entry(1).ID)
}

func takenOnce(s *suite) {
	dir := s.TempDir()
	j := s.portable(s.openAt(dir, 8))
	k := &journal.MovedKey{Name: journal.KeyName("order-intake", "k"), Workflow: "order-intake", ID: entry(9).ID, Until: time.Now().Add(time.Hour), Response: []byte("r")}
	items := []journal.Item{
		{Key: k}, {Record: &journal.Ended{Record: record(1, journal.Succeeded), Source: entry(1)}}, {Pending: entry(2)}, {Pending: entry(3)},
	}
	s.take(j, "move", nil, journal.Progress{})
	first := journal.Progress{Place: items[2].Place(), Keys: journal.Taken{Stored: 1}, Records: journal.Taken{Stored: 1}, Pending: journal.Taken{Stored: 1}}
	s.take(j, "move", items[:3], first)
	s.must("finishing", s.claim(j, entry(2).ID).Finish(s.context(), ended(journal.Succeeded)))
	s.must("freeing", j.Free(s.context(), journal.Reservation{ID: entry(9).ID, Workflow: "order-intake", Key: key("k", "")}))
	s.take(j, "move", items[:3], first)
	s.must("closing", j.Close())

	j = s.portable(s.openAt(dir, 8))
	s.take(j, "move", nil, first)
	all := first
	all.Place, all.Pending.Stored = items[3].Place(), 2
	for range 2 {
		s.take(j, "move", items, all)
	}
	s.must("reserving a key that was freed", j.Reserve(s.context(), reservation(5, "k", "body")))
	s.claim(j, entry(3).ID)
	s.wantStats(j, journal.Stats{Running: 1})
}

func takenBeside(s *suite) {
	j := s.portable(s.open(8))
	own := entry(1)
	own.Data = []byte(`"own"`)
	s.accept(j, own)
	s.must("recording", j.Put(s.context(), journal.Ended{Record: record(2, journal.Failed)}))
	s.must("reserving", j.Reserve(s.context(), reservation(3, "k", "body")))
	items := []journal.Item{
		{Key: &journal.MovedKey{Name: journal.KeyName("order-intake", "over"), ID: entry(8).ID, Until: time.Now().Add(-time.Second)}},
		{Key: &journal.MovedKey{Name: journal.KeyName("order-intake", "k"), ID: entry(9).ID, Until: time.Now().Add(time.Hour)}},
		{Record: &journal.Ended{Record: record(2, journal.Succeeded)}},
		{Pending: entry(1)},
		{Pending: entry(2)},
	}
	s.take(j, "move", items, journal.Progress{
		Place: items[4].Place(), Keys: journal.Taken{Present: 1, Expired: 1}, Records: journal.Taken{Present: 1}, Pending: journal.Taken{Present: 2},
	})
	s.wantStatus(j, 2, journal.Failed)
	s.wantDuplicate("while it runs", j.Reserve(s.context(), reservation(4, "k", "body")), entry(3).ID, "")
	if e := s.claim(j, entry(1).ID).Entry(); string(e.Data) != `"own"` {
		s.Errorf("data %s", e.Data)
	}
	s.wantStats(j, journal.Stats{Running: 1})
}

func takenInPart(s *suite) {
	dir := s.TempDir()
	j := s.portable(s.openAt(dir, 4))
	var items []journal.Item
	for n := range 6 { // of two workflows: each has a share of three
		e := entry(n)
		e.Workflow = fmt.Sprint("w", n%2)
		items = append(items, journal.Item{Pending: e})
	}
	for range 2 {
		p, err := j.Import(s.context(), "move", items)
		s.wantError("importing too many", err, journal.ErrFull)
		// Repeated when nothing fits, it may be rejected before it reads how far it has come.
		if p.Place != "" && (p.Place != items[3].Place() || p.Pending.Stored != 4) {
			s.Fatalf("progress %+v, want 4", p)
		}
	}
	s.must("closing", j.Close())
	j = s.portable(s.openAt(dir, 8))
	s.take(j, "move", items, journal.Progress{Place: items[5].Place(), Pending: journal.Taken{Stored: 6}})
	var claimed []string
	for range items {
		claimed = append(claimed, s.claim(j, "").Entry().ID)
	}
	slices.Sort(claimed)
	for n, id := range claimed {
		if id != entry(n).ID {
			s.Errorf("claimed %v", claimed)
		}
	}
	s.wantStats(j, journal.Stats{Running: 6})
}

func manyMoves(s *suite) {
	j := s.portable(s.open(8))
	item := []journal.Item{{Record: &journal.Ended{Record: record(1, journal.Succeeded)}}}
	for n := range journal.MaxMoves {
		if _, err := j.Import(s.context(), fmt.Sprint("move-", n), item); err != nil {
			s.Fatalf("move %d: %v", n, err)
		}
	}
	_, err := j.Import(s.context(), "one more", item)
	s.wantError("one move more", err, journal.ErrTooManyMoves)
	_, err = j.Import(s.context(), "move-0", item)
	s.must("repeating one", err)
}
