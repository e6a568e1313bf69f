// Package journal defines durable storage of executions. An accepted execution is an [Entry]. It is
// claimed under a [Lease], checkpointed step by step and finished. Every ended execution can leave
// a [Record].
//
// The package has no engine of its own and runs nothing. Engines are packages below this one, and
// guest modules of Caddy in the namespace flowtrux.journals. Each passes the suite in package
// journaltest. The Executor of package engine works on a journal.
//
// The interfaces fit an engine inside this process as well as one that many machines share over a
// network. Each call that may need input or output takes a context. A claim is a lease that can
// lapse. Every write can be repeated after its reply was lost. Nothing assumes that one process
// does all the work.
//
// # Compatibility
//
// The package is a stable API: it follows semantic versioning. Methods that an engine need not have
// are added as interfaces of their own. Structs may get fields, errors may get more detail, and the
// texts of errors may change; use errors.Is.
package journal

import (
	"context"
	"time"
)

// Durability is what an accepted execution survives.
type Durability string

// The levels of durability.
const (
	Memory     Durability = "memory"     // nothing: lost with the process
	Disk       Durability = "disk"       // crashes of process and machine, power loss
	Replicated Durability = "replicated" // also the loss of this machine
)

// Journal stores accepted executions until they end, idempotency keys until they expire, and
// records of ended executions for its retention. Implementations are safe for concurrent use.
//
// Entries, their bytes, keys and stored responses are limited, and one workflow has at most its
// Share of each limit. Records, the oldest first, and then stored responses are evicted to make
// room for entries and keys. Among stored responses, those of a workflow that is at its share are
// evicted first, otherwise the oldest of all workflows.
//
// Several processes can have one journal open at a time, if its engine permits it. Then each of
// them can claim, cancel and read what any of them has accepted. What a process held is free when
// the others know that it has died, at the latest when the engine's lease of a process has lapsed.
// Limits and statistics are of all processes together; they are exact while one process has the
// journal open, otherwise as known some seconds ago. Workflows take turns in each process.
//
// A call that returns an error has promised nothing. If the error is ErrUnavailable, the context's,
// or none of this package, the call may still have had an effect. It may be repeated.
type Journal interface {
	// Open acquires what the journal needs, such as files and connections. It is idempotent. Until
	// it has succeeded, the journal is closed to every call except Durability, Open and Close. It
	// fails with ErrInUse or ErrForeign, among others.
	Open(ctx context.Context) error

	// Accept stores e as durably as Durability says. nil means that it is stored and will be given
	// to a Claim. ErrFull, ErrClosed, ErrVolatile, ErrExists, ErrBadID, ErrKeyReused and
	// DuplicateError promise nothing new.
	Accept(ctx context.Context, e *Entry) error

	// Adopt is Accept for an execution that already runs here: it is leased to the caller, with the
	// steps it has. If its key was reserved for it, it keeps the key.
	Adopt(ctx context.Context, e *Entry) (Lease, error)

	// Claim waits for an entry that nobody works on and leases it. Workflows take turns. Of each
	// workflow, the entry that was accepted first is the next, even if it was claimed before and
	// released. Entries of the workflows in except are left; Claim does not retain the slice. It
	// returns the context's error if that ends first, and ErrClosed after Close.
	Claim(ctx context.Context, except ...string) (Lease, error)

	Keys
	Records

	// Stats returns statistics of the journal.
	Stats(ctx context.Context) (Stats, error)

	// Durability is a constant of the engine and its configuration.
	Durability() Durability

	// Close ends waiting claims and releases everything. From then on calls and leases return
	// ErrClosed. Entries that have not ended stay stored as durably as Durability says. The caller
	// ends its leases before. Close is idempotent.
	Close() error
}

// Keys are the idempotency keys of executions that a sender waits for. Keys of accepted executions
// come with their Entry.
type Keys interface {
	// Reserve reserves a key before the first node runs, as durably as Durability says. The caller
	// has it until Settle, Free, Adopt or the end of the process, which frees it when it is known.
	// ErrKeyReused and DuplicateError reserve nothing. Reserving the caller's own key again
	// succeeds.
	Reserve(ctx context.Context, r Reservation) error

	// Settle stores the response that duplicates get until r.Key.Until. It does nothing if the key
	// does not belong to r any more.
	Settle(ctx context.Context, r Reservation, response []byte) error

	// Free frees a key, so that the next request with it starts a new execution. It does nothing if
	// the key does not belong to r.
	Free(ctx context.Context, r Reservation) error
}

