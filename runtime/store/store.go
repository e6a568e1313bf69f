// Package store provides the content of a key-value store to its users, and still does when the
// store cannot be reached.
//
// An [Engine] follows a store: it delivers the whole content, then each change. A [Mirror] stands
// between an engine and its users. It has a copy in memory, shares it among subscribers, and writes
// it to a last-known-good cache on disk. While the store cannot be reached it serves from there,
// also after a restart.
//
// The package knows keys and bytes; package catalog knows what they mean. It has no engine of its
// own. Engines are packages below this one, and guest modules of Caddy in the namespace
// flowtrux.stores (see [Module]). Each passes the suite in package storetest.
//
// # Compatibility
//
// The package is a stable API: it follows semantic versioning. Methods that an engine need not have
// are added as interfaces of their own. Structs may get fields, errors may get more detail, and the
// texts of errors may change; use errors.Is. The format of the cache file may change: a cache that
// cannot be read is ignored.
package store

import (
	"context"
	"time"
)

// Limits of every store.
const (
	// MaxOps is the most keys that one Write may put and delete together.
	MaxOps = 128
	// MaxContent is the most bytes of keys and values that a store may hold for one mirror, below
	// the prefix that it follows. If there are more, a mirror stays with what it has. The last
	// valid documents of a mirror have the same limit.
	MaxContent = 256 << 20
)

// Entry is one key with its value. Key is relative to the store's prefix: "workflows/order-intake".
type Entry struct {
	Key      string
	Value    []byte // must not be changed after it was passed on
	Revision int64  // the store's revision that wrote it; ignored by Write
}

// AnyRevision is the Revision of a Condition that holds for every key that is there.
const AnyRevision = -1

// Condition holds while the entry of Key is still of Revision: 0 = the key is missing.
type Condition struct {
	Key      string
	Revision int64
}

// Holds reports whether the condition holds for an entry of its key, which has no revision if the
// key is missing.
func (c Condition) Holds(e Entry) bool {
	return e.Revision == c.Revision || c.Revision == AnyRevision && e.Revision != 0
}

// size is what counts towards MaxContent.
func (e Entry) size() int64 { return int64(len(e.Key) + len(e.Value)) }

// Batch is a change of a store's content. It must not be changed. Each key is in it at most once.
//
// Batches come in the order of their revisions. Only a Reset may go back, if the store itself did.
type Batch struct {
	Reset     bool  // Put is the whole content; other keys are gone
	Revision  int64 // the store's revision after the change
	Put       []Entry
	Delete    []string
	Stale     bool    // from the last-known-good cache, not from the store itself
	LastValid []Entry // with Reset: those of Mirror.SetLastValid, also from before a restart

	// Before is set in the first Reset from the store after a start. It has the entries of the
	// last-known-good cache whose keys are in Put with other values: no subscriber has seen them
	// change.
	Before []Entry
}

// State of a store.
type State string

// The states of a store.
const (
	Loading State = "loading" // nothing to serve yet
	Live    State = "live"    // following the store
	Cached  State = "cached"  // serving its copy, the store cannot be reached
	// does not work until the operator acts (wrong password, ...): Err has the reason
	Failed State = "failed"
)

// Status of a store.
type Status struct {
	Engine   string // the engine's name
	State    State
	Revision int64     // of the content that is served; 0 = none
	Since    time.Time // of State
	Err      string    // the last error while State is not Live, without secrets; "" = none
}

// Engine is a key-value store with revisions that can be followed. Its methods are safe for
// concurrent use, except that Open, Follow and Close are called in that order and one at a time.
//
// A revision is a number that grows with each write to the store and is the same for all users of
// the store.
type Engine interface {
	// Name returns the kind of engine, such as "etcd".
	Name() string

	// Identity identifies the followed content by the location of the store and the prefix in it.
	// It is the same after a restart and holds no secrets. A cache is used only for the identity
	// that it was written for.
	Identity() string

	// Open acquires what the engine needs, such as directories and connections. It does not wait
	// for a remote store. After an error it may be called again.
	Open(ctx context.Context) error

	// Follow delivers to apply the whole content as a Reset and then each change, until ctx ends,
	// and returns the error of ctx. All changes of one write are in one batch. After an
	// interruption it continues with what was missed or, if that is not known, with a Reset. Only
	// keys that the store says are gone are left out or deleted.
	//
	// It retries by itself, with pauses. It reports each attempt that ended (Cached or Failed, with
	// the cause) and that it follows again (Live, nil). If apply returns an error, Follow reports
	// Failed, and starts again with a Reset after a long pause. One goroutine calls apply and
	// report. Follow can be called again after it has returned; after Close it returns ErrClosed.
	Follow(ctx context.Context, apply func(Batch) error, report func(State, error)) error

	// Write puts and deletes in one transaction. It returns the revision of the batch that Follow
	// will deliver for it, or 0 if nothing has changed because all keys to delete were missing.
	// After an error the write may have happened, unless the error is one of this package.
	Write(ctx context.Context, put []Entry, del []string) (int64, error)

	// WriteIf is Write if all conditions hold at the time of the write, and now is nil. Otherwise
	// it writes nothing: the revision is 0, and now is the current entry of each condition's key,
	// in the order of the conditions, without a revision if the key is missing. There are at most
	// MaxOps conditions, each with a key of its own.
	WriteIf(ctx context.Context, conditions []Condition, put []Entry, del []string) (revision int64, now []Entry, err error)

	// Close releases everything. Follow must have returned. It is idempotent.
	Close() error
}
