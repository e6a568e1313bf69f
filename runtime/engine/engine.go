package engine

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

// Config of an Engine.
type Config struct {
	Limits   Limits
	HTTP     hostapi.HTTPClient // of the http capability; nil = nodes cannot use it
	Globals  Globals            // nil = there are none
	Observer Observer           // nil = nobody
	Logger   *zap.Logger        // nil = no log
	Seed     [32]byte           // the installation's secret: nodes' random streams derive from it
	// nil = time.Now; real time has to pass by it, as nodes' deadlines follow from it
	Clock func() time.Time
}

// Globals are the values that workflows share. Implementations are safe for concurrent use.
type Globals interface {
	hostapi.GlobalWriter
	// Global returns a value as canonical raw JSON, which nobody changes.
	Global(key string) (value []byte, ok bool)
}

// Engine runs programs. It is safe for concurrent use, and has nothing to close: it holds what its
// Config gave it and no goroutine.
type Engine struct {
	config  Config
	permits *slots.Slots
	global  func(key string) ([]byte, bool)
	seeds   sync.Pool   // of *seeder
	nodeLog *zap.Logger // what nodes write
}

func noGlobal(string) ([]byte, bool) { return nil, false }

// New makes an engine.
func New(c Config) *Engine {
	c.Limits = c.Limits.withDefaults()
	if c.Observer == nil {
		c.Observer = NopObserver{}
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	global := noGlobal
	if c.Globals != nil {
		global = c.Globals.Global
	}
	return &Engine{
		config:  c,
		global:  global,
		permits: slots.New(c.Limits.Executions),
		nodeLog: c.Logger.Named("node"),
	}
}

// NewID makes an execution's id: "exec-" and a lower-case ULID (github.com/ulid/spec), so that ids
// sort by time. Its random part cannot be guessed.
func (e *Engine) NewID() string {
	const prefix = "exec-"
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(e.config.Clock())) // fails from the year 10889 on
	_, _ = rand.Read(id[6:])                         // never fails: see its documentation
	var text [len(prefix) + ulid.EncodedSize]byte
	_ = id.MarshalTextTo(text[copy(text[:], prefix):]) // the length is right
	for i := range text {
		text[i] |= 'a' - 'A' // digits have that bit too
	}
	return string(text[:])
}

// Acquire takes a slot of the server and of the workflow for one execution of p, and keeps p's
// modules open for it. It waits at most Limits.QueueWait. The error wraps ErrWorkflowBusy or
// ErrServerBusy, and then names the limit, or is ErrGone or ctx's. release is called once, when the
// execution has ended.
func (e *Engine) Acquire(ctx context.Context, p *Program) (release func(), err error) {
	return e.acquire(ctx, p, e.config.Limits.QueueWait, false, nil)
}

// acquire is Acquire with its own patience, see permits.acquire.
func (e *Engine) acquire(
	ctx context.Context, p *Program, wait time.Duration, patient bool, entered func(),
) (release func(), err error) {
	if !p.owner.Acquire() {
		return nil, ErrGone
	}
	limit := 0
	if p.Plan.Webhook != nil {
		limit = p.Plan.Webhook.MaxConcurrent
	}
	if err := e.permits.Acquire(ctx, p.Plan.ID, limit, wait, patient, entered); err != nil {
		p.owner.Release()
		return nil, err
	}
	return func() {
		e.permits.Release(p.Plan.ID)
		p.owner.Release()
	}, nil
}

// InUse tells how many slots are taken.
func (e *Engine) InUse() int { return e.permits.InUse() }

// Run runs p to its end and returns how it ended; the caller has a slot for it. A plan without
// branches runs on this goroutine. When ctx ends, the execution does: its status is TimedOut when
// ctx's cause is context.DeadlineExceeded, else Cancelled.
//
// lease, unless nil, gets a checkpoint of each node that completes before its dependents start, and
// the steps of its entry are taken over instead of running their nodes again. Run does not finish
// or release it.
//
// Nothing is recorded: see RunRecorded and Executor.
func (e *Engine) Run(ctx context.Context, p *Program, id string, ev *flow.Event, lease journal.Lease) *Result {
	return e.newRun(ctx, p, id, ev, lease).run()
}

// RunRecorded is Run without a lease, with the record of the execution, as an Executor puts it into
// its journal.
func (e *Engine) RunRecorded(ctx context.Context, p *Program, id string, ev *flow.Event) (*Result, *journal.Record) {
	x := e.newRun(ctx, p, id, ev, nil)
	r := x.run()
	return r, x.record(newEffort(context.Background()), r)
}
