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

// waiting is a lab with one workflow, t>a>b>c. Its node b ends when the test lets it, or when its
// execution ends.
type waiting struct {
	*lab
	ledger   *ledger
	executor *Executor
	program  *engine.Program
	began    chan string   // sent by node b
	goOn     chan struct{} // lets b end
	released chan struct{} // closed when the slot is released
}

func newWaiting(t *testing.T, webhook string) *waiting {
	w := &waiting{
		ledger: newLedger(), began: make(chan string, 1), goOn: make(chan struct{}), released: make(chan struct{}),
	}
	w.lab = newLab(t, engine.Config{HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
		w.began <- Goroutine()
		select {
		case <-w.goOn:
			return "2", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})}, sandbox.Limits{Timeout: time.Hour})
	w.program = w.lab.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"responseMode":"lastNode",`+webhook+`}}`,
		"t>a a>b b>c", Echo("a", `1`), Ask("b", `1`), Echo("c", `3`)))
	w.executor = New(w.ledger, 1)
	return w
}

// take takes a slot. The function that it returns releases the slot and tells the test.
func (w *waiting) take() (release func()) {
	w.Helper()
	give, err := w.Engine.Acquire(w.Context(), w.program)
	if err != nil {
		w.Fatal(err)
	}
	return func() {
		give()
		close(w.released)
	}
}

func (w *waiting) await(ctx context.Context) *engine.Result {
	w.Helper()
	return w.executor.Await(ctx, w.Engine, w.program, "exec-1", Event(w, "{}"), w.take())
}

// awaitUntilB is Await for onTimeout "accept" with a timeout that passes when node b has begun.
func (w *waiting) awaitUntilB(ctx context.Context) *engine.Result {
	w.Helper()
	late := make(chan time.Time)
	go func() {
		<-w.began
		close(late)
	}()
	return w.executor.awaitOrAdopt(w.start(ctx, "exec-1"), late, w.take())
}

// start makes an execution for the test to run.
func (w *waiting) start(ctx context.Context, id string) *execution {
	w.Helper()
	run := new(execution)
	run.Init(ctx, w.Engine, w.program, id, Event(w, "{}"), nil)
	return run
}

// ends expects the result and the release of the slot.
func (w *waiting) ends(r *engine.Result, want string) {
	w.Helper()
	if r == nil {
		w.Fatal("the execution goes on")
	}
	if got := Show(w.program, r); got != want {
		w.Errorf("ended as %s, want %s", got, want)
	}
	Receive(w, w.released)
	if n := w.Engine.InUse(); n != 0 {
		w.Errorf("%d slots are in use", n)
	}
	if got := w.ledger.lines(); len(got) > 0 {
		w.Errorf("journal %q, want nothing", got)
	}
}

const accept = `"onTimeout":"accept",`

func TestAwaitInTime(t *testing.T) {
	for _, webhook := range []string{`"timeout":"1h"`, accept + `"timeout":"1h"`} {
		w := newWaiting(t, webhook)
		close(w.goOn)
		w.ends(w.await(t.Context()), `succeeded a=1 b=2 c=3`)
		if here, want := Receive(t, w.began) == Goroutine(), webhook == `"timeout":"1h"`; here != want {
			t.Errorf("with %s it ran on the caller's goroutine: %v", webhook, here)
		}
		w.drain(w.executor, 0)
	}
}

func TestAwaitTooLong(t *testing.T) {
	refuse := func(call string, _ journal.Step) error {
		if call == "adopt" {
			return journal.ErrFull
		}
		return nil
	}
	for _, webhook := range []string{`"timeout":"20ms"`, accept + `"timeout":"20ms"`} {
		w := newWaiting(t, webhook)
		w.ledger.fail = refuse
		r := w.await(t.Context())
		if r == nil || r.Status != engine.TimedOut || r.Nodes[3].State != engine.NotRun {
			t.Fatalf("with %s it ended as %+v", webhook, r)
		}
		WantDetail(t, r.Nodes[2].Err, "webhook.timeout of 20ms has passed")
		Receive(t, w.released)
		w.drain(w.executor, 0)
	}
	t.Run("while a node runs", func(t *testing.T) {
		w := newWaiting(t, accept+`"timeout":"1h"`)
		w.ledger.fail = refuse
		w.ends(w.awaitUntilB(t.Context()), `timed_out a=1 b!cancelled c-not_run`)
		w.drain(w.executor, 0)
	})
	t.Run("while the executor closes", func(t *testing.T) {
		w := newWaiting(t, accept+`"timeout":"1h"`)
		w.drain(w.executor, 0)
		w.ends(w.awaitUntilB(t.Context()), `timed_out a=1 b!cancelled c-not_run`)
	})
}

func TestAwaitAdopts(t *testing.T) {
	w := newWaiting(t, accept+`"timeout":"1h"`)
	ctx, cancel := context.WithCancel(t.Context())
	if r := w.awaitUntilB(ctx); r != nil {
		t.Fatalf("ended as %s", Show(w.program, r))
	}
	cancel() // the sender has gone
	if s, err := w.ledger.Stats(t.Context()); err != nil || s.Running != 1 {
		t.Errorf("stats %+v, %v; want one running", s, err)
	}
	closed := make(chan int)
	go func() { closed <- w.executor.Close(context.Background()) }()
	close(w.goOn)
	if left := Receive(t, closed); left != 0 { // Close has waited for it
		t.Errorf("%d executions are left", left)
	}
	Receive(t, w.released)
	want := []string{"adopted a=1", "step b=2", "finished succeeded "}
	if got := w.ledger.lines(); !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

// TestAdoptionDelaysNobody checks that requests begin and end while an execution is being adopted,
// also when somebody lists executions.
func TestAdoptionDelaysNobody(t *testing.T) {
	w := newWaiting(t, accept+`"timeout":"1h"`)
	w.ledger.fail = func(call string, _ journal.Step) error {
		if call != "adopt" {
			return nil
		}
		listed, others := make(chan error, 1), make(chan struct{}, 1)
		go func() {
			_, err := w.executor.List(t.Context(), journal.Query{Limit: 1})
			listed <- err
		}()
		go func() {
			for range 10_000 { // List gets its turn in between
				w.executor.runs.get("another")
				runtime.Gosched()
			}
			others <- struct{}{}
		}()
		Receive(t, others)
		return nil
	}
	if r := w.awaitUntilB(t.Context()); r != nil {
		t.Fatalf("ended as %s", Show(w.program, r))
	}
	close(w.goOn)
	Receive(t, w.released)
}

func TestWhatHasEndedIsNotAdopted(t *testing.T) {
	w := newWaiting(t, accept+`"timeout":"1h"`)
	close(w.goOn)
	ended := w.start(t.Context(), "exec-1")
	ended.Run()
	cancelled := w.start(t.Context(), "exec-2")
	cancelled.Cancel(context.DeadlineExceeded)
	if w.executor.adopt(ended) || w.executor.adopt(cancelled) {
		t.Error("an execution that has ended was adopted")
	}
	cancelled.Run()
	w.drain(w.executor, 0)
}

func TestCloseCutsOffWhatWasAdopted(t *testing.T) {
	w := newWaiting(t, accept+`"timeout":"1h"`)
	if r := w.awaitUntilB(t.Context()); r != nil {
		t.Fatalf("ended as %s", Show(w.program, r))
	}
	w.closeNow(w.executor, 1)
	Receive(t, w.released)
	if got, want := w.ledger.lines(), []string{"adopted a=1", "released"}; !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	for _, webhook := range []string{`"timeout":"1h"`, accept + `"timeout":"1h"`} {
		w := newWaiting(t, webhook)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-w.began
			cancel(errors.New("the server is stopping"))
		}()
		w.ends(w.await(ctx), `cancelled a=1 b!cancelled c-not_run`)
		w.drain(w.executor, 0)
	}
}

// TestAwaitAtTheSameMoment lets executions end about when their timeout passes. Each either returns
// a result or is adopted, never both, and always ends.
func TestAwaitAtTheSameMoment(t *testing.T) {
	for range 20 {
		w := newWaiting(t, accept+`"timeout":"1h"`)
		late := make(chan time.Time)
		go func() {
			<-w.began
			close(w.goOn)
			close(late)
		}()
		run := w.start(t.Context(), "exec-1")
		if r := w.executor.awaitOrAdopt(run, late, w.take()); r != nil {
			w.ends(r, `succeeded a=1 b=2 c=3`)
		} else if got := Receive(t, w.ledger.finished); got != "exec-1 succeeded" {
			t.Errorf("finished %s", got)
		}
		w.drain(w.executor, 0)
	}
}
