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
)

// Config of an Engine.
type Config struct {
	Limits   Limits
	HTTP     hostapi.HTTPClient // of the http capability; nil = nodes cannot use it
	Globals  Globals            // nil = there are none
	Observer Observer           // nil = none
	Logger   *zap.Logger        // nil = no log
	Seed     [32]byte           // the installation's secret: nodes' random streams derive from it
	// nil = time.Now; real time has to pass by it, as nodes' deadlines follow from it
	Clock func() time.Time
	// Hold keeps the configuration, and what executions use of it, from the moment an execution
	// asks for its slot until it calls release. It has no effect while the configuration is being
	// released: what is left runs then until the node types are released, see ErrGone. nil =
	// nothing needs to be kept.
	Hold func() (release func())
}

// Globals are the values that workflows share. Implementations are safe for concurrent use.
type Globals interface {
	hostapi.GlobalWriter
	// Global returns a value as canonical raw JSON, which does not change.
	Global(key string) (value []byte, ok bool)
}

// Observer observes executions, for metrics and logs. Implementations are safe for concurrent use
// and fast: they are called on the goroutines that run the workflow. Embed NopObserver to observe
// only some things.
type Observer interface {
	// ExecutionStarted is called when a run begins.
	ExecutionStarted(p *flow.Plan, id string)
	// NodeEnded is called for each node that ran, with the time that all its attempts and items
	// took together. err is why it failed, handled or not; nil when it did not.
	NodeEnded(p *flow.Plan, id string, node int, typ string, d time.Duration, err *NodeError)
	// ExecutionEnded is called when a run has ended. An execution whose lease is released will run
	// again.
	ExecutionEnded(p *flow.Plan, r *Result)
}

// NopObserver is an Observer that does nothing.
type NopObserver struct{}

// ExecutionStarted implements Observer.
func (NopObserver) ExecutionStarted(*flow.Plan, string) {}

// NodeEnded implements Observer.
func (NopObserver) NodeEnded(*flow.Plan, string, int, string, time.Duration, *NodeError) {}

// ExecutionEnded implements Observer.
func (NopObserver) ExecutionEnded(*flow.Plan, *Result) {}

// Engine runs programs. It is safe for concurrent use. There is nothing to close: an engine holds
// what its Config gave it and no goroutine.
type Engine struct {
	config  Config
	slots   *slots.Slots
	global  func(key string) ([]byte, bool)
	seeds   sync.Pool   // of *seeder
	nodeLog *zap.Logger // what nodes write
}

func noGlobal(string) ([]byte, bool) { return nil, false }

func holdNothing() (release func()) { return func() {} }

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

// Logger returns where the engine logs to.
func (e *Engine) Logger() *zap.Logger { return e.config.Logger }

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
// modules open for it. It waits at most Limits.QueueWait. The error wraps slots.ErrWorkflowBusy or
// slots.ErrServerBusy, and then names the limit, or is ErrGone or ctx's. release is called once,
// when the execution has ended.
func (e *Engine) Acquire(ctx context.Context, p *Program) (release func(), err error) {
	return e.acquire(ctx, p, e.config.Limits.QueueWait, false, nil)
}

// AcquirePatiently is Acquire for an execution that was accepted before: it waits for the time
// given in the queue of its workflow, and without limit for the server. It calls queued as soon as
// the execution is in the queue. When the workflow keeps it waiting the error wraps
// slots.ErrWorkflowBusy, whichever limit that is.
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

// Room returns a channel that is closed when the workflow has, or had since, room for another
// execution.
func (e *Engine) Room(workflow string) <-chan struct{} { return e.slots.Room(workflow) }

// InUse returns how many slots are taken.
func (e *Engine) InUse() int { return e.slots.InUse() }
