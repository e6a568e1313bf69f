package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// waiting is a lab with one workflow whose node b ends when the test lets it, or its execution ends.
type waiting struct {
	*lab
	ledger   *ledger
	executor *Executor
	program  *Program
	began    chan string   // the goroutine of b
	goOn     chan struct{} // lets b end
	released chan struct{} // closed when the slot was given back
}

func newWaiting(t *testing.T, webhook string) *waiting {
	w := &waiting{
		ledger: newLedger(), began: make(chan string, 1), goOn: make(chan struct{}), released: make(chan struct{}),
	}
	w.lab = newLab(t, Config{HTTP: httpFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
		w.began <- goroutine()
		select {
		case <-w.goOn:
			return "2", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})}, sandbox.Limits{})
	w.lab.T = t
	w.program = w.lab.program(documentWith(`{"triggerType":"webhook","webhook":{"responseMode":"lastNode",`+webhook+`}}`,
		"t>a a>b b>c", echo("a", `1`), ask("b", `1`), echo("c", `3`)))
	w.executor = NewExecutor(w.ledger, 1)
	return w
}

func (w *waiting) await(ctx context.Context) *Result {
	w.Helper()
	release, err := w.engine.Acquire(w.Context(), w.program)
	if err != nil {
		w.Fatal(err)
	}
	return w.executor.Await(ctx, w.engine, w.program, "exec-1", event(w, "{}"), func() {
		release()
		close(w.released)
	})
}

// ends wants the result, and the slot given back.
func (w *waiting) ends(r *Result, want string) {
	w.Helper()
	if r == nil {
		w.Fatal("the execution goes on")
	}
	if got := show(w.program, r); got != want {
		w.Errorf("ended as %s, want %s", got, want)
	}
	receive(w, w.released)
	if n := w.engine.InUse(); n != 0 {
		w.Errorf("%d slots are in use", n)
	}
}

func TestAwait(t *testing.T) {
	const long, short = `"timeout":"1m"`, `"timeout":"20ms"`
	accept := `"onTimeout":"accept",`
	for _, c := range []struct {
		name, webhook string
		inTime        bool
		want          string
	}{
		{"error, in time", long, true, `succeeded a=1 b=2 c=3`},
		{"error, late", short, false, `timed_out a=1 b!cancelled c-not_run`},
		{"accept, in time", accept + long, true, `succeeded a=1 b=2 c=3`},
		{"accept, refused", accept + short, false, `timed_out a=1 b!cancelled c-not_run`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWaiting(t, c.webhook)
			w.ledger.fail = func(call string, _ journal.Step) error {
				if call == "adopt" {
					return journal.ErrFull
				}
				return nil
			}
			if c.inTime {
				close(w.goOn)
			}
			w.ends(w.await(t.Context()), c.want)
			onCaller := receive(t, w.began) == goroutine()
			if want := c.webhook == long || c.webhook == short; onCaller != want {
				t.Errorf("it ran on the caller's goroutine: %v, want %v", onCaller, want)
			}
			if got := w.ledger.lines(); len(got) > 0 {
				t.Errorf("journal %q", got)
			}
			w.drain(w.executor, 0)
		})
	}
}

func TestAwaitAdopts(t *testing.T) {
	w := newWaiting(t, `"onTimeout":"accept","timeout":"20ms"`)
	ctx, cancel := context.WithCancel(t.Context())
	if r := w.await(ctx); r != nil {
		t.Fatalf("ended as %s", show(w.program, r))
	}
	cancel() // nobody waits any longer
	if s, err := w.ledger.Stats(t.Context()); err != nil || s.Running != 1 {
		t.Errorf("stats %+v, %v; want one running", s, err)
	}
	closed := make(chan int)
	go func() { closed <- w.executor.Close(context.Background()) }()
	close(w.goOn)
	if left := receive(t, closed); left != 0 { // Close waits for it
		t.Errorf("%d executions are left", left)
	}
	receive(t, w.released)
	want := []string{"adopted a=1", "step b=2", "step c=3", "finished succeeded "}
	if got := w.ledger.lines(); !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestCloseCutsOffWhatWasAdopted(t *testing.T) {
	w := newWaiting(t, `"onTimeout":"accept","timeout":"20ms"`)
	if r := w.await(t.Context()); r != nil {
		t.Fatalf("ended as %s", show(w.program, r))
	}
	w.closeNow(w.executor, 1)
	receive(t, w.released)
	if got, want := w.ledger.lines(), []string{"adopted a=1", "released"}; !slices.Equal(got, want) {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	for _, webhook := range []string{`"timeout":"1m"`, `"onTimeout":"accept","timeout":"1m"`} {
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

func TestAwaitIsNotAdoptedByAnExecutorThatCloses(t *testing.T) {
	w := newWaiting(t, `"onTimeout":"accept","timeout":"20ms"`)
	w.drain(w.executor, 0)
	w.ends(w.await(t.Context()), `timed_out a=1 b!cancelled c-not_run`)
}

// TestAwaitAtTheSameMoment lets executions end about when their timeout passes. Each is either answered or journaled, never
// both, and always finished.
func TestAwaitAtTheSameMoment(t *testing.T) {
	for range 20 {
		w := newWaiting(t, `"onTimeout":"accept","timeout":"1ms"`)
		go func() {
			<-w.began
			close(w.goOn)
		}()
		if r := w.await(t.Context()); r != nil {
			w.ends(r, `succeeded a=1 b=2 c=3`)
			if got := w.ledger.lines(); len(got) > 0 {
				t.Errorf("answered, and in the journal: %q", got)
			}
		} else if got := receive(t, w.ledger.finished); got != "exec-1 succeeded" {
			t.Errorf("finished %s", got)
		}
		w.drain(w.executor, 0)
	}
}
