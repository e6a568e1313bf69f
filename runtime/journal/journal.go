// Package journal says what it is to keep executions: an accepted one is an [Entry] that is claimed
// under a [Lease], checkpointed step by step and finished; what is left of any execution is a
// [Record].
//
// It has no engine of its own and runs nothing. Engines are packages below this one (and guest
// modules of Caddy in the namespace flowtrux.journals); each passes the suite in package
// journaltest. The engine package's Executor is what works on a journal.
//
// The interfaces fit an engine inside this process as well as one that many machines share over a
// network: each call that may need input or output takes a context, a claim is a lease that can
// lapse, every write can be repeated after an answer was lost, and nothing assumes that one process
// does all the work.
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

// Journal keeps accepted executions until they end, idempotency keys until their time is over, and
// records of what has ended as long as its retention says. Implementations are safe for concurrent
// use.
//
// What it may hold of entries, their bytes, keys and kept responses has bounds, and one workflow
// has at most its Share of each. Records, the oldest first, and then kept responses make way for
// entries and keys; of kept responses those of a workflow that is at its share go first, and of all
// workflows the oldest.
//
// The error of a call says that nothing was promised. When it is ErrUnavailable, the context's, or
// none of this package, it is not known whether the call had an effect; it may be repeated.
type Journal interface {
	// Open takes what the journal needs: files, connections. It is idempotent. Until it has
	// succeeded the journal is closed, to every call but Durability, Open and Close. ErrInUse and
	// ErrForeign say why it cannot.
	Open(ctx context.Context) error

	// Accept promises to keep e as Durability says; nil means that it is kept and will be given to
	// a Claim. ErrFull, ErrClosed, ErrVolatile, ErrExists, ErrBadID, ErrKeyReused and
	// DuplicateError promise nothing new.
	Accept(ctx context.Context, e *Entry) error

	// Adopt is Accept for an execution that already runs here: it comes leased to the caller, with
	// the steps it has. A key that was reserved for it is its own.
	Adopt(ctx context.Context, e *Entry) (Lease, error)

	// Claim waits for an entry that nobody works on and leases it. Workflows take turns, and of
	// each the entry that was accepted first is the next, also when it was claimed before and
	// released. Entries of the workflows in except are left where they are; Claim does not keep the
	// slice. It returns the context's error when that ends first and ErrClosed after Close.
	Claim(ctx context.Context, except ...string) (Lease, error)

	Keys
	Records

	// Stats tells what the journal holds and does.
	Stats(ctx context.Context) (Stats, error)

	// Durability is a constant of the engine and its configuration.
	Durability() Durability

	// Close ends waiting claims and lets everything go: from then on calls and leases return
	// ErrClosed. What has not ended is kept as Durability says; who closes a journal ends its
	// leases before. It is idempotent.
	Close() error
}

// Keys are the idempotency keys of executions that a sender waits for; those of accepted ones come
// with their Entry.
type Keys interface {
	// Reserve reserves a key before the first node runs, as durably as Durability says. It is the
	// caller's until Settle, Free, Adopt or the end of the process, which frees it. ErrKeyReused
	// and DuplicateError reserve nothing, unless the key is the caller's own already.
	Reserve(ctx context.Context, r Reservation) error

	// Settle keeps what duplicates are answered until r.Key.Until. It does nothing when the key is
	// not r's any more.
	Settle(ctx context.Context, r Reservation, response []byte) error

	// Free gives a key back, so that the next request with it begins anew. It does nothing when the
	// key is not r's.
	Free(ctx context.Context, r Reservation) error
}

// Records are what is shown of executions, and what they are replayed from.
type Records interface {
	// Put keeps executions that were not accepted here: all of them or none. A record that is there
	// already is replaced.
	Put(ctx context.Context, ended ...Ended) error

	// Get returns a record; ErrUnknown when there is none. The record of an entry that has not
	// ended has no trigger and no nodes.
	Get(ctx context.Context, id string) (*Record, error)

	// List returns a page; ErrBadCursor when it does not know the cursor. What is added while pages
	// are read does not disturb those that follow.
	List(ctx context.Context, q Query) (Page, error)

	// Source returns the entry of an execution that has ended, exactly as it was accepted: to be
	// replayed, not to be shown. ErrUnknown when there is none, ErrNotEnded when it has not ended.
	Source(ctx context.Context, id string) (*Entry, error)

	// Cancel ends an entry that is pending. The holder of one that is leased learns of it by
	// ErrCancelled. ErrUnknown when there is none, ErrEnded when it has ended.
	Cancel(ctx context.Context, id string) error
}

// Lease is the right and the duty to run one entry. It ends with Finish, with Release or when it
// lapses; after that its methods return ErrLeaseLost and somebody else may work on the entry.
// Finish and Release can be repeated: the same call on a lease that it ended before returns nil. A
// Lease is safe for concurrent use.
type Lease interface {
	// Entry is what was leased, with the steps it had at that time.
	Entry() *Entry

	// TTL is how long the lease holds without Extend or Checkpoint; 0 means that it does not lapse
	// while this process lives.
	TTL() time.Duration

	// Begin is called before the first node runs: from then on the death of the process is counted
	// in Entry.Deaths. Of an entry whose first run it is, that death may go uncounted when it
	// follows within moments. ErrCancelled means that the entry was cancelled.
	Begin(ctx context.Context) error

	// Extend makes the lease hold for another TTL. ErrCancelled means that it holds, and Cancel was
	// called.
	Extend(ctx context.Context) error

	// Checkpoint keeps a completed node; it is called before the node's dependents start. A node
	// that has a step already gets the new one. ErrCancelled means that it is kept, and Cancel was
	// called; ErrFull that there is no room for it.
	Checkpoint(ctx context.Context, s Step) error

	// Finish ends the entry and keeps r, whose Outcome says how; what r leaves out of its Summary
	// is the entry's.
	Finish(ctx context.Context, r *Record) error

	// Release gives the entry back, with its steps, to be claimed again: not before the time after
	// has passed, and then in its old place. When after is 0 or less it can be claimed at once.
	Release(ctx context.Context, after time.Duration) error
}

// Stats of a journal. What an engine does not know is zero.
type Stats struct {
	Pending int       // kept, and nobody works on them
	Running int       // leased
	Oldest  time.Time // AcceptedAt of the oldest pending one; zero = none

	Bytes     int64   // what is kept takes so much
	MaxBytes  int64   // and may take so much; 0 = no bound
	DiskFree  int64   // what the disk has left; -1 = not known
	Writes    uint64  // writes that were kept since the journal was opened
	WriteRate float64 // such writes a second, over the last seconds
	Fault     string  // why it cannot write at the moment; "" = it can
}

// Module is what a guest module of flowtrux.journals gives: a Journal by its configuration. Its
// methods are called after the module was provisioned, and they touch nothing: configurations are
// made that never run.
type Module interface {
	// JournalKey holds all that makes it this journal and no other, secrets only as a hash:
	// configurations with the same key share one open journal, which outlives each of them.
	JournalKey() string

	// NewJournal makes the journal, to be opened when the first configuration that uses it starts.
	// It must not hold on to the module or to anything else of the configuration, such as its
	// logger.
	NewJournal() (Journal, error)

	// Configure sets on a journal of this key what may differ from one configuration to the next,
	// when the configuration starts.
	Configure(j Journal)

	// RecordRate is how many executions a second are recorded of those that succeeded while a
	// sender waited for them.
	RecordRate() int
}
