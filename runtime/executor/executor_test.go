package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// runner returns a runner that runs p for every entry.
func (l *lab) runner(p *engine.Program) Runner {
	return Runner{Engine: l.Engine, Resolve: func(context.Context, *journal.Entry) (*engine.Program, error) {
		if !l.Nodes.Acquire() {
			return nil, engine.ErrGone
		}
		return p, nil
	}}
}

func (l *lab) accept(x *Executor, p *engine.Program, ids ...string) {
	l.Helper()
	for _, id := range ids {
		if err := x.Accept(l.Context(), p.Plan, id, Event(l, `{"order":"`+id+`"}`), nil); err != nil {
			l.Fatalf("accepting %s: %v", id, err)
		}
	}
}

// closeNow closes an executor without waiting and expects the number of executions left.
func (l *lab) closeNow(x *Executor, left int) {
	l.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := x.Close(ctx); got != left {
		l.Errorf("%d executions are left, want %d", got, left)
	}
}

// drain closes an executor after its work has ended and expects the number of executions left.
func (l *lab) drain(x *Executor, left int) {
	l.Helper()
	if got := x.Close(context.Background()); got != left {
		l.Errorf("%d executions are left, want %d", got, left)
	}
}

func TestExecutorRunsWhatIsAccepted(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a a>b", Echo("a", `"{{trigger.data.order}}"`), Route("b", "left")))
	x := New(j, 1)
	l.accept(x, p, "exec-1", "exec-2") // before there is a runner
	remove := x.Use(l.runner(p))
	l.accept(x, p, "exec-3")
	for i := 1; i <= 3; i++ {
		if got, want := Receive(t, j.finished), fmt.Sprintf("exec-%d succeeded", i); got != want {
			t.Errorf("finished %s, want %s", got, want)
		}
	}
	l.drain(x, 0)
	remove()
	want := []string{`step a="exec-1"`, "finished succeeded "}
	if got := j.lines(); len(got) != 6 || !slices.Equal(got[:2], want) {
		t.Errorf("journal %q, want it to begin with %q", got, want)
	}
	if err := x.Accept(t.Context(), p.Plan, "exec-4", Event(t, "{}"), nil); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("accepting after Close: %v", err)
	}
	if n := l.Engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use", n)
	}
	l.wantNoReferences()
}

func TestExecutorFinishesFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		program string
		resolve error
		limits  engine.Limits
		want    string
	}{
		{"a node's", Document("t>a", Fail("a")), nil, engine.Limits{}, "finished failed boom"},
		{"no time left", Document("t>a", Task("a", `"do":"loop"`)), nil, engine.Limits{ExecutionTimeout: 20 * time.Millisecond}, "finished timed_out cancelled"},
		{"no program", Document(""), errors.New("gone"), engine.Limits{}, "finished failed workflow_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newLedger()
			l := newLab(t, engine.Config{Limits: c.limits}, sandbox.Limits{})
			p := l.Program(c.program)
			r := l.runner(p)
			if c.resolve != nil {
				r.Resolve = func(context.Context, *journal.Entry) (*engine.Program, error) { return nil, c.resolve }
			}
			x := New(j, 0)
			defer x.Use(r)()
			l.accept(x, p, "exec-1")
			Receive(t, j.finished)
			l.drain(x, 0)
			if got := j.lines(); !slices.Contains(got, c.want) {
				t.Errorf("journal %q, want %q", got, c.want)
			}
		})
	}
}

// leavingJournal is a journal that other machines share. err is the result of leaving.
type leavingJournal struct {
	*ledger
	err  error
	left chan string
}

type leavingLease struct {
	journal.Lease
	journal *leavingJournal
}

func (j *leavingJournal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	l, err := j.ledger.Claim(ctx, except...)
	if err != nil {
		return nil, err
	}
	return leavingLease{l, j}, nil
}

func (l leavingLease) Leave(context.Context) error {
	l.journal.left <- l.Entry().ID
	return l.journal.err
}

