package journaltest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// The environment of a process that will be killed: the journal's directory, and the task.
const (
	childDir  = "FLOWTRUX_JOURNALTEST_DIR"
	childTask = "FLOWTRUX_JOURNALTEST_TASK"
)

// The number of goroutines in a process that will be killed.
const (
	senders = 32
	workers = 16
)

// child is the main function of such a process. It prints each promise of the journal on a line.
func child(t *testing.T, e Engine, dir string) {
	j := e.At(dir, 1<<20)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("@"+format+"\n", args...)
	}
	if os.Getenv(childTask) == "hold" {
		holdEntry(t, j, say)
	}
	load(t, j, say)
}

// holdEntry begins to work on an entry, the existing one or a new one, and waits to be killed.
func holdEntry(t *testing.T, j journal.Journal, say func(string, ...any)) {
	page, err := j.List(t.Context(), journal.Query{})
	if err == nil && len(page.Rows) == 0 {
		err = j.Accept(t.Context(), entry(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := j.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Checkpoint(t.Context(), step("a", `1`, "")); err != nil {
		t.Fatal(err)
	}
	say("deaths %d", l.Entry().Deaths)
	if os.Getenv(childTask+"_CANCEL") != "" {
		if err := j.Cancel(t.Context(), l.Entry().ID); err != nil {
			t.Fatal(err)
		}
	}
	say("ready")
	select {}
}

// load accepts entries, and works on them, as fast as it can.
func load(t *testing.T, j journal.Journal, say func(string, ...any)) {
	ctx, round := t.Context(), time.Now()
	for g := range senders {
		go func() {
			for n := 0; ; n++ {
				e := entry(0)
				e.ID = newID(round, g<<32|n)
				if err := j.Accept(ctx, e); err != nil {
					say("error accepting: %v", err)
					return
				}
				say("accepted %s", e.ID)
			}
		}()
	}
	for range workers {
		go func() {
			for {
				if err := serve(ctx, j, say); err != nil {
					say("error working: %v", err)
					return
				}
			}
		}()
	}
	select {}
}

func serve(ctx context.Context, j journal.Journal, say func(string, ...any)) error {
	l, err := j.Claim(ctx)
	if err != nil {
		return err
	}
	if err := l.Begin(ctx); err != nil {
		return err
	}
	id := l.Entry().ID
	if err := l.Checkpoint(ctx, step("a", `{"of":"`+id+`"}`, "")); err != nil {
		return err
	}
	say("checkpointed %s", id)
	if err := l.Finish(ctx, ended(journal.Succeeded)); err != nil {
		return err
	}
	say("finished %s", id)
	return nil
}

// promised are the promises that processes have printed before they were killed, by execution.
type promised map[string]map[string]bool

// kill starts a process, kills it after so many lines, and returns all lines that it has printed
// until its end. It adds the promises to p.
func (s *suite) kill(dir, task string, lines int, p promised, environment ...string) []string {
	s.Helper()
	root, _, _ := strings.Cut(s.Name(), "/")
	cmd := exec.CommandContext(s.Context(), os.Args[0], "-test.run", "^"+root+"$", "-test.timeout", "5m")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childTask+"="+task)
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	s.must("making a pipe", err)
	s.must("starting a process", cmd.Start())
	var said []string
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		line, ok := strings.CutPrefix(scan.Text(), "@")
		if !ok {
			s.Errorf("the process says: %s", scan.Text())
			continue
		}
		said = append(said, line)
		what, id, _ := strings.Cut(line, " ")
		switch {
		case what == "error":
			s.Error(line)
		case p != nil:
			if p[id] == nil {
				p[id] = make(map[string]bool)
			}
			p[id][what] = true
		}
		if len(said) == lines {
			s.must("killing the process", cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // it was killed
	if len(said) < lines {
		s.Fatalf("the process has said %q, want %d lines", said, lines)
	}
	return said
}

// killed: the journal keeps all promises when its process is killed, three times in the same
// directory.
func killed(s *suite) {
	dir, p := s.TempDir(), make(promised)
	for round := range 3 {
		s.kill(dir, "load", 1500+997*round, p)
		j := s.openAt(dir, 1<<20)
		counts := make(map[string]int)
		for id, said := range p {
			r, err := j.Get(s.context(), id)
			if err != nil {
				s.Fatalf("%s was %v and is lost: %v", id, said, err)
			}
			if r.Status == journal.Running {
				r = s.afterDeath(j, id)
			}
			counts[r.Status]++
			if said["finished"] && r.Status != journal.Succeeded {
				s.Errorf("%s was finished and is %s", id, r.Status)
			}
		}
		s.checkSteps(j, p)
		s.Logf("round %d: %d executions promised, %v", round, len(p), counts)
		s.must("closing", j.Close())
	}
}

// afterDeath returns the record of an execution when the journal knows that its process has died.
func (s *suite) afterDeath(j journal.Journal, id string) *journal.Record {
	s.Helper()
	for late := time.Now().Add(s.engine.Lease + takeoverTime); ; time.Sleep(20 * time.Millisecond) {
		over := s.engine.Lease == 0 || time.Now().After(late)
		r, err := j.Get(s.context(), id)
		s.must("reading", err)
		if r.Status != journal.Running {
			return r
		}
		if over {
			s.Fatalf("%s still runs", id)
		}
	}
}

// onlyID returns the id of the only execution of a journal.
func (s *suite) onlyID(j journal.Journal) string {
	s.Helper()
	page, err := j.List(s.context(), journal.Query{})
	s.must("listing", err)
	if len(page.Rows) != 1 {
		s.Fatalf("%+v, want one", page.Rows)
	}
	return page.Rows[0].ID
}

// takeoverTime is how long after the lease of a dead process its entries may be taken over.
const takeoverTime = time.Minute

// checkSteps claims all pending entries and checks their steps.
func (s *suite) checkSteps(j journal.Journal, p promised) {
	stats, err := j.Stats(s.context())
	s.must("reading stats", err)
	for range stats.Pending {
		e := s.claim(j, "").Entry()
		if steps := e.Steps; p[e.ID]["checkpointed"] && (len(steps) != 1 || string(steps[0].Output) != `{"of":"`+e.ID+`"}`) {
			s.Errorf("%s has lost its step: %v", e.ID, steps)
		}
	}
}

func deaths(s *suite) {
	dir := s.TempDir()
	var first time.Time // when the first run was killed
	for n := range 3 {
		said := s.kill(dir, "hold", 2, nil)
		if n == 0 {
			first = time.Now()
		}
		if want := fmt.Sprintf("deaths %d", n); said[0] != want {
			s.Errorf("process %d says %q, want %q", n, said[0], want)
		}
	}
	j := s.openAt(dir, 8)
	l := s.claim(j, "")
	if n := l.Entry().Deaths; n != 3 {
		s.Errorf("%d deaths, want 3", n)
	}
	if at := l.Entry().Began; at.IsZero() || at.After(first) {
		s.Errorf("the first run was killed at %v, and began at %v", first, at)
	}
	s.must("beginning", l.Begin(s.context()))
	s.must("releasing", l.Release(s.context(), 0))
	s.must("closing", j.Close())
	j = s.openAt(dir, 8)
	if n := s.claim(j, "").Entry().Deaths; n != 3 {
		s.Errorf("%d deaths after a release, want 3", n)
	}
}

func cancelledAndKilled(s *suite) {
	dir := s.TempDir()
	s.kill(dir, "hold", 2, nil, childTask+"_CANCEL=1")
	j := s.openAt(dir, 8)
	if r := s.afterDeath(j, s.onlyID(j)); r.Status != journal.Cancelled {
		s.Errorf("%+v, want it to be cancelled", r)
	}
}
