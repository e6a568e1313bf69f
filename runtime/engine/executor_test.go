package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// ledger is a journal in memory that tells what becomes of its entries, and fails on demand.
type ledger struct {
	*memory.Journal
	durability journal.Durability

	mu       sync.Mutex
	told     []string
	finished chan string                                // id and status of each entry that was finished
	ttl      time.Duration                              // of leases
	fail     func(call string, step journal.Step) error // called before checkpoint, finish, extend, adopt, claim
}

func newLedger() *ledger {
	return &ledger{Journal: memory.New(0), durability: journal.Memory, finished: make(chan string, 1000)}
}

func (j *ledger) Durability() journal.Durability { return j.durability }

func (j *ledger) tell(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.told = append(j.told, fmt.Sprintf(format, args...))
}

func (j *ledger) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.told)
}

func (j *ledger) refuses(call string, s journal.Step) error {
	if j.fail == nil {
		return nil
	}
	return j.fail(call, s)
}

func (j *ledger) Claim(ctx context.Context) (journal.Lease, error) {
	if err := j.refuses("claim", journal.Step{}); err != nil {
		return nil, err
	}
	l, err := j.Journal.Claim(ctx)
	if err != nil {
		return nil, err
	}
	return &ledgerLease{l, j}, nil
}

func (j *ledger) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	if err := j.refuses("adopt", journal.Step{}); err != nil {
		return nil, err
	}
	l, err := j.Journal.Adopt(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Steps {
		j.tell("adopted %s=%s", s.Node, s.Output)
	}
	return &ledgerLease{l, j}, nil
}

type ledgerLease struct {
	journal.Lease
	ledger *ledger
}

func (l *ledgerLease) TTL() time.Duration { return l.ledger.ttl }

func (l *ledgerLease) Extend(ctx context.Context) error {
	return errors.Join(l.ledger.refuses("extend", journal.Step{}), l.Lease.Extend(ctx))
}

func (l *ledgerLease) Checkpoint(ctx context.Context, s journal.Step) error {
	if err := l.ledger.refuses("checkpoint", s); err != nil {
		return err
	}
	l.ledger.tell("step %s=%s%s", s.Node, s.Output, s.Handle)
	return l.Lease.Checkpoint(ctx, s)
}

func (l *ledgerLease) Finish(ctx context.Context, o journal.Outcome) error {
	if err := l.ledger.refuses("finish", journal.Step{}); err != nil {
		return err
	}
	err := l.Lease.Finish(ctx, o)
	l.ledger.tell("finished %s %s", o.Status, o.Code)
	l.ledger.finished <- l.Entry().ID + " " + o.Status
	return err
}

func (l *ledgerLease) Release(ctx context.Context, after time.Duration) error {
	l.ledger.tell("released")
	return l.Lease.Release(ctx, min(after, time.Millisecond)) // nobody waits long in a test
}

// runner makes a runner of a lab that runs p for every entry.
func (l *lab) runner(p *Program) Runner {
	return Runner{Engine: l.engine, Resolve: func(*journal.Entry) (*Program, error) {
		if !l.nodes.Acquire() {
			return nil, ErrGone
		}
		return p, nil
	}}
}

func (l *lab) accept(x *Executor, p *Program, ids ...string) {
	l.Helper()
	for _, id := range ids {
		if err := x.Accept(l.Context(), p.Plan, id, event(l, `{"order":"`+id+`"}`)); err != nil {
			l.Fatalf("accepting %s: %v", id, err)
		}
	}
}

// closeNow closes an executor and wants so many executions to be left.
func (l *lab) closeNow(x *Executor, left int) {
	l.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := x.Close(ctx); got != left {
		l.Errorf("%d executions are left, want %d", got, left)
	}
}

// drain closes an executor when it has ended its work, and wants so many executions to be left.
func (l *lab) drain(x *Executor, left int) {
	l.Helper()
	if got := x.Close(context.Background()); got != left {
		l.Errorf("%d executions are left, want %d", got, left)
	}
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("waiting in vain")
		panic("unreachable")
	}
}

func TestExecutorRunsWhatIsAccepted(t *testing.T) {
	j := newLedger()
	l := newLab(t, Config{}, sandbox.Limits{})
	p := l.program(document("t>a a>b", echo("a", `"{{trigger.data.order}}"`), route("b", "left")))
	x := NewExecutor(j, 1)
	l.accept(x, p, "exec-1", "exec-2") // before there is a runner
	remove := x.Use(l.runner(p))
	l.accept(x, p, "exec-3")
	for i := 1; i <= 3; i++ {
		if got, want := receive(t, j.finished), fmt.Sprintf("exec-%d succeeded", i); got != want {
			t.Errorf("finished %s, want %s", got, want)
		}
	}
	l.drain(x, 0)
	remove()
	want := []string{`step a="exec-1"`, `step b=1left`, "finished succeeded "}
	if got := j.lines(); len(got) != 9 || !slices.Equal(got[:3], want) {
		t.Errorf("journal %q, want it to begin with %q", got, want)
	}
	if err := x.Accept(t.Context(), p.Plan, "exec-4", event(t, "{}")); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("accepting after Close: %v", err)
	}
	if n := l.engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use", n)
	}
	if refs := l.nodes.refs.Load(); refs != 1 {
		t.Errorf("%d references are held", refs)
	}
}

func TestExecutorFinishesFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		program string
		resolve error
		limits  Limits
		want    string
	}{
		{"a node's", document("t>a", fail("a")), nil, Limits{}, "finished failed boom"},
		{"no time left", document("t>a", task("a", `"do":"loop"`)), nil, Limits{ExecutionTimeout: 20 * time.Millisecond}, "finished timed_out cancelled"},
		{"no program", document(""), errors.New("gone"), Limits{}, "finished failed workflow_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newLedger()
			l := newLab(t, Config{Limits: c.limits}, sandbox.Limits{})
			p := l.program(c.program)
			r := l.runner(p)
			if c.resolve != nil {
				r.Resolve = func(*journal.Entry) (*Program, error) { return nil, c.resolve }
			}
			x := NewExecutor(j, 0)
			defer x.Use(r)()
			l.accept(x, p, "exec-1")
			receive(t, j.finished)
			l.drain(x, 0)
			if got := j.lines(); !slices.Contains(got, c.want) {
				t.Errorf("journal %q, want %q", got, c.want)
			}
		})
	}
}

func TestExecutorBoundsItsWorkers(t *testing.T) {
	const workers = 3
	var running, peak atomic.Int32
	together := make(chan struct{})
	j := newLedger()
	l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
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
	p := l.program(document("t>a", ask("a", `1`)))
	x := NewExecutor(j, workers)
	defer x.Use(l.runner(p))()
	for i := range 4 * workers {
		l.accept(x, p, fmt.Sprint("exec-", i))
	}
	l.drain(x, 0)
	if peak.Load() > workers || len(j.finished) != 4*workers {
		t.Errorf("%d ran at once, %d were finished; want %d and %d", peak.Load(), len(j.finished), workers, 4*workers)
	}
}

// TestExecutorLetsOthersPass: executions of a workflow that is at its limit do not keep the only worker from others.
func TestExecutorLetsOthersPass(t *testing.T) {
	j := newLedger()
	l := newLab(t, Config{}, sandbox.Limits{})
	busy := l.program(documentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":1}}`, ""))
	release, err := l.engine.Acquire(t.Context(), busy)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := flow.Compile("other", 1, []byte(document("")), l.nodes)
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.nodes.Bind(plan)
	if err != nil {
		t.Fatal(err)
	}
	x := NewExecutor(j, 1)
	defer x.Use(Runner{Engine: l.engine, Resolve: func(e *journal.Entry) (*Program, error) {
		l.nodes.Acquire()
		if e.Workflow == "other" {
			return other, nil
		}
		return busy, nil
	}})()
	l.accept(x, busy, "exec-busy")
	l.accept(x, other, "exec-other")
	if got := receive(t, j.finished); got != "exec-other succeeded" {
		t.Errorf("finished %s first", got)
	}
	release()
	receive(t, j.finished)
	l.drain(x, 0)
}

func TestExecutorFollowsItsRunners(t *testing.T) {
	j := newLedger()
	ran := make(chan string, 10)
	x := NewExecutor(j, 1)
	use := func(name string) (*lab, *Program, func()) {
		l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
			ran <- name
			return "1", nil
		})}, sandbox.Limits{})
		p := l.program(document("t>a", ask("a", `1`)))
		return l, p, x.Use(l.runner(p))
	}
	l, p, removeFirst := use("first")
	next := func(want string) {
		t.Helper()
		l.accept(x, p, l.engine.NewID())
		if got := receive(t, ran); got != want {
			t.Errorf("%s ran it, want %s", got, want)
		}
		receive(t, j.finished)
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
	if got := receive(t, ran); got != "fourth" {
		t.Errorf("%s ran it, want the fourth", got)
	}
	l.drain(x, 0)
	removeFourth()
}

// TestExecutorKeepsTheRunnerItBeganWith: what runs is not disturbed by the end of its configuration.
func TestExecutorKeepsTheRunnerItBeganWith(t *testing.T) {
	j := newLedger()
	began, goOn := make(chan struct{}), make(chan struct{})
	l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		close(began)
		<-goOn
		return "1", nil
	})}, sandbox.Limits{})
	p := l.program(document("t>a a>b", ask("a", `1`), echo("b", `2`)))
	x := NewExecutor(j, 1)
	remove := x.Use(l.runner(p))
	l.accept(x, p, "exec-1")
	receive(t, began)
	remove()
	l.end()
	close(goOn)
	if got := receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	l.drain(x, 0)
}

