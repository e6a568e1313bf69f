// Package journal says what it is to keep accepted executions until they end: an [Entry] is accepted, claimed under a
// [Lease], checkpointed step by step and finished.
//
// It has no engine of its own and runs nothing. Engines are packages below this one (and guest modules of Caddy in the
// namespace flowtrux.journals); each passes the suite in package journaltest. The engine package's Executor is what works
// on a journal.
//
// The interfaces fit an engine inside this process as well as one that many machines share over a network: each call that
// may need input or output takes a context, a claim is a lease that can lapse, every write can be repeated after an
// answer was lost, and nothing assumes that one process does all the work.
package journal

import (
	"context"
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

// Entry is an accepted execution: all that is needed to run it. Nobody changes it or the bytes it holds once it was
// given to a Journal or taken from a Lease.
type Entry struct {
	ID         string
	Workflow   string    // its id
	Revision   int64     // the store's revision of Document; 0 when it came from a file
	Document   []byte    // the workflow's document of that revision, without secrets
	AcceptedAt time.Time // when the sender was promised that it runs

	// The trigger's event, as flow.Event.
	Data, Query, Headers []byte
	Method, ClientIP     string
	ReceivedAt           time.Time

	// Steps are the nodes that have completed, in the order of their checkpoints. A new entry has none, an adopted one
	// may have some.
	Steps []Step
}

// Step is a completed node.
type Step struct {
	Node   string // its id
	Output []byte // raw JSON
	Handle string // the handle it chose, "" = success
}

// Outcome is how an execution ended.
type Outcome struct {
	Status  string // succeeded, failed, cancelled, timed_out
	Node    string // the id of the failing node, "" = none
	Code    string // why it failed: one of the engine's codes or the node's own
	Message string // for humans: masked and short
}

// Journal keeps accepted executions until they end. Implementations are safe for concurrent use.
//
// The error of a call says that nothing was promised. When it is neither one of this package nor the context's, it is not
// known whether the call had an effect; it may be repeated.
type Journal interface {
	// Open takes what the journal needs: files, connections. It is idempotent. Until it has succeeded the journal is
	// closed, to every call but Durability, Open and Close.
	Open(ctx context.Context) error

	// Accept promises to keep e as Durability says; nil means that it is kept and will be given to a Claim.
	// ErrFull, ErrClosed and ErrExists promise nothing new.
	Accept(ctx context.Context, e *Entry) error

	// Adopt is Accept for an execution that already runs here: it comes leased to the caller, with the steps it has.
	Adopt(ctx context.Context, e *Entry) (Lease, error)

	// Claim waits for an entry that nobody works on and leases it: entries that were released first, then the oldest.
	// It returns the context's error when that ends first and ErrClosed after Close.
	Claim(ctx context.Context) (Lease, error)

	// Stats tells the depth.
	Stats(ctx context.Context) (Stats, error)

	// Durability is a constant of the engine and its configuration.
	Durability() Durability

	// Close refuses new entries and ends waiting claims. Leases stay usable until they end; what is still pending then
	// is kept as Durability says. It is idempotent.
	Close() error
}

// Lease is the right and the duty to run one entry. It ends with Finish, with Release or when it lapses; after that
// its methods return ErrLeaseLost and somebody else may work on the entry. Finish and Release can be repeated: the same
// call on a lease that it ended before returns nil. A Lease is safe for concurrent use.
type Lease interface {
	// Entry is what was leased, with the steps it had at that time.
	Entry() *Entry

	// TTL is how long the lease holds without Extend or Checkpoint; 0 means that it does not lapse while this
	// process lives.
	TTL() time.Duration

	// Extend makes the lease hold for another TTL.
	Extend(ctx context.Context) error

	// Checkpoint keeps a completed node; it is called before the node's dependents start. A node that has a step
	// already gets the new one.
	Checkpoint(ctx context.Context, s Step) error

	// Finish ends the entry.
	Finish(ctx context.Context, o Outcome) error

	// Release gives the entry back, with its steps, to be claimed again: not before the time after has passed, and then
	// ahead of entries that were never claimed. When after is 0 or less it can be claimed at once.
	Release(ctx context.Context, after time.Duration) error
}

// Stats of a journal.
type Stats struct {
	Pending int       // kept, and nobody works on them
	Running int       // leased
	Oldest  time.Time // AcceptedAt of the oldest pending one; zero = none
}

// Module is what a guest module of flowtrux.journals gives: a Journal by its configuration. Its methods are called after
// the module was provisioned, and they touch nothing: configurations are made that never run.
type Module interface {
	// JournalKey holds all that shapes the journal, secrets only as a hash: configurations with the same key share one
	// open journal, which outlives each of them.
	JournalKey() string

	// NewJournal makes the journal, to be opened when the first configuration that uses it starts. It must not hold on
	// to the module or to anything else of the configuration, such as its logger.
	NewJournal() (Journal, error)
}
