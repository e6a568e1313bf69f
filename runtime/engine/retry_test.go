package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// outside is an HTTP client in which each request fails some times before it succeeds.
type outside struct {
	mu    sync.Mutex
	fails map[string]int // number of failures, by request
	fatal bool
	calls []string // request and idempotency key
}

func (o *outside) do(_ context.Context, name string, opts hostapi.HTTPOptions) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, name+" "+opts.IdempotencyKey)
	if o.fails[name] > 0 {
		o.fails[name]--
		return "", &hostapi.Failure{Code: "unreachable", Message: "try again", Fatal: o.fatal}
	}
	return `"ok"`, nil
}

const threeAttempts = `"retry":{"maxAttempts":3,"backoff":"1ms","maxBackoff":"2ms"}`

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name     string
		fails    int
		fatal    bool
		settings string
		attempts int
		want     string
	}{
		{"not needed", 0, false, threeAttempts, 1, `succeeded a="ok"`},
		{"once", 1, false, threeAttempts, 2, `succeeded a="ok"`},
		{"just in time", 2, false, threeAttempts, 3, `succeeded a="ok"`},
		{"in vain", 3, false, threeAttempts, 3, `failed a!unreachable`},
		{"no rule", 1, false, `"name":"a"`, 1, `failed a!unreachable`},
		{"fatal", 1, true, threeAttempts, 1, `failed a!unreachable`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &outside{fails: map[string]int{"x": c.fails}, fatal: c.fatal}
			l := NewLab(t, engine.Config{HTTP: HTTPFunc(o.do)}, sandbox.Limits{})
			r := l.WantRun(Document("t>a", Ask("a", `"x"`, c.settings)), "", c.want)
			if r.Nodes[1].Attempts != c.attempts || len(o.calls) != c.attempts {
				t.Errorf("%d attempts, %d calls, want %d", r.Nodes[1].Attempts, len(o.calls), c.attempts)
			}
			for _, call := range o.calls {
				if call != "x exec-1-a-0" {
					t.Errorf("request and key are %q", call)
				}
			}
		})
	}
}

// TestTimeoutIsOfOneAttempt also checks that the shortest limit counts, from any setting, and that
// the failure names it.
func TestTimeoutIsOfOneAttempt(t *testing.T) {
	const short = 20 * time.Millisecond
	for _, c := range []struct {
		name   string
		engine time.Duration
		module time.Duration
		node   string
		late   string
	}{
		{"the engine's", short, time.Minute, "1m", "limits.node_timeout of 20ms"},
		{"the module's", time.Minute, short, "1m", "the timeout of its type of 20ms"},
		{"the node's", time.Minute, time.Minute, "20ms", "its timeout of 20ms"},
		{"all of them", short, short, "20ms", "limits.node_timeout of 20ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLab(t, engine.Config{Limits: engine.Limits{NodeTimeout: c.engine}}, sandbox.Limits{Timeout: c.module})
			r := l.WantRun(Document("t>a", Task("a", `"do":"loop"`, threeAttempts, `"timeout":"`+c.node+`"`)), "", `failed a!timeout`)
			if r.Nodes[1].Attempts != 3 {
				t.Errorf("%d attempts, want 3", r.Nodes[1].Attempts)
			}
			if got, want := r.Nodes[1].Err.Message, "the node took too long: "+c.late+" has passed"; got != want {
				t.Errorf("the message is %q, want %q", got, want)
			}
		})
	}
}

func TestEndOfExecutionEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		cancel()
		return "", &hostapi.Failure{Code: "unreachable", Message: "try again"}
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a a>b a>c:error", Ask("a", `1`, `"retry":{"maxAttempts":2,"backoff":"1h","maxBackoff":"1h"}`, Continues),
		Echo("b", `1`), Echo("c", `1`)))
	r := l.Engine.NewExecution(ctx, p, "exec-1", Event(t, "{}"), nil).Run()
	if got, want := Show(p, r), `cancelled a!cancelled b-not_run c-not_run`; got != want {
		t.Errorf("ended as %s, want %s", got, want)
	}
}

func TestStatusOfAnInterruptedExecution(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits engine.Limits
		ctx    func(context.Context) (context.Context, context.CancelFunc)
		want   engine.Status
	}{
		{"execution_timeout", engine.Limits{ExecutionTimeout: 20 * time.Millisecond}, context.WithCancel, engine.TimedOut},
		{"the caller's deadline", engine.Limits{}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		}, engine.TimedOut},
		{"a cause that is a deadline", engine.Limits{}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(fmt.Errorf("waited too long: %w", context.DeadlineExceeded))
			return ctx, func() {}
		}, engine.TimedOut},
		{"another cause", engine.Limits{}, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errors.New("the operator wants it so"))
			return ctx, func() {}
		}, engine.Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := NewLab(t, engine.Config{Limits: c.limits}, sandbox.Limits{})
			p := l.Program(Document("t>a a>b t>c c>b", Task("a", `"do":"loop"`), Echo("b", `1`), Task("c", `"do":"loop"`)))
			ctx, cancel := c.ctx(t.Context())
			defer cancel()
			r := l.Engine.NewExecution(ctx, p, "exec-1", Event(t, "{}"), nil).Run()
			if r.Status != c.want || r.Nodes[3].State != engine.NotRun {
				t.Errorf("ended as %s, want %s", Show(p, r), c.want)
			}
			if c.limits.ExecutionTimeout != 0 {
				WantDetail(t, r.Nodes[1].Err, "limits.execution_timeout of 20ms has passed")
			}
			if r.Nodes[0].State != engine.Completed || r.Last() != 0 {
				t.Errorf("the trigger is %v, the last node %d", r.Nodes[0].State, r.Last())
			}
		})
	}
}

func TestExecutionThatHasEndedIsNotInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		cancel()
		return `1`, nil
	})}, sandbox.Limits{})
	p := l.Program(Document("t>a", Ask("a", `1`)))
	r := l.Engine.NewExecution(ctx, p, "exec-1", Event(t, "{}"), nil).Run()
	if got := Show(p, r); !slices.Contains([]string{`succeeded a=1`, `cancelled a!cancelled`}, got) {
		t.Errorf("ended as %s", got)
	}
}