// Records are the records of executions, and the entries that they are rerun from.
type Records interface {
	// Put stores executions that were not accepted here: all of them or none. It replaces records
	// of the same ID.
	Put(ctx context.Context, ended ...Ended) error

	// Get returns a record; ErrUnknown if there is none. The record of an entry that has not ended
	// has no trigger and no nodes.
	Get(ctx context.Context, id string) (*Record, error)

	// List returns a page; ErrBadCursor if it does not know the cursor. Executions that are added
	// while pages are read do not disturb the following pages.
	List(ctx context.Context, q Query) (Page, error)

	// Source returns the entry of an ended execution, as it was accepted but without its Source, to
	// be rerun and not to be shown. ErrUnknown if there is none, ErrNotEnded if it has not ended.
	Source(ctx context.Context, id string) (*Entry, error)

	// Cancel ends a pending entry. The holder of a leased one gets ErrCancelled. ErrUnknown if
	// there is none, ErrEnded if it has ended.
	Cancel(ctx context.Context, id string) error
}

// Lease is the right and the duty to run one entry. It ends with Finish, with Release, or when it
// lapses. After that its methods return ErrLeaseLost, and others may work on the entry. Finish and
// Release can be repeated: the call that ended the lease returns nil again. A Lease is safe for
// concurrent use.
type Lease interface {
	// Entry returns the entry, with the steps it had when it was leased.
	Entry() *Entry

	// TTL is how long the lease holds without Extend or Checkpoint; 0 means that it does not lapse
	// while this process lives.
	TTL() time.Duration

	// Begin is called before the first node runs. From then on later claims see in Entry.Began when
	// that was first, and a death of the process counts in Entry.Deaths. If the process ends or
	// the lease lapses before the first checkpoint of the first run, neither may be stored.
	// ErrCancelled means that the entry was cancelled.
	Begin(ctx context.Context) error

	// Extend makes the lease hold for another TTL. ErrCancelled means that it holds and the entry
	// was cancelled.
	Extend(ctx context.Context) error

	// Checkpoint stores a completed node; it is called before the node's dependents start. It
	// replaces an earlier step of the node. ErrCancelled means that the step is stored and the
	// entry was cancelled; ErrFull that there is no room for the step.
	Checkpoint(ctx context.Context, s Step) error

	// Finish ends the entry and stores r, whose Outcome says how it ended. Fields that r leaves out
	// of its Summary are taken from the entry.
	Finish(ctx context.Context, r *Record) error

	// Release returns the entry, with its steps, to be claimed again in its old place: at once if
	// after is 0 or less, otherwise when after has passed.
	Release(ctx context.Context, after time.Duration) error
}

// Stats of a journal. Values that an engine does not know are zero.
type Stats struct {
	Pending int       // entries that nobody works on
	Running int       // entries that are leased
	Oldest  time.Time // AcceptedAt of the oldest pending entry; zero = none

	Bytes     int64   // bytes used
	MaxBytes  int64   // the limit of Bytes; 0 = none
	DiskFree  int64   // bytes that are free on the disk; -1 = not known
	Writes    uint64  // committed writes since the journal was opened
	WriteRate float64 // committed writes per second, over the last seconds
	Fault     string  // why it cannot write at the moment; "" = it can
}

// Module is implemented by guest modules of flowtrux.journals: it makes a Journal from its
// configuration. Its methods are called after the module was provisioned, and do no input or
// output: some configurations never run.
type Module interface {
	// JournalKey identifies the journal, with secrets only as a hash. Configurations with the same
	// key share one open journal, which outlives each of them.
	JournalKey() string

	// NewJournal creates the journal, which is opened when the first configuration that uses it
	// starts. The journal must not retain the module or anything else of the configuration, such as
	// its logger.
	NewJournal() (Journal, error)

	// Configure applies settings that may differ between configurations with the same key. It is
	// called when a configuration starts.
	Configure(j Journal)

	// RecordRate is how many executions per second are recorded of those that succeeded while a
	// sender waited for them.
	RecordRate() int
}

// SharedModule is a Module whose journals several machines share.
type SharedModule interface {
	Module

	// SetMachine gives the name of this machine and the version of the product. It is called before
	// JournalKey.
	SetMachine(name, version string)

	// JournalName names the journal for people, without secrets or hashes of them.
	JournalName() string
}

// Share returns the most that one workflow may have of a limit: three quarters, rounded up.
func Share[N int | int64](limit N) N { return limit - limit/4 }