// TestExecutorLeavesToOthers checks that an entry that cannot be run here is left to the machines
// that share the journal, and fails if none of them can run it.
func TestExecutorLeavesToOthers(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string // "" = nothing is finished
	}{
		{"left", nil, ""},
		{"taken for dead", journal.ErrLeaseLost, ""},
		{"nobody", fmt.Errorf("here: %w", journal.ErrNobody), "finished failed node_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &leavingJournal{newLedger(), c.err, make(chan string, 1)}
			j.durability = journal.Replicated // what is left is not waited for
			l := newLab(t, engine.Config{}, sandbox.Limits{})
			p := l.Program(Document(""))
			r := l.runner(p)
			r.Resolve = func(context.Context, *journal.Entry) (*engine.Program, error) { return nil, errors.New("no node type") }
			x := New(j, 0)
			defer x.Use(r)()
			l.accept(x, p, "exec-1")
			if got := Receive(t, j.left); got != "exec-1" {
				t.Errorf("left %s", got)
			}
			if c.want != "" {
				Receive(t, j.finished)
			}
			l.drain(x, 0)
			got := j.lines()
			if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
				t.Errorf("journal %q, want %q", got, c.want)
			}
		})
	}
}

// TestExecutorWaitsForRoom checks that an entry runs later if there is no memory for its program.
func TestExecutorWaitsForRoom(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	r, asked := l.runner(p), 0
	resolve := r.Resolve
	r.Resolve = func(ctx context.Context, e *journal.Entry) (*engine.Program, error) {
		if asked++; asked == 1 {
			return nil, fmt.Errorf("compiling: %w", noRoomToLoad)
		}
		return resolve(ctx, e)
	}
	j := newLedger()
	x := New(j, 1)
	defer x.Use(r)()
	l.accept(x, p, "exec-1")
	if got := Receive(t, j.finished); got != "exec-1 succeeded" || asked != 2 {
		t.Errorf("finished %s, asked %d times", got, asked)
	}
	l.drain(x, 0)
}

// noRoomToLoad is the error of a module for which others use the memory.
var noRoomToLoad = &sandbox.LoadError{Detail: &sandbox.Error{Code: sandbox.CodeTimeout, Detail: &sandbox.BudgetFullError{Need: 1}}}

// TestExecutorSurvivesReloads checks that an entry claimed for a configuration that has ended
// meanwhile goes to the next one.
func TestExecutorSurvivesReloads(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	x := New(j, 1)
	var remove func()
	remove = x.Use(Runner{Engine: l.Engine, Resolve: func(context.Context, *journal.Entry) (*engine.Program, error) {
		x.Use(l.runner(p))
		remove()
		return nil, engine.ErrGone
	}})
	l.accept(x, p, "exec-1")
	if got := Receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	l.drain(x, 0)
}

func TestExecutorBoundsItsWorkers(t *testing.T) {
	const workers = 3
	var running, peak atomic.Int32
	together := make(chan struct{})
	j := newLedger()
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		n := running.Add(1)
		defer running.Add(-1)
		if n == workers {
			select {
			case <-together:
			default:
				close(together)
			}
		}
		if n > peak.Load() {
			peak.Store(n)
		}
		<-together
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	x := New(j, workers)
	defer x.Use(l.runner(p))()
	for i := range 4 * workers {
		l.accept(x, p, fmt.Sprint("exec-", i))
	}
	l.drain(x, 0)
	if peak.Load() > workers || len(j.finished) != 4*workers {
		t.Errorf("%d ran at once, %d were finished; want %d and %d", peak.Load(), len(j.finished), workers, 4*workers)
	}
}

