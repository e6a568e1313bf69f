// Package store brings the content of a key-value store to those who use it and keeps it there when
// the store goes away.
//
// An [Engine] follows a store: it hands over the whole content, then each change. A [Mirror] stands
// between an engine and its users: it keeps a copy in memory, shares it among subscribers, writes
// it to a last-known-good cache on disk and serves from there while the store cannot be reached,
// also after a restart.
//
// The package knows keys and bytes. What they mean is the catalog's business. It has no engine of
// its own: those are packages below this one (and guest modules of Caddy in the namespace
// flowtrux.stores, see [Module]); each passes the suite in package storetest.
package store

import (
	"context"
	"time"
)

// Limits that hold for every store.
const (
	// MaxOps is how many keys one Write may put and delete together.
	MaxOps = 128
	// MaxContent is how many bytes of keys and values a store may hold for one mirror, below the
	// prefix that it follows. A mirror stays with what it has when there is more, and so does what
	// it remembers beside it.
	MaxContent = 256 << 20
)

// Entry is one key with its value. Key is relative to the store's prefix: "workflows/order-intake".
type Entry struct {
	Key      string
	Value    []byte // never changed after it was handed out
	Revision int64  // the store's revision that wrote it; ignored by Write
}

// size is what counts against MaxContent.
func (e Entry) size() int64 { return int64(len(e.Key) + len(e.Value)) }

// Batch is a step of a store's content. Nobody changes it. No key is in it twice.
//
// Batches come in revision order; only a Reset may go back, when the store itself did.
type Batch struct {
	Reset     bool  // Put is the whole content; what is not in it is gone
	Revision  int64 // the content is that of the store at this revision
	Put       []Entry
	Delete    []string
	Stale     bool    // from the last-known-good cache, not from the store itself
	LastValid []Entry // with Reset: what Mirror.Keep was told, also before a restart

	// Before is, with the first Reset from the store after a start, what the last-known-good cache
	// held under keys of Put whose values are others now: nobody has seen them change.
	Before []Entry
}

// State of a store.
type State string

// The states of a store.
const (
	Loading State = "loading" // nothing to serve yet
	Live    State = "live"    // following the store
	Cached  State = "cached"  // serving what it has, the store is away
	// cannot work until the operator acts (bad password, ...): Err says why
	Failed State = "failed"
)

// Status of a store.
type Status struct {
	Engine   string // its name
	State    State
	Revision int64     // of the content that is served; 0 = none
	Since    time.Time // of State
	Err      string    // the last trouble while State is not Live, without secrets; "" = none
}

// Engine is a key-value store with revisions that can be followed. Its methods are safe for
// concurrent use, but Open, Follow and Close come in that order and one at a time.
//
// A revision is a number that grows with each write to the store and that all users of the store
// agree on.
type Engine interface {
	// Name is the kind of engine, such as "etcd".
	Name() string

	// Identity tells what content is followed apart from any other, by where the store is and the
	// prefix there. It is the same after a restart and holds no secrets. A cache is used only for
	// the identity that it was written for.
	Identity() string

	// Open takes what the engine needs (directories, connections). It does not wait for a remote
	// store to answer. When it has failed it may be called again.
	Open(ctx context.Context) error

	// Follow hands apply the whole content as a Reset and then each change, until ctx ends, and
	// returns ctx's error. What one write changed is in one batch. After an interruption it goes on
	// with what was missed, or with a Reset when that is not known; only keys that the store says
	// are gone are left out or deleted.
	//
	// It tries again by itself, with pauses, and tells report of each attempt that ended (Cached or
	// Failed, with the cause) and when it follows again (Live, nil). When apply returns an error
	// Follow reports Failed, and begins anew with a Reset after a long pause. apply and report are
	// called by one goroutine. Follow can be called again after it has returned; after Close it
	// returns ErrClosed.
	Follow(ctx context.Context, apply func(Batch) error, report func(State, error)) error

	// Write puts and deletes in one transaction. It returns the revision of the batch that Follow
	// will hand over for it, or 0 when nothing has changed since there was only to delete what is
	// not there. After an error it is not known whether the write happened, unless the error is one
	// of this package.
	Write(ctx context.Context, put []Entry, del []string) (int64, error)

	// Swap puts e when what the store holds under its key is still of e.Revision, 0 for a key that
	// is not there, and returns the revision as Write does. Else nothing is written: the revision
	// is 0 and now is what the key holds, without a revision when it holds nothing. Errors are as
	// those of Write.
	Swap(ctx context.Context, e Entry) (revision int64, now Entry, err error)

	// Close releases everything. Follow must have returned. It is idempotent.
	Close() error
}
