package executor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// backlog is a lab whose workflows wait in their only node until the test lets an execution end.
type backlog struct {
	*lab
	ledger   *ledger
	executor *Executor
	programs map[string]*engine.Program
	began    chan string // IDs of executions

	mu     sync.Mutex
	ending map[string]chan struct{} // by id
}

func newBacklog(t *testing.T, limits engine.Limits, workers int, webhooks map[string]string) *backlog {
	b := &backlog{
		ledger: newLedger(), programs: make(map[string]*engine.Program), began: make(chan string, 1000),
		ending: make(map[string]chan struct{}),
	}
	b.lab = newLab(t, engine.Config{Limits: limits, HTTP: HTTPFunc(func(ctx context.Context, request string, _ hostapi.HTTPOptions) (string, error) {
		id := strings.Trim(request, `"`)
		b.began <- id
		select {
		case <-b.end(id):
			return "1", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})}, sandbox.Limits{})
	for id, webhook := range webhooks {
		plan, err := flow.Compile(id, 1, []byte(DocumentWith(`{"triggerType":"webhook","webhook":{`+webhook+`}}`,
			"t>a", Ask("a", `"{{execution.id}}"`))), b.Nodes, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b.programs[id], err = b.Nodes.Bind(plan); err != nil {
			t.Fatal(err)
		}
	}
	b.executor = New(b.ledger, workers)
	return b
}

// use gives the executor a runner.
func (b *backlog) use() (remove func()) {
	return b.executor.Use(Runner{Engine: b.Engine, Resolve: func(_ context.Context, e *journal.Entry) (*engine.Program, error) {
		if !b.Nodes.Acquire() {
			return nil, engine.ErrGone
		}
		return b.programs[e.Workflow], nil
	}})
}

// end returns the channel that is closed to let an execution end.
func (b *backlog) end(id string) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ending[id] == nil {
		b.ending[id] = make(chan struct{})
	}
	return b.ending[id]
}

// accepts accepts n executions of a workflow: exec-<workflow>-0 and so on.
func (b *backlog) accepts(workflow string, n int) {
	b.Helper()
	for i := range n {
		b.accept(b.executor, b.programs[workflow], fmt.Sprintf("exec-%s-%d", workflow, i))
	}
}

// wantBegun expects n executions to have begun, in any order.
func (b *backlog) wantBegun(n int) (ids []string) {
	b.Helper()
	for range n {
		ids = append(ids, Receive(b, b.began))
	}
	return ids
}

// TestWorkflowsTakeTurnsInTheExecutor checks that a backlog of one workflow delays another one's
// execution only until one of the first has ended.
func TestWorkflowsTakeTurnsInTheExecutor(t *testing.T) {
	b := newBacklog(t, engine.Limits{Executions: 8}, 4, map[string]string{"slow": "", "other": ""})
	b.accepts("slow", 50)
	defer b.use()()
	first := b.wantBegun(3) // its share of four workers
	b.accepts("other", 3)
	if got := b.wantBegun(1); got[0] != "exec-other-0" {
		t.Errorf("%s began beside %v", got, first)
	}
	close(b.end(first[0]))
	if got := b.wantBegun(1); got[0] != "exec-other-1" && got[0] != "exec-slow-3" {
		t.Errorf("then %s began", got)
	}
	b.closeNow(b.executor, 52)
}

// TestOrderWithinAWorkflow checks that executions begin in the order in which they were accepted,
// under any limit.
func TestOrderWithinAWorkflow(t *testing.T) {
	for _, c := range []struct {
		name, webhook string
		limits        engine.Limits
		workers       int
	}{
		{"its own limit", `"maxConcurrent":1`, engine.Limits{}, 64},
		{"one slot", ``, engine.Limits{Executions: 1}, 64},
		{"one worker", ``, engine.Limits{}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 40
			b := newBacklog(t, c.limits, c.workers, map[string]string{"w": c.webhook})
			b.accepts("w", n)
			defer b.use()()
			var got, want []string
			for i := range n {
				id := b.wantBegun(1)[0]
				got, want = append(got, id), append(want, fmt.Sprint("exec-w-", i))
				close(b.end(id))
			}
			if !slices.Equal(got, want) {
				t.Errorf("they began as %q", got)
			}
			b.drain(b.executor, 0)
			if len(b.executor.workflows) != 0 || b.executor.claimed != 0 {
				t.Errorf("left: %d lanes, %d claims", len(b.executor.workflows), b.executor.claimed)
			}
		})
	}
}

// TestManyWorkflowsAtTheirLimits checks that workflows at their own limit take no worker from other
// workflows.
func TestManyWorkflowsAtTheirLimits(t *testing.T) {
	webhooks := map[string]string{"free": ""}
	for n := range 20 {
		webhooks[fmt.Sprint("busy", n)] = `"maxConcurrent":1`
	}
	b := newBacklog(t, engine.Limits{}, 22, webhooks)
	for n := range 20 {
		b.accepts(fmt.Sprint("busy", n), 5)
	}
	defer b.use()()
	b.wantBegun(20)
	for n := range 3 {
		id := fmt.Sprint("exec-free-", n)
		b.accept(b.executor, b.programs["free"], id)
		if got := b.wantBegun(1); got[0] != id {
			t.Fatalf("%s began, want %s", got, id)
		}
		close(b.end(id))
	}
	b.closeNow(b.executor, 100)
}
