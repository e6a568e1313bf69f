package engine

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Nodes are the node types of one config: their modules and what workflows must know of them. It implements flow.Types.
// It is counted: the config holds one reference, each running execution one; the last release closes the modules.
type Nodes struct{ _ struct{} }

// NewNodes takes ownership of the modules (also on error).
func NewNodes(modules map[string]*sandbox.Module) (*Nodes, error) { panic("stub") }

func (n *Nodes) Type(name string) (*flow.Type, bool) { panic("stub") }
func (n *Nodes) Names() []string                     { panic("stub") }

// Acquire takes a reference; false when the last one is gone.
func (n *Nodes) Acquire() bool { panic("stub") }

// Release gives a reference back.
func (n *Nodes) Release() { panic("stub") }

// Program is a plan bound to the modules that run it. Immutable.
type Program struct {
	Plan *flow.Plan
}

// Bind binds a plan that was compiled against n. It takes no reference.
func (n *Nodes) Bind(p *flow.Plan) (*Program, error) { panic("stub") }

// Limits of CONTRACT section 3. Zero values mean the defaults of DefaultLimits.
type Limits struct {
	Executions       int           // concurrent, the whole server: 256
	QueueWait        time.Duration // for a free slot: 1s
	NodeTimeout      time.Duration // 10s
	NodeInput        int           // bytes: 4 MiB
	NodeOutput       int           // bytes: 1 MiB
	ForEachItems     int           // 10000
	ExecutionMemory  int           // bytes of live values: 32 MiB
	ExecutionTimeout time.Duration // 5m
}

// Config of an Engine.
type Config struct {
	Limits   Limits
	HTTP     hostapi.HTTPClient
	Globals  Globals
	Observer Observer
	Logger   *zap.Logger
	Seed     [32]byte         // the installation's secret, for the random streams of nodes
	Clock    func() time.Time // nil = time.Now
}

// Globals are the workspace's values.
type Globals interface {
	hostapi.GlobalWriter
	Global(key string) (value []byte, ok bool)
}

// Status of an execution.
type Status string

// The statuses.
const (
	Pending   Status = "pending"
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	TimedOut  Status = "timed_out"
)

// NodeState is how a node ended.
type NodeState uint8

// The node states.
const (
	NotRun     NodeState = iota // the execution ended before its turn
	Completed                   // has an output (also after a handled failure)
	NodeFailed                  // failed unhandled
	Skipped                     // no incoming edge was taken
	Stopped                     // an upstream node failed unhandled
)

// NodeResult is one node's part of a Result, by plan order.
type NodeResult struct {
	State    NodeState
	Output   []byte     // raw JSON when Completed
	Handle   string     // the handle taken, "" = success
	Err      *NodeError // set when the node failed, handled or not
	Attempts int
	Started  time.Time
	Duration time.Duration
}

// NodeError is why a node failed.
type NodeError struct {
	Code    string
	Message string // for records and answers: first line, <= 512 bytes, no control characters, secrets masked
	Detail  error  // for logs
}

func (e *NodeError) Error() string { return e.Message }

// Result is a finished execution.
type Result struct {
	ID       string
	Status   Status
	Nodes    []NodeResult // by plan order, like Plan.Nodes
	Failing  int          // index of the first (plan order) unhandled failed node, -1
	Started  time.Time
	Duration time.Duration
}

// Last is the last executed node: the last in plan order that completed.
func (r *Result) Last() int { panic("stub") }

// Observer hears of executions. Implementations are safe for concurrent use and fast; embed NopObserver.
type Observer interface {
	ExecutionStarted(p *flow.Plan, id string)
	NodeEnded(p *flow.Plan, id string, node int, typ string, d time.Duration, err *NodeError)
	ExecutionEnded(p *flow.Plan, r *Result)
}

// Errors of Acquire.
var (
	ErrWorkflowBusy = errors.New("too many executions of this workflow")
	ErrServerBusy   = errors.New("too many executions")
)

// Engine runs programs. Safe for concurrent use.
type Engine struct{ _ struct{} }

// New makes an engine.
func New(c Config) *Engine { panic("stub") }

// NewID makes an execution id: exec- and a lower-case ULID.
func (e *Engine) NewID() string { panic("stub") }

// Acquire waits at most Limits.QueueWait for an execution slot of the server and of the workflow. release is called once.
func (e *Engine) Acquire(ctx context.Context, p *Program) (release func(), err error) { panic("stub") }

// InUse tells how many slots are taken.
func (e *Engine) InUse() int { panic("stub") }

// Run runs a program on this goroutine until it ends. ctx's end cancels it (TimedOut when ctx's cause is context.DeadlineExceeded).
// lease, if not nil, gets the checkpoints. The caller holds a slot.
func (e *Engine) Run(ctx context.Context, p *Program, id string, ev *flow.Event, lease journal.Lease) *Result {
	panic("stub")
}
