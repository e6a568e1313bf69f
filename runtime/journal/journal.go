package journal

import (
	"context"
	"errors"
	"time"
)

// Durability is what an accepted execution survives.
type Durability string

// The levels of durability.
const (
	Memory     Durability = "memory"     // nothing: gone with the process
	Disk       Durability = "disk"       // process and machine crashes, power loss
	Replicated Durability = "replicated" // also the loss of this machine
)

// Errors of a Journal. All of them mean that nothing was promised.
var (
	ErrFull   = errors.New("journal is full")
	ErrClosed = errors.New("journal is closed")
)

// Entry is an accepted execution: all that is needed to run it.
type Entry struct {
	ID                   string
	Workflow             string
	Revision             int64
	Document             []byte // the workflow's document of that revision (no secrets)
	AcceptedAt           time.Time
	Data, Query, Headers []byte // the trigger's event, as flow.Event
	Method, ClientIP     string
	ReceivedAt           time.Time
	// Steps are the checkpointed outputs of nodes that have completed, by node id. Empty for a new one.
	Steps []Step
}

// Step is a completed node.
type Step struct {
	Node   string
	Output []byte
	Handle string // the handle it chose, "" = success
}

// Outcome is how an execution ended.
type Outcome struct {
	Status  string // succeeded, failed, cancelled, timed_out
	Node    string // the failing node
	Code    string
	Message string
}

// Journal keeps accepted executions until they end. Implementations are safe for concurrent use and pass journaltest.
// Nothing in it assumes that one process does all the work: a claim is a lease.
type Journal interface {
	// Accept promises to keep e as Durability says; nil means it is kept. ErrFull and ErrClosed promise nothing.
	Accept(ctx context.Context, e *Entry) error
	// Adopt is Accept for an execution that already runs here: it comes leased to the caller.
	Adopt(ctx context.Context, e *Entry) (Lease, error)
	// Claim waits for an entry that nobody works on and leases it. ErrClosed after Close.
	Claim(ctx context.Context) (Lease, error)
	// Stats tells the depth.
	Stats() Stats
	Durability() Durability
	// Close refuses new entries and ends waiting claims. Leases stay usable until they end.
	Close() error
}

// Lease is the right and duty to run one entry.
type Lease interface {
	Entry() *Entry
	// Extend keeps the lease; an engine says by its own rules when it lapses.
	Extend(ctx context.Context) error
	// Checkpoint keeps a completed node's output before its dependents start.
	Checkpoint(ctx context.Context, s Step) error
	// Finish ends the entry.
	Finish(ctx context.Context, o Outcome) error
	// Release gives the entry back to be claimed again.
	Release(ctx context.Context) error
}

// Stats of a journal.
type Stats struct {
	Pending int       // accepted and not claimed
	Running int       // leased
	Oldest  time.Time // AcceptedAt of the oldest pending; zero = none
}
