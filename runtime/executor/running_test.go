package executor

import (
	"context"
	"errors"
	"fmt"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// await runs an execution as for a waiting sender.
func (l *lab) await(x *Executor, p *engine.Program, id string) *engine.Result {
	l.Helper()
	release, err := l.Engine.Acquire(l.Context(), p)
	if err != nil {
		l.Fatal(err)
	}
	return x.Await(l.Context(), l.Engine, p, id, Event(l, `{"order":"`+id+`"}`), release)
}

// TestRecordsOfWaitingExecutions checks that failures are always recorded, successes up to the
// rate, and that the others are counted.
func TestRecordsOfWaitingExecutions(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	good := l.Program(Document("t>a", Echo("a", `"{{trigger.data.order}}"`)))
	bad := l.Program(Document("t>a", Fail("a")))
	x := New(j, 1)
	x.LimitRecords(0)
	for id, p := range map[string]*engine.Program{"exec-1": good, "exec-2": bad} {
		if r := l.await(x, p, id); r == nil {
			t.Fatal("nothing came back")
		}
	}
	x.recorder.Close(t.Context())
	if n := x.NotRecorded(); n != 1 {
		t.Errorf("%d were not recorded, want 1", n)
	}
	if _, err := j.Get(t.Context(), "exec-1"); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("the success: %v", err)
	}
	r, err := j.Get(t.Context(), "exec-2")
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != journal.Failed || r.Node != "a" || r.Code != "boom" || len(r.Nodes) != 1 || r.Nodes[0].State != "failed" ||
		r.Nodes[0].Attempts != 1 || r.Trigger.Data.Text != `{"order":"exec-2","_query":{}}` {
		t.Errorf("record %+v of %+v", r, r.Trigger)
	}
	e, err := j.Source(t.Context(), "exec-2")
	if err != nil || string(e.Data) != r.Trigger.Data.Text || string(e.Document) != string(bad.Plan.Document) {
		t.Errorf("source %+v, %v", e, err)
	}
	if l.await(x, bad, "exec-3"); x.NotRecorded() != 2 {
		t.Errorf("%d were not recorded, want the one after the end too", x.NotRecorded())
	}
	l.drain(x, 0)
}

// TestCancel cancels executions that wait, that run, and that a sender waits for.
func TestCancel(t *testing.T) {
	j := newLedger()
	began := make(chan struct{})
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
		began <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1", "exec-2")
	Receive(t, began)
	cancel := func(id string) {
		t.Helper()
		if err := x.Cancel(t.Context(), id); err != nil {
			t.Errorf("cancelling %s: %v", id, err)
		}
	}
	cancel("exec-2")
	cancel("exec-1")
	if got := Receive(t, j.finished); got != "exec-1 cancelled" {
		t.Errorf("finished %s", got)
	}
	result := make(chan *engine.Result)
	go func() { result <- l.await(x, p, "exec-3") }()
	Receive(t, began)
	if err := x.Rerun(t.Context(), "exec-3", "exec-4", nil); !errors.Is(err, journal.ErrNotEnded) {
		t.Errorf("replaying what runs: %v", err)
	}
	cancel("exec-3")
	if r := Receive(t, result); r.Status != engine.Cancelled {
		t.Errorf("the sender gets %s", r.Status)
	}
	for id, want := range map[string]error{"exec-1": journal.ErrEnded, "exec-2": journal.ErrEnded, "exec-9": journal.ErrUnknown} {
		if err := x.Cancel(t.Context(), id); !errors.Is(err, want) {
			t.Errorf("cancelling %s: %v, want %v", id, err, want)
		}
	}
	l.drain(x, 0)
}

