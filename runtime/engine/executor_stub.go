package engine

import (
	"context"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// Runner is how an Executor runs an entry: the engine and the programs of one config.
type Runner struct {
	Engine *Engine
	// Resolve finds or compiles the program of an entry (by workflow and revision, else from its document). The program's
	// nodes are acquired; the executor releases them.
	Resolve func(*journal.Entry) (*Program, error)
}

// Executor runs what is in the journal, apart from any request. It outlives configs.
type Executor struct{ _ struct{} }

// NewExecutor starts nothing. workers <= 0 means 2 x GOMAXPROCS.
func NewExecutor(j journal.Journal, workers int) *Executor { panic("stub") }

// Use makes r the current runner and starts working, until remove is called; then the one before is current again.
// Executions that already run stay with the runner they began with. Without a runner nothing is claimed.
func (x *Executor) Use(r Runner) (remove func()) { panic("stub") }

// Accept journals an execution; nil means it will be run.
func (x *Executor) Accept(ctx context.Context, p *flow.Plan, id string, ev *flow.Event) error {
	panic("stub")
}

// Adopt journals an execution that already runs here, so that Close waits for it: done is called with its result.
func (x *Executor) Adopt(ctx context.Context, p *flow.Plan, id string, ev *flow.Event) (done func(*Result), err error) {
	panic("stub")
}

// Await runs an execution whose sender waits, and returns its result. The caller has a slot for it (Engine.Acquire); Await
// takes over release. ctx ends the execution; it must not end because the sender went away.
//
// The webhook's timeout counts from here. With onTimeout "error" the execution runs on this goroutine and is cancelled
// (TimedOut) by it. With "accept" it runs apart; when the timeout passes, its state is journaled and it goes on, no
// longer bound to ctx: Await returns nil. When the journal refuses, it is cancelled (TimedOut).
func (x *Executor) Await(ctx context.Context, e *Engine, p *Program, id string, ev *flow.Event, release func()) *Result {
	panic("stub")
}

// Journal is the journal it works on.
func (x *Executor) Journal() journal.Journal { panic("stub") }

// Close stops claiming, waits for what runs and what is pending until ctx ends, then cancels the rest. It tells how many
// executions were cut off or left. Idempotent.
func (x *Executor) Close(ctx context.Context) (left int) { panic("stub") }
