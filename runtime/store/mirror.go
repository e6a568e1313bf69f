package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// cacheGrace is how long a store that was just opened may take before the cache is served in
	// its place. It keeps a normal start from serving what was deleted meanwhile.
	cacheGrace = 500 * time.Millisecond
	// The pause between two writes of the cache, in which changes are gathered: pauseFactor times
	// as long as the last write took, within bounds. A change after a pause is written at once, so
	// that hardly anything is lost when the process is killed.
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
	pauseFactor   = 10
	// writeWait bounds how long a write waits until it comes back from the store.
	writeWait = 30 * time.Second
)

// MirrorOptions of a Mirror.
type MirrorOptions struct {
	Engine Engine      // owned by the mirror from now on
	Cache  string      // file of the last-known-good cache; "" = none
	Seed   string      // directory of documents imported when the store is empty, see ReadSeed; "" = none
	Logger *zap.Logger // must not belong to one config; nil = no log
}

// Mirror keeps a copy of an engine's content in memory and in the last-known-good cache, and shares
// it among subscribers. It outlives configs: the usage pool holds it. It is safe for concurrent
// use.
type Mirror struct {
	engine   Engine
	seed     string
	log      *zap.Logger
	cache    *cacheFile // nil = none
	keyLocks keyLocks   // of Update

	opening sync.Mutex // held by Open and Close
	opened  bool
	closed  bool
	running context.Context // ends with Close
	stop    context.CancelFunc
	work    sync.WaitGroup

	// delivering is held while a batch is brought to the subscribers and while a subscriber comes or
	// goes. It is taken before mu, and never held with it.
	delivering  sync.Mutex
	subscribers []*subscriber
	cached      *cacheContent // what the cache file held, until there is something better

	cacheStale chan struct{} // has a token when the cache is behind

	mu              sync.Mutex // guards what follows; held for moments only
	content         content
	lastValid       map[string]Entry // what Keep was told
	live            bool             // c came from the store: it may go into the cache
	appliedRevision int64            // the revision that all subscribers have
	applied         chan struct{}    // closed and replaced when seen is set
	state           State            // as the engine reported
	err             string           // of state
	since           time.Time        // of what status makes of state
}

// NewMirror makes a mirror. It does no input or output.
func NewMirror(o MirrorOptions) *Mirror {
	m := &Mirror{
		engine:     o.Engine,
		keyLocks:   newKeyLocks(),
		seed:       o.Seed,
		log:        o.Logger,
		lastValid:  make(map[string]Entry),
		applied:    make(chan struct{}),
		state:      Loading,
		since:      time.Now(),
		cacheStale: make(chan struct{}, 1),
	}
	if m.log == nil {
		m.log = zap.NewNop()
	}
	if o.Cache != "" {
		m.cache = &cacheFile{path: o.Cache, identity: o.Engine.Identity()}
	}
	m.running, m.stop = context.WithCancel(context.Background())
	return m
}

// Open loads the cache, opens the engine and follows it in the background. It is idempotent. It
// returns an error only for what the operator must mend: a directory that cannot be written or is
// in use, a seed that is not there. A cache that cannot be read is only logged, and a remote store
// that is away is no error. After an error Open may be called again. ctx bounds the opening only.
func (m *Mirror) Open(ctx context.Context) error {
	m.opening.Lock()
	defer m.opening.Unlock()
	if m.closed {
		return ErrClosed
	}
	if m.opened {
		return nil
	}
	if m.seed != "" {
		if err := CheckSeed(m.seed); err != nil {
			return err
		}
	}
	if m.cache != nil {
		if err := m.cache.prepare(); err != nil {
			return fmt.Errorf("preparing the cache: %w", err)
		}
		m.loadCache()
	}
	if err := m.engine.Open(ctx); err != nil {
		return err
	}
	m.opened = true
	m.work.Go(m.follow)
	m.work.Go(m.serveCacheLater)
	if m.cache != nil {
		m.work.Go(m.saveCacheLoop)
	}
	return nil
}

// follow follows the engine until the mirror is closed.
func (m *Mirror) follow() {
	if m.seed != "" {
		m.importSeed()
	}
	if err := m.engine.Follow(m.running, m.apply, m.report); m.running.Err() == nil {
		m.report(Failed, err) // the engine breaks its promise to go on
	}
}

// report takes the engine's word on how it is.
func (m *Mirror) report(s State, err error) {
	if s != Live {
		m.serveCache()
	}
	m.mu.Lock()
	before := m.status()
	m.state, m.err = s, ""
	if err != nil {
		m.err = err.Error()
	}
	m.updateSince(before.State)
	after := m.status()
	m.mu.Unlock()
	switch {
	case after.State == before.State && after.Err == before.Err:
	case s == Live:
		m.log.Info("following the store", zap.Int64("revision", after.Revision))
	default:
		m.log.Warn("the store cannot be followed", zap.String("state", string(after.State)), zap.Error(err))
	}
}

// Status tells the store's state.
func (m *Mirror) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status()
}

// status tells the state with mu held. An engine does not know whether there is something to serve.
func (m *Mirror) status() Status {
	s := Status{Engine: m.engine.Name(), State: m.state, Revision: m.content.revision, Since: m.since, Err: m.err}
	switch has := m.content.entries != nil; {
	case m.state == Loading && has:
		s.State = Cached
	case m.state == Cached && !has:
		s.State = Loading
	}
	return s
}

// updateSince remembers when the state became another one, with mu held.
func (m *Mirror) updateSince(before State) {
	if m.status().State != before {
		m.since = time.Now()
	}
}

// Close ends following, flushes the cache and closes the engine. It is idempotent. Subscribers keep
// what they have.
func (m *Mirror) Close() error {
	m.opening.Lock()
	defer m.opening.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	m.stop()
	m.work.Wait()
	if m.cache != nil {
		m.flushCache()
	}
	return m.engine.Close()
}
