package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// DefaultWorkers is how many executions an Executor runs at the same time when it is not told. They
// mostly wait for other machines, so it does not depend on the number of cores; a quarter of the
// default slots leaves room for senders who wait.
const DefaultWorkers = 64

// Runner is how an Executor runs an entry: the engine and the programs of one configuration.
type Runner struct {
	Engine *Engine
	// Resolve finds the program of an entry, by its workflow and revision, or compiles it from the
	// entry's document. The program comes with a reference on its Nodes, which the executor
	// releases. ErrGone means that the configuration has ended and no longer lends this runner: the
	// entry is given to the one of the moment. A *sandbox.BudgetFullError in an error has it tried
	// again later. Any other error fails the execution. It gives up when ctx ends.
	Resolve func(ctx context.Context, e *journal.Entry) (*Program, error)
}

// Executor runs what is in a journal, apart from any request. It outlives configurations: each
// lends it a Runner. It is safe for concurrent use.
//
// One goroutine claims, and only what can run at once: there is a bounded number of workers, of
// which one workflow has at most its share, see journal.Share, and at most half as many as there
// are slots. A claimed execution waits for a slot of the engine; when its own workflow is at its
// limit it goes back into the journal, and no other of that workflow is claimed until there is
// room, so that it does not keep others from running.
type Executor struct {
	journal  journal.Journal
	workers  int
	hard     context.Context // ends when executions are cut off
	cut      context.CancelCauseFunc
	done     sync.WaitGroup // the claiming goroutine and all that is counted in active
	close    sync.Once
	runs     running
	recorder *recorder
	flights  flights
	mender   mender
	left     int // what Close returns

	mu       sync.Mutex
	changed  sync.Cond // of runners, lanes and quitting
	runners  []*Runner // the last one is current
	claims   context.Context
	noClaims context.CancelFunc // ends claims; they have none without a runner
	claiming bool               // the claiming goroutine was started
	// ends the claim that is made, so that it is made anew; nil = none is, or it takes all
	anew     context.CancelFunc
	claimed  int // executions that were claimed and have not ended
	lanes    lanes
	closing  bool          // nothing is accepted any more
	quitting chan struct{} // closed when nothing is claimed any more
	active   int           // calls and executions that Close waits for
	cutOff   int           // executions that were cut off
}

// NewExecutor makes an executor of j, which it takes over: Close closes it. Nothing runs before
// Use. workers bounds how many claimed executions run at the same time; 0 or less means
// DefaultWorkers.
func NewExecutor(j journal.Journal, workers int) *Executor {
	if workers <= 0 {
		workers = DefaultWorkers
	}
	x := &Executor{journal: j, workers: workers, lanes: make(lanes), quitting: make(chan struct{})}
	x.changed.L = &x.mu
	x.recorder = newRecorder(j)
	x.hard, x.cut = context.WithCancelCause(context.Background())
	return x
}

// Journal is the journal it works on, to be opened before the first Use.
func (x *Executor) Journal() journal.Journal { return x.journal }

// Use makes r the current runner, until remove is called; then the one before is current again.
// Executions that run already stay with the runner they began with. Without a runner nothing is
// claimed, so who closes the executor removes its runner afterwards.
func (x *Executor) Use(r Runner) (remove func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	runner := &r
	x.runners = append(x.runners, runner)
	if len(x.runners) == 1 {
		x.claims, x.noClaims = context.WithCancel(x.hard)
	}
	if !x.claiming && !x.closing {
		x.claiming = true
		x.done.Go(x.claim)
	}
	x.changed.Broadcast()
	return sync.OnceFunc(func() { x.remove(runner) })
}

func (x *Executor) remove(r *Runner) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.runners = slices.DeleteFunc(x.runners, func(other *Runner) bool { return other == r })
	if len(x.runners) > 0 {
		return
	}
	x.noClaims()
	if x.closing {
		x.quit()
	}
}

// LimitRecords sets how many executions a second are recorded of those that succeeded while a
// sender waited for them; less than 0 means all, as before it is called. Others are recorded
// always.
func (x *Executor) LimitRecords(perSecond int) { x.recorder.limit(perSecond) }

// NotRecorded is how many executions were not recorded, because of LimitRecords or because the
// journal did not take them.
func (x *Executor) NotRecorded() uint64 { return x.recorder.missed.Load() }

// Accept journals an execution; nil means that it will be run, as surely as the journal's
// durability says.
func (x *Executor) Accept(ctx context.Context, p *flow.Plan, id string, ev *flow.Event) error {
	return x.AcceptOnce(ctx, p, id, ev, nil)
}

// AcceptOnce is Accept unless the journal has the key already; nil is no key. The error is the
// journal's: a *journal.DuplicateError without a response is one to Join.
func (x *Executor) AcceptOnce(ctx context.Context, p *flow.Plan, id string, ev *flow.Event, key *journal.Key) error {
	if !x.enter() {
		return journal.ErrClosed
	}
	defer x.leave()
	e := newEntry(p, id, ev, nil)
	e.Key = key
	return x.journal.Accept(ctx, e)
}

// enter counts something that Close waits for. It is false when the executor is closing.
func (x *Executor) enter() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closing {
		return false
	}
	x.active++
	x.done.Add(1)
	return true
}

// leave ends what enter began.
func (x *Executor) leave() {
	x.mu.Lock()
	x.active--
	x.mu.Unlock()
	x.quitWhenDrained()
	x.done.Done()
}
