package executor

import (
	"context"
	"slices"
	"sync"

	"github.com/flowtrux/edge/internal/drain"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
)

// DefaultWorkers is the default limit of claimed executions that run at the same time. Executions
// mostly wait for other machines, so the limit does not depend on the number of cores. A quarter of
// the default slots leaves room for senders who wait.
const DefaultWorkers = 64

// Runner runs entries of the journal with the engine and the programs of one configuration.
type Runner struct {
	Engine *engine.Engine
	// Resolve finds the program of an entry by its workflow and revision, or compiles it from the
	// entry's document. The program comes with a reference to its Nodes, which the executor
	// releases. engine.ErrGone means that the configuration has ended and no longer lends this
	// runner: the entry goes to the current one. After an error that wraps a
	// *sandbox.BudgetFullError the entry is retried later. Any other error fails the execution.
	// Resolve gives up when ctx ends.
	Resolve func(ctx context.Context, e *journal.Entry) (*engine.Program, error)
}

// Executor runs the executions of a journal, independently of requests. It outlives configurations:
// each lends it a Runner. It is safe for concurrent use.
//
// One goroutine claims executions, and only as many as can run. One workflow has at most its share
// of the workers, see journal.Share. All workflows together use at most half of the slots. A
// claimed execution waits for a slot of the engine. If its workflow is at its limit, it is
// released, and no other execution of that workflow is claimed until there is room. So it does not
// keep other workflows from running.
type Executor struct {
	journal   journal.Journal
	workers   int
	aborted   context.Context // ends when running executions are aborted
	abort     context.CancelCauseFunc
	done      sync.WaitGroup // the claiming goroutine and the work counted in active
	drain     sync.Once
	close     sync.Once
	accepting drain.Group // calls of Accept
	runs      running
	calls     journalCalls
	tasks     chan task // to workers that have nothing to do
	recorder  *record.Recorder
	inflight  inflight
	retrier   settleRetrier
	feed      *feed.Feed       // nil = nothing is published
	counting  journal.Counting // of journal; nil = it does not count
	left      int              // the result of Close

	mu         sync.Mutex
	changed    sync.Cond // of runners, workflows and quitting
	runners    []*Runner // the last one is current
	claims     context.Context
	stopClaims context.CancelFunc // ends claims; there are none without a runner
	claiming   bool               // the claiming goroutine was started
	// interrupts the claim in progress, so that it is made anew; nil = none, or it excepts no
	// workflow
	reclaim    context.CancelFunc
	claimed    int // executions that were claimed and have not ended
	workflows  workflows
	draining   bool          // no work begins any more that Drain waits for
	quitting   chan struct{} // closed when nothing is claimed any more
	active     int           // calls and executions that Drain waits for
	unfinished int           // executions that were aborted
}

// New returns an executor of j and takes j over: Close closes it. Nothing runs before Use. workers
// limits the claimed executions that run at the same time; 0 or less means DefaultWorkers.
func New(j journal.Journal, workers int) *Executor {
	if workers <= 0 {
		workers = DefaultWorkers
	}
	x := &Executor{
		journal: j, counting: journal.CountingOf(j), workers: workers, workflows: make(workflows), quitting: make(chan struct{}),
		tasks: make(chan task),
	}
	x.changed.L = &x.mu
	x.recorder = record.NewRecorder(j)
	x.aborted, x.abort = context.WithCancelCause(context.Background())
	return x
}

// Journal returns the executor's journal. It has to be opened before the first Use.
func (x *Executor) Journal() journal.Journal { return x.journal }

// Use makes r the current runner until remove is called. Then the previous one is current again.
// Running executions stay with the runner that they began with. Without a runner nothing is
// claimed, so close an executor before removing its last runner.
func (x *Executor) Use(r Runner) (remove func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	runner := &r
	x.runners = append(x.runners, runner)
	if len(x.runners) == 1 {
		x.claims, x.stopClaims = context.WithCancel(x.aborted)
	}
	if !x.claiming && !x.draining {
		x.claiming = true
		x.done.Go(x.claimAll)
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
	x.stopClaims()
	if x.draining {
		x.quit()
	}
}

// current returns the current runner, or nil. The caller holds the lock.
func (x *Executor) current() *Runner {
	if len(x.runners) == 0 {
		return nil
	}
	return x.runners[len(x.runners)-1]
}

// LimitRecords limits the records a second of executions that succeeded while a sender waited. Less
// than 0 means no limit, as does never calling it. Other executions are always recorded.
func (x *Executor) LimitRecords(perSecond int) { x.recorder.Limit(perSecond) }

// NotRecorded returns the number of executions that were not recorded, because of LimitRecords or
// because the journal did not take them.
func (x *Executor) NotRecorded() uint64 { return x.recorder.Missed() }

// Accept journals an execution, unless the journal has the key already. A nil key means none. A nil
// error means that the execution will run, as surely as the journal's durability promises. The
// error is the journal's. After a *journal.DuplicateError without a response, see JoinInFlight.
func (x *Executor) Accept(ctx context.Context, p *flow.Plan, id string, ev *flow.Event, key *journal.Key) error {
	if !x.accepting.Enter() {
		return journal.ErrClosed
	}
	defer x.accepting.Leave()
	e := record.Source(p, id, ev)
	e.Key = key
	return x.accept(ctx, e)
}

// enter adds a piece of work that Drain waits for. It returns false once the executor drains; then
// leave must not be called.
func (x *Executor) enter() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.draining {
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