// TestExecutorLetsOthersPass checks that a workflow at its limit does not block the only worker for
// others.
func TestExecutorLetsOthersPass(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	busy := l.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":1}}`, ""))
	release, err := l.Engine.Acquire(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := flow.Compile("other", 1, []byte(Document("")), l.Nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.Nodes.Bind(plan)
	if err != nil {
		t.Fatal(err)
	}
	x := New(j, 1)
	defer x.Use(Runner{Engine: l.Engine, Resolve: func(_ context.Context, e *journal.Entry) (*engine.Program, error) {
		l.Nodes.Acquire()
		if e.Workflow == "other" {
			return other, nil
		}
		return busy, nil
	}})()
	l.accept(x, busy, "exec-busy")
	l.accept(x, other, "exec-other")
	if got := Receive(t, j.finished); got != "exec-other succeeded" {
		t.Errorf("finished %s first", got)
	}
	release()
	Receive(t, j.finished)
	l.drain(x, 0)
}

// TestExecutorLeavesRoomForSenders checks that a backlog takes one of two slots.
func TestExecutorLeavesRoomForSenders(t *testing.T) {
	began, goOn := make(chan struct{}, 10), make(chan struct{})
	j := newLedger()
	l := newLab(t, engine.Config{Limits: engine.Limits{Executions: 2}, HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		began <- struct{}{}
		<-goOn
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	x := New(j, 4)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1", "exec-2", "exec-3", "exec-4")
	Receive(t, began)
	for range 3 {
		release, err := l.Engine.Acquire(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
	if n := len(began); n != 0 {
		t.Errorf("%d more executions of the journal have begun", n)
	}
	close(goOn)
	l.drain(x, 0)
}

func TestExecutorFollowsItsRunners(t *testing.T) {
	j := newLedger()
	ran := make(chan string, 10)
	x := New(j, 1)
	use := func(name string) (*lab, *engine.Program, func()) {
		l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
			ran <- name
			return "1", nil
		})}, sandbox.Limits{})
		p := l.Program(Document("t>a", Ask("a", `1`)))
		return l, p, x.Use(l.runner(p))
	}
	l, p, removeFirst := use("first")
	next := func(want string) {
		t.Helper()
		l.accept(x, p, l.Engine.NewID())
		if got := Receive(t, ran); got != want {
			t.Errorf("%s ran it, want %s", got, want)
		}
		Receive(t, j.finished)
	}
	next("first")
	_, _, removeSecond := use("second")
	next("second")
	removeSecond()
	removeSecond()
	next("first")
	_, _, removeThird := use("third")
	removeFirst()
	next("third")
	removeThird()
	l.accept(x, p, "exec-waits")
	if s, err := j.Stats(t.Context()); err != nil || s.Pending != 1 {
		t.Errorf("without a runner: %+v, %v", s, err)
	}
	_, _, removeFourth := use("fourth")
	if got := Receive(t, ran); got != "fourth" {
		t.Errorf("%s ran it, want the fourth", got)
	}
	l.drain(x, 0)
	removeFourth()
}

// TestExecutorKeepsTheRunnerItBeganWith checks that the end of its configuration does not disturb a
// running execution.
func TestExecutorKeepsTheRunnerItBeganWith(t *testing.T) {
	j := newLedger()
	began, goOn := make(chan struct{}), make(chan struct{})
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		close(began)
		<-goOn
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a a>b", Ask("a", `1`), Echo("b", `2`)))
	x := New(j, 1)
	remove := x.Use(l.runner(p))
	l.accept(x, p, "exec-1")
	Receive(t, began)
	remove()
	l.End()
	close(goOn)
	if got := Receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	l.drain(x, 0)
}

// TestExecutorHammer accepts and changes runners from several goroutines while executions run.
func TestExecutorHammer(t *testing.T) {
	const accepting, each = 4, 25
	j := newLedger()
	l := newLab(t, engine.Config{Limits: engine.Limits{Executions: 4}}, sandbox.Limits{})
	p := l.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":3}}`, "t>a t>b", Echo("a", `1`), Echo("b", `1`)))
	x := New(j, 8)
	defer x.Use(l.runner(p))()
	var all sync.WaitGroup
	for g := range accepting {
		all.Go(func() {
			for i := range each {
				if err := x.Accept(t.Context(), p.Plan, fmt.Sprintf("exec-%d-%d", g, i), Event(t, "{}"), nil); err != nil {
					t.Errorf("accepting: %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for range 50 {
			x.Use(l.runner(p))()
		}
	})
	all.Wait()
	l.drain(x, 0)
	if n := len(j.finished); n != accepting*each {
		t.Errorf("%d were finished, want %d", n, accepting*each)
	}
	if n := l.Engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use at the end", n)
	}
	l.wantNoReferences()
}
