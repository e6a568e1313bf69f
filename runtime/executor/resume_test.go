package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestExecutorResumes(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a t>r a>b r>c:left r>d:right b>e c>e d>e", Echo("a", `1`), Route("r", "right"), Echo("b", `["{{steps.a.output}}"]`),
		Echo("c", `3`), Echo("d", `4`), Echo("e", `["{{steps.b.output}}","{{steps.d.output}}"]`)))
	e := record.Source(p.Plan, "exec-1", Event(t, "{}"))
	e.Steps = []journal.Step{
		{Node: "a", Output: []byte(`"kept"`)},
		{Node: "r", Output: []byte(`"kept"`), Handle: "left"},
		{Node: "d", Output: []byte(`"not taken"`)},
		{Node: "unknown", Output: []byte(`1`)},
	}
	if err := j.Accept(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	Receive(t, j.finished)
	l.drain(x, 0)
	got := j.lines()
	slices.Sort(got)
	want := []string{`finished succeeded `, `step b=["kept"]`, `step c=3`}
	if !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

// TestStepsAreKeptBeforeWhatFollows checks that a node begins only after the steps it depends on
// are in the journal. Nothing follows the last node.
func TestStepsAreKeptBeforeWhatFollows(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(_ context.Context, name string, _ hostapi.HTTPOptions) (string, error) {
		j.tell("runs %s", name)
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a a>b b>c:error c>d", Ask("a", `"a"`), Fail("b"), Ask("c", `"c"`), Ask("d", `"d"`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	Receive(t, j.finished)
	l.drain(x, 0)
	want := []string{"runs a", "step a=1", "step b=" + `{"error":{"code":"boom","message":"no luck"}}` + "error", "runs c", "step c=1", "runs d", "finished succeeded "}
	if got := j.lines(); !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestJournalFailures(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, c := range []struct {
		name string
		ttl  time.Duration
		// called for each journal call; only its first error counts
		fail func(call string, s journal.Step) error
		want []string
	}{
		{"a checkpoint", 0, func(call string, s journal.Step) error {
			if call == "checkpoint" && s.Node == "b" {
				return broken
			}
			return nil
		}, []string{"step a=1", "released", "step b=2", "finished succeeded "}},
		{"no room for a step", 0, func(call string, s journal.Step) error {
			if call == "checkpoint" && s.Node == "b" {
				return fmt.Errorf("%w: of 1 byte", journal.ErrFull)
			}
			return nil
		}, []string{"step a=1", "finished failed journal_full"}},
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
			l := newLab(t, engine.Config{}, sandbox.Limits{})
			p := l.Program(Document("t>a a>b b>c", Echo("a", `1`), Echo("b", `2`), Echo("c", `3`)))
			x := New(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1")
			Receive(t, j.finished)
			l.drain(x, 0)
			if got := j.lines(); !slices.Equal(got, c.want) {
				t.Errorf("journal %q, want %q", got, c.want)
			}
			if !once.Load() {
				t.Error("nothing failed")
			}
			if len(l.Logs.FilterLevelExact(zap.ErrorLevel).All()) == 0 {
				t.Error("the failure is not in the log")
			}
		})
	}
}

// TestOneBranchMayEndLate checks that a node which nothing depends on gets a checkpoint while
// another branch runs: should the process die there, the node would run again.
func TestOneBranchMayEndLate(t *testing.T) {
	j := newLedger()
	stepped := make(chan struct{})
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
		select {
		case <-stepped:
		case <-ctx.Done():
		}
		return "2", nil
	})}, sandbox.Limits{})
	var once sync.Once
	j.fail = func(call string, _ journal.Step) error {
		if call == "checkpoint" {
			once.Do(func() { close(stepped) })
		}
		return nil
	}
	p := l.Program(Document("t>a t>b", Echo("a", `1`), Ask("b", `"b"`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	Receive(t, j.finished)
	l.drain(x, 0)
	// The other branch gets one as well if it ends before this checkpoint has returned.
	got := slices.DeleteFunc(j.lines(), func(line string) bool { return strings.HasPrefix(line, "step b=") })
	if want := []string{"step a=1", "finished succeeded "}; !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

// TestLostLeases checks that an executor that loses a lease stops the execution and neither
// finishes nor releases the entry.
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
			ended := results{ended: make(chan *engine.Result, 1)}
			l := newLab(t, engine.Config{Observer: ended, HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
				if c.ttl > 0 {
					<-ctx.Done()
				}
				return "1", ctx.Err()
			})}, sandbox.Limits{})
			p := l.Program(Document("t>a a>b", Ask("a", `1`), Echo("b", `2`)))
			x := New(j, 1)
			defer x.Use(l.runner(p))()
			l.accept(x, p, "exec-1")
			if r := Receive(t, ended.ended); r.Status != engine.Cancelled || !r.Interrupted {
				t.Errorf("the execution ended as %s, interrupted %v", r.Status, r.Interrupted)
			}
			l.closeNow(x, 1) // this journal still counts it as running
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
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		for range 3 {
			<-extended
		}
		return "1", nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	if got := Receive(t, j.finished); got != "exec-1 succeeded" {
		t.Errorf("finished %s", got)
	}
	l.drain(x, 0)
}