func TestCloseWithoutARunner(t *testing.T) {
	j := newLedger()
	l := newLab(t, Config{}, sandbox.Limits{})
	p := l.program(document(""))
	x := NewExecutor(j, 1)
	l.accept(x, p, "exec-1", "exec-2")
	l.drain(x, 2)
	l.drain(x, 2)
	if _, err := j.Claim(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("the journal is not closed: %v", err)
	}

	x = NewExecutor(newLedger(), 1)
	x.Use(l.runner(p))() // the claiming goroutine waits for another runner
	l.accept(x, p, "exec-1")
	l.drain(x, 1)
}

func TestCloseCutsOff(t *testing.T) {
	for _, durability := range []journal.Durability{journal.Memory, journal.Disk} {
		t.Run(string(durability), func(t *testing.T) {
			j := newLedger()
			j.durability = durability
			began := make(chan struct{})
			l := newLab(t, Config{HTTP: httpFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
				close(began)
				<-ctx.Done()
				return "", ctx.Err()
			})}, sandbox.Limits{})
			p := l.program(document("t>a a>b b>c", echo("a", `1`), ask("b", `1`), echo("c", `1`)))
			x := NewExecutor(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1", "exec-2")
			receive(t, began)
			left := 2 // lost
			if durability == journal.Disk {
				left = 1 // cut off; the other one was not begun
			}
			l.closeNow(x, left)
			if got, want := j.lines(), []string{"step a=1", "released"}; !slices.Equal(got, want) {
				t.Errorf("journal %q, want %q", got, want)
			}
		})
	}
}

// TestCloseOfAJournalThatKeeps waits for what runs, but begins nothing.
func TestCloseOfAJournalThatKeeps(t *testing.T) {
	j := newLedger()
	j.durability = journal.Disk
	began, goOn := make(chan struct{}), make(chan struct{})
	l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		close(began)
		<-goOn
		return "1", nil
	})}, sandbox.Limits{})
	p := l.program(document("t>a", ask("a", `1`)))
	x := NewExecutor(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1", "exec-2")
	receive(t, began)
	closed := make(chan int)
	go func() { closed <- x.Close(context.Background()) }()
	<-x.quitting
	close(goOn)
	if left := receive(t, closed); left != 0 {
		t.Errorf("%d executions are left", left)
	}
	if got := receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	if s, err := j.Stats(t.Context()); err != nil || s.Pending != 1 {
		t.Errorf("stats %+v, %v; want one pending", s, err)
	}
}

