package executor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestCloseWithoutARunner(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document(""))
	x := New(j, 1)
	l.accept(x, p, "exec-1", "exec-2")
	l.drain(x, 2)
	l.drain(x, 2)
	if _, err := j.Claim(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("the journal is not closed: %v", err)
	}

	x = New(newLedger(), 1)
	x.Use(l.runner(p))() // now the claiming goroutine waits for another runner
	l.accept(x, p, "exec-1")
	l.drain(x, 1)
}

// results is an Observer that passes on the results of executions.
type results struct {
	engine.NopObserver
	ended chan *engine.Result
}

func (r results) ExecutionEnded(_ *engine.Program, result *engine.Result) { r.ended <- result }

// Aborted executions have not ended. They continue from the journal.
func TestCloseCutsOff(t *testing.T) {
	for _, durability := range []journal.Durability{journal.Memory, journal.Disk} {
		t.Run(string(durability), func(t *testing.T) {
			j := newLedger()
			j.durability = durability
			began := make(chan struct{})
			ended := results{ended: make(chan *engine.Result, 1)}
			l := newLab(t, engine.Config{Observer: ended, HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
				close(began)
				<-ctx.Done()
				return "", ctx.Err()
			})}, sandbox.Limits{})
			p := l.Program(Document("t>a a>b b>c", Echo("a", `1`), Ask("b", `1`), Echo("c", `1`)))
			x := New(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1", "exec-2")
			Receive(t, began)
			left := 2 // both are lost
			if durability == journal.Disk {
				left = 1 // aborted; the other one was not begun
			}
			l.closeNow(x, left)
			if got, want := j.lines(), []string{"step a=1", "released"}; !slices.Equal(got, want) {
				t.Errorf("journal %q, want %q", got, want)
			}
			if r := Receive(t, ended.ended); r.Status != engine.Cancelled || !r.Interrupted {
				t.Errorf("it ended as %s, interrupted %v", r.Status, r.Interrupted)
			}
		})
	}
}

// TestReleasedAtTheEnd: what was claimed and waits for a slot is for others at once.
func TestReleasedAtTheEnd(t *testing.T) {
	j := newLedger()
	j.durability = journal.Replicated
	l := newLab(t, engine.Config{Limits: engine.Limits{Executions: 2}}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	for range 2 {
		release, err := l.Engine.Acquire(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	for {
		if s, err := j.Stats(t.Context()); err != nil {
			t.Fatal(err)
		} else if s.Running == 1 {
			break
		}
		runtime.Gosched()
	}
	l.closeNow(x, 0)
	if got := j.released; !slices.Equal(got, []time.Duration{0}) {
		t.Errorf("released with the delays %v", got)
	}
}

// TestDrain: what outlives the process is accepted until the executor is closed, and not run.
func TestDrain(t *testing.T) {
	for durability, want := range map[journal.Durability]error{
		journal.Memory: journal.ErrClosed, journal.Disk: nil, journal.Replicated: nil,
	} {
		t.Run(string(durability), func(t *testing.T) {
			j := newLedger()
			j.durability = durability
			l := newLab(t, engine.Config{}, sandbox.Limits{})
			p := l.Program(Document("t>a", Echo("a", `1`)))
			x := New(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1")
			if got := Receive(t, j.finished); got != "exec-1 succeeded" {
				t.Errorf("finished %s", got)
			}
			for range 2 {
				x.Drain(t.Context())
			}
			if j.retired != 1 {
				t.Errorf("the journal was told %d times that nothing is claimed any more", j.retired)
			}
			ev := Event(t, `{}`)
			if err := x.Accept(t.Context(), p.Plan, "exec-2", ev, nil); !errors.Is(err, want) {
				t.Errorf("accepting gives %v, want %v", err, want)
			}
			if _, err := x.Reserve(t.Context(), l.Engine, journal.Reservation{ID: "exec-3"}); !errors.Is(err, journal.ErrClosed) {
				t.Errorf("running here gives %v", err)
			}
			select {
			case other := <-j.finished:
				t.Errorf("finished %s", other)
			default:
			}
			x.Close(t.Context())
			if err := x.Accept(t.Context(), p.Plan, "exec-4", ev, nil); !errors.Is(err, journal.ErrClosed) {
				t.Errorf("accepting after Close gives %v", err)
			}
		})
	}
}

// TestCloseOfAJournalThatKeeps checks that Close waits for running executions, but begins none.
func TestCloseOfAJournalThatKeeps(t *testing.T) {
	j := newLedger()
	j.durability = journal.Disk
	began, goOn := make(chan struct{}), make(chan struct{})
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		close(began)
		<-goOn
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1", "exec-2")
	Receive(t, began)
	closed := make(chan int)
	go func() { closed <- x.Close(context.Background()) }()
	<-x.quitting
	close(goOn)
	if left := Receive(t, closed); left != 0 {
		t.Errorf("%d executions are left", left)
	}
	if got := Receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	select {
	case other := <-j.finished:
		t.Errorf("finished %s too", other)
	default:
	}
}
