package store

import (
	"context"
	"time"
)

// Entry is one key with its value. Key is relative to the store's prefix: "workflows/order-intake".
type Entry struct {
	Key      string
	Value    []byte // never changed after it was handed out
	Revision int64  // the store's revision that wrote it
}

// Batch is a step of a store's content. Batches come in revision order.
type Batch struct {
	Reset    bool  // Put is the whole content; what is not in it is gone
	Revision int64 // the content is that of the store at this revision
	Put      []Entry
	Delete   []string
	Stale    bool    // from the last-known-good cache, not from the store itself
	Kept     []Entry // with Reset: last valid documents of workflows that were invalid when the cache was written
}

// State of an engine's connection.
type State string

// The states of a store.
const (
	Loading State = "loading" // nothing to serve yet
	Live    State = "live"    // following the store
	Cached  State = "cached"  // serving what it has, the store is away
	Failed  State = "failed"  // cannot work until the operator acts (bad password, ...): Err says why
)

// Status of a store.
type Status struct {
	Engine   string // "etcd", "embedded"
	State    State
	Revision int64
	Since    time.Time // of State
	Err      string    // last trouble, no secrets; "" when there is none
}

// Engine is a key-value store with revisions that can be followed. storetest has the suite that each engine passes.
// Third parties add engines as guest modules of flowtrux.stores.
type Engine interface {
	// Open takes what the engine needs (connections, files). It does not wait for a remote store to answer. Called once.
	Open(ctx context.Context) error
	// Follow hands apply the whole content (Reset) and then each change, until ctx ends, and returns ctx's error.
	// It reconnects and re-lists by itself; report hears of each change of state. after > 0 resumes: when the engine can,
	// the first batch is not a Reset but what came after that revision. apply and report are called from one goroutine.
	Follow(ctx context.Context, apply func(Batch), report func(Status)) error
	// Write puts and deletes in one transaction and returns its revision.
	Write(ctx context.Context, put []Entry, del []string) (int64, error)
	// Close releases everything. Follow must have returned.
	Close() error
}

// Mirror keeps a copy of an engine's content in memory and in the last-known-good cache, and shares it among subscribers.
// It outlives configs: the usage pool holds it.
type Mirror struct{ _ struct{} }

// MirrorOptions of a Mirror.
type MirrorOptions struct {
	Engine Engine
	Cache  string // file; "" = off
	Seed   string // directory of documents imported when the store is empty; "" = none
	Logger Logger
}

// Logger is what a pooled object may log to: it must not belong to one config.
type Logger interface {
	Warn(msg string, kv ...any)
	Info(msg string, kv ...any)
}