func TestExecutorResumes(t *testing.T) {
	j := newLedger()
	l := newLab(t, Config{}, sandbox.Limits{})
	p := l.program(document("t>a t>r a>b r>c:left r>d:right b>e c>e d>e", echo("a", `1`), route("r", "right"), echo("b", `["{{steps.a.output}}"]`),
		echo("c", `3`), echo("d", `4`), echo("e", `["{{steps.b.output}}","{{steps.d.output}}"]`)))
	e := newEntry(p.Plan, "exec-1", event(t, "{}"), []journal.Step{
		{Node: "a", Output: []byte(`"kept"`)}, {Node: "r", Output: []byte(`"kept"`), Handle: "left"},
		{Node: "d", Output: []byte(`"not taken"`)}, {Node: "unknown", Output: []byte(`1`)},
	})
	if err := j.Accept(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	x := NewExecutor(j, 1)
	defer x.Use(l.runner(p))()
	receive(t, j.finished)
	l.drain(x, 0)
	got := j.lines()
	slices.Sort(got)
	want := []string{`finished succeeded `, `step b=["kept"]`, `step c=3`, `step e=[["kept"],null]`}
	if !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

// TestStepsAreKeptBeforeWhatFollows: a node begins only when what it follows from is in the journal.
func TestStepsAreKeptBeforeWhatFollows(t *testing.T) {
	j := newLedger()
	l := newLab(t, Config{HTTP: httpFunc(func(_ context.Context, name string, _ hostapi.HTTPOptions) (string, error) {
		j.tell("runs %s", name)
		return "1", nil
	})}, sandbox.Limits{})
	p := l.program(document("t>a a>b b>c:error c>d", ask("a", `"a"`), fail("b"), ask("c", `"c"`), ask("d", `"d"`)))
	x := NewExecutor(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	receive(t, j.finished)
	l.drain(x, 0)
	want := []string{"runs a", "step a=1", "step b=" + failure + "error", "runs c", "step c=1", "runs d", "step d=1", "finished succeeded "}
	if got := j.lines(); !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestJournalFailures(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, c := range []struct {
		name string
		ttl  time.Duration
		fail func(call string, s journal.Step) error // the first time it is asked for call and step
		want []string
	}{
		{"a checkpoint", 0, func(call string, s journal.Step) error {
			if call == "checkpoint" && s.Node == "b" {
				return broken
			}
			return nil
		}, []string{"step a=1", "released", "step b=2", "finished succeeded "}},
		{"a finish", 0, func(call string, _ journal.Step) error {
			if call == "finish" {
				return broken
			}
			return nil
		}, []string{"step a=1", "step b=2", "released", "finished succeeded "}},
		{"a claim", 0, func(call string, _ journal.Step) error {
			if call == "claim" {
				return broken
			}
			return nil
		}, []string{"step a=1", "step b=2", "finished succeeded "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newLedger()
			var once atomic.Bool
			j.fail = func(call string, s journal.Step) error {
				err := c.fail(call, s)
				if err == nil || once.Swap(true) {
					return nil
				}
				return err
			}
			l := newLab(t, Config{}, sandbox.Limits{})
			p := l.program(document("t>a a>b", echo("a", `1`), echo("b", `2`)))
			x := NewExecutor(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1")
			receive(t, j.finished)
			l.drain(x, 0)
			if got := j.lines(); !slices.Equal(got, c.want) {
				t.Errorf("journal %q, want %q", got, c.want)
			}
			if !once.Load() {
				t.Error("nothing failed")
			}
			if len(l.logs.FilterLevelExact(zap.ErrorLevel).All()) == 0 {
				t.Error("the failure is not in the log")
			}
		})
	}
}

// TestLostLeases: who loses a lease stops working on the entry and neither finishes nor releases it.
func TestLostLeases(t *testing.T) {
	for _, c := range []struct {
		name string
		call string
		ttl  time.Duration
		err  error
	}{
		{"seen at a checkpoint", "checkpoint", 0, journal.ErrLeaseLost},
		{"seen while it is extended", "extend", 30 * time.Millisecond, journal.ErrLeaseLost},
		{"because it cannot be extended", "extend", 30 * time.Millisecond, errors.New("no connection")},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newLedger()
			j.ttl = c.ttl
			j.fail = func(call string, _ journal.Step) error {
				if call == c.call {
					return c.err
				}
				return nil
			}
			ended := make(chan Status, 1)
			l := newLab(t, Config{Observer: endings{ended: ended}, HTTP: httpFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
				if c.ttl > 0 {
					<-ctx.Done()
				}
				return "1", ctx.Err()
			})}, sandbox.Limits{})
			p := l.program(document("t>a a>b", ask("a", `1`), echo("b", `2`)))
			x := NewExecutor(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1")
			if got := receive(t, ended); got != Cancelled {
				t.Errorf("the execution ended as %s", got)
			}
			l.closeNow(x, 1) // for this journal it still runs
			if got := j.lines(); len(got) > 0 {
				t.Errorf("journal %q, want nothing", got)
			}
		})
	}
}

func TestLeasesAreExtended(t *testing.T) {
	j := newLedger()
	j.ttl = 3 * time.Millisecond
	extended := make(chan struct{}, 1000)
	j.fail = func(call string, _ journal.Step) error {
		if call == "extend" {
			extended <- struct{}{}
		}
		return nil
	}
	l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		for range 3 {
			<-extended
		}
		return "1", nil
	})}, sandbox.Limits{})
	p := l.program(document("t>a", ask("a", `1`)))
	x := NewExecutor(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	if got := receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	l.drain(x, 0)
}

// endings is an Observer that tells how executions end.
type endings struct {
	NopObserver
	ended chan Status
}

func (e endings) ExecutionEnded(_ *flow.Plan, r *Result) { e.ended <- r.Status }

// TestExecutorHammer accepts and changes runners from several goroutines while executions run.
func TestExecutorHammer(t *testing.T) {
	const accepting, each = 4, 25
	j := newLedger()
	l := newLab(t, Config{Limits: Limits{Executions: 4}}, sandbox.Limits{})
	p := l.program(documentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":3}}`, "t>a t>b", echo("a", `1`), echo("b", `1`)))
	x := NewExecutor(j, 8)
	defer x.Use(l.runner(p))()
	var all sync.WaitGroup
	for g := range accepting {
		all.Go(func() {
			for i := range each {
				if err := x.Accept(t.Context(), p.Plan, fmt.Sprintf("exec-%d-%d", g, i), event(t, "{}")); err != nil {
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
	if n, refs := l.engine.InUse(), l.nodes.refs.Load(); n != 0 || refs != 1 {
		t.Errorf("%d slots and %d references are held at the end", n, refs)
	}
}
