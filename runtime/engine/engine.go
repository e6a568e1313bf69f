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
	"github.com/flowtrux/edge/runtime/slots"
	"github.com/flowtrux/edge/runtime/tracing"
)

// Config configures an Engine.
type Config struct {
	Limits   Limits
	HTTP     hostapi.HTTPClient // for the http capability; nil = not available
	Globals  Globals            // nil = none
	Observer Observer           // nil = none
	Tracer   *tracing.Tracer    // nil = no spans
	Logger   *zap.Logger        // nil = no log
	// the installation's secret, from which nodes' random streams derive
	Seed [32]byte
	// nil = time.Now. It must follow real time, because nodes' deadlines derive from it.
	Clock func() time.Time
	// IDClock is the time in new IDs. Default: Clock. Unlike Clock, it may differ from the clock of
	// this machine, and be set.
	IDClock func() time.Time
	// Hold keeps the configuration alive from the moment an execution asks for its slot until it
	// calls release. It has no effect while the configuration is being released: executions that
	// are left then run until the node types are released, see ErrGone. nil = no hold is needed.
	Hold func() (release func())
}

// Globals are the values that workflows share. Implementations are safe for concurrent use.
type Globals interface {
	hostapi.GlobalWriter
	// Global returns a value as canonical raw JSON. The bytes never change.
	Global(key string) (value []byte, ok bool)
}

// Observer observes executions, for metrics and logs. Implementations must be fast and safe for
// concurrent use: they are called on the goroutines that run the workflow. Embed NopObserver to
// implement only some of the methods.
type Observer interface {
	// ExecutionStarted is called when a run begins.
	ExecutionStarted(p *flow.Plan, id string)
	// NodeEnded is called for each node that ran, with the total time of its attempts and items.
	// err is why the node failed, handled or not; nil if it did not fail.
	NodeEnded(p *flow.Plan, id string, node int, typ string, d time.Duration, err *NodeError)
	// ExecutionEnded is called when a run has ended. An execution whose lease is released runs
	// again.
	ExecutionEnded(p *Program, r *Result)
}

// NopObserver is an Observer that does nothing.
type NopObserver struct{}

// ExecutionStarted implements Observer.
func (NopObserver) ExecutionStarted(*flow.Plan, string) {}

// NodeEnded implements Observer.
func (NopObserver) NodeEnded(*flow.Plan, string, int, string, time.Duration, *NodeError) {}

// ExecutionEnded implements Observer.
func (NopObserver) ExecutionEnded(*Program, *Result) {}

// Engine runs programs. It is safe for concurrent use. It has no goroutine and needs no Close.
type Engine struct {
	config  Config
	slots   *slots.Slots
	global  func(key string) ([]byte, bool)
	seeds   sync.Pool   // of *seeder
	nodeLog *zap.Logger // for nodes' log lines
}

func noGlobal(string) ([]byte, bool) { return nil, false }

func holdNothing() (release func()) { return func() {} }

// New returns an engine.
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
	if c.IDClock == nil {
		c.IDClock = c.Clock
	}
	if c.Hold == nil {
		c.Hold = holdNothing
	}
	global := noGlobal
	if c.Globals != nil {
		global = c.Globals.Global
	}
	return &Engine{
		config:  c,
		global:  global,
		slots:   slots.New(c.Limits.Executions),
		nodeLog: c.Logger.Named("node"),
	}
}

// Limits returns the limits of executions.
func (e *Engine) Limits() Limits { return e.config.Limits }

// Logger returns the engine's logger.
func (e *Engine) Logger() *zap.Logger { return e.config.Logger }

// NewID returns a new execution ID: "exec-" and a lower-case ULID (github.com/ulid/spec). IDs sort
// by time, and their random part cannot be guessed.
func (e *Engine) NewID() string {
	const prefix = "exec-"
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(e.config.IDClock())) // fails from the year 10889 on
	_, _ = rand.Read(id[6:])                           // never fails: see its documentation
	var text [len(prefix) + ulid.EncodedSize]byte
	_ = id.MarshalTextTo(text[copy(text[:], prefix):]) // the length is right
	for i := range text {
		text[i] |= 'a' - 'A' // digits have that bit too
	}
	return string(text[:])
}

// Acquire takes a slot for one execution of p, and keeps p's modules open for it. It waits at most
// Limits.QueueWait. The error wraps slots.ErrWorkflowBusy or slots.ErrServerBusy and names the
// limit, or it is ErrGone or ctx's error. The caller calls release once, when the execution has
// ended.
func (e *Engine) Acquire(ctx context.Context, p *Program) (release func(), err error) {
	return e.acquire(ctx, p, e.config.Limits.QueueWait, false, nil)
}

// AcquirePatiently is Acquire for an execution that was accepted before. It waits up to wait in the
// queue of its workflow, and without limit in the queue of the server. It calls queued as soon as
// the execution is in a queue. If the workflow kept it waiting, the error wraps
// slots.ErrWorkflowBusy, whichever limit applied.
func (e *Engine) AcquirePatiently(
	ctx context.Context, p *Program, wait time.Duration, queued func(),
) (release func(), err error) {
	return e.acquire(ctx, p, wait, true, queued)
}

func (e *Engine) acquire(
	ctx context.Context, p *Program, wait time.Duration, patient bool, queued func(),
) (release func(), err error) {
	unhold := e.config.Hold()
	if !p.owner.Acquire() {
		unhold()
		return nil, ErrGone
	}
	limit := 0
	if p.Plan.Webhook != nil {
		limit = p.Plan.Webhook.MaxConcurrent
	}
	if err := e.slots.Acquire(ctx, p.Plan.ID, limit, wait, patient, queued); err != nil {
		p.owner.Release()
		unhold()
		return nil, err
	}
	return func() {
		e.slots.Release(p.Plan.ID)
		p.owner.Release()
		unhold()
	}, nil
}

// Room returns a channel that is closed once the workflow has room for another execution. Others
// may have taken the room since.
func (e *Engine) Room(workflow string) <-chan struct{} { return e.slots.Room(workflow) }

// InUse returns the number of slots in use.
func (e *Engine) InUse() int { return e.slots.InUse() }