// TestReplay reruns ended executions from the same event, with the workflow as it was or as it is.
func TestReplay(t *testing.T) {
	j := newLedger()
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `"{{trigger.data.order}}"`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	Receive(t, j.finished)
	if err := x.Rerun(t.Context(), "exec-1", "exec-2", nil); err != nil {
		t.Fatal(err)
	}
	current := *p.Plan
	current.Revision, current.Document = 77, []byte(`{}`)
	Receive(t, j.finished)
	if err := x.Rerun(t.Context(), "exec-2", "exec-3", &current); err != nil {
		t.Fatal(err)
	}
	Receive(t, j.finished)
	for id, want := range map[string]struct {
		of       string
		revision int64
	}{"exec-2": {"exec-1", p.Plan.Revision}, "exec-3": {"exec-2", 77}} {
		r, err := j.Get(t.Context(), id)
		if err != nil || r.ReplayOf != want.of || r.Revision != want.revision || r.Status != journal.Succeeded {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
		e, err := j.Source(t.Context(), id)
		if err != nil || string(e.Data) != `{"order":"exec-1","_query":{}}` {
			t.Errorf("%s ran from %s, %v", id, e.Data, err)
		}
	}
	if err := x.Rerun(t.Context(), "exec-9", "exec-10", nil); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("replaying what is not: %v", err)
	}
	l.drain(x, 0)
}

// TestCrashLoop checks that an execution that was running in three deaths of the process does not
// run again.
func TestCrashLoop(t *testing.T) {
	j := newLedger()
	j.deaths = maxDeaths
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	x := New(j, 1)
	defer x.Use(l.runner(p))()
	l.accept(x, p, "exec-1")
	if got := Receive(t, j.finished); got != "exec-1 failed" {
		t.Errorf("finished %s", got)
	}
	if r, err := j.Get(t.Context(), "exec-1"); err != nil || r.Code != engine.CodeCrashLoop {
		t.Errorf("%+v, %v", r, err)
	}
	l.drain(x, 0)
}

// stuckJournal is a journal whose Put blocks until the test lets it continue.
type stuckJournal struct {
	journal.Journal
	letGo chan struct{}
}

func (j *stuckJournal) Put(ctx context.Context, rows ...journal.Ended) error {
	<-j.letGo
	return j.Journal.Put(ctx, rows...)
}

// ends is an Observer of the ends of executions.
type ends struct {
	engine.NopObserver
	c chan struct{}
}

func (e ends) ExecutionEnded(*engine.Program, *engine.Result) { e.c <- struct{}{} }

// TestSlotsBoundWhatWaitsToBeRecorded checks that slots bound the executions that wait to be
// recorded, for each onTimeout.
func TestSlotsBoundWhatWaitsToBeRecorded(t *testing.T) {
	for _, onTimeout := range []string{"error", "accept"} {
		t.Run(onTimeout, func(t *testing.T) {
			const places = 1024 // in the recorder's queue
			o := ends{c: make(chan struct{}, places)}
			l := newLab(t, engine.Config{Observer: o}, sandbox.Limits{})
			bad := l.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"responseMode":"lastNode",`+
				`"onTimeout":"`+onTimeout+`"}}`, "t>a", Fail("a")))
			j := &stuckJournal{newLedger(), make(chan struct{})}
			x := New(j, 1)
			for n := range journal.Share(places) {
				l.await(x, bad, fmt.Sprintf("exec-%d", n))
				Receive(t, o.c)
			}
			results := make(chan *engine.Result)
			go func() { results <- l.await(x, bad, "exec-last") }()
			Receive(t, o.c)
			if n := l.Engine.InUse(); n != 1 {
				t.Errorf("%d slots are in use while it waits", n)
			}
			close(j.letGo)
			if got := Receive(t, results); got.Status != engine.Failed {
				t.Errorf("it ended as %s", got.Status)
			}
			l.drain(x, 0)
			if n := l.Engine.InUse(); n != 0 || x.NotRecorded() != 0 {
				t.Errorf("%d slots are in use, and %d are missed", n, x.NotRecorded())
			}
		})
	}
}
