package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// cacheGrace is how long a store that was just opened may take before the cache is served
	// instead. Without it, a normal start would briefly serve what was deleted meanwhile.
	cacheGrace = 500 * time.Millisecond
	// The pause between two writes of the cache, in which changes are collected: pauseFactor times
	// as long as the last write took, within bounds. The first change after a pause is written at
	// once, so that hardly anything is lost when the process is killed.
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second
	pauseFactor   = 10
	// writeWait is the longest that a write waits until it comes back from the store.
	writeWait = 30 * time.Second
)

// MirrorOptions configures a Mirror.
type MirrorOptions struct {
	Engine Engine // owned by the mirror from now on
	Cache  string // path of the last-known-good cache; "" = none
	// Seed is a directory of documents to import if the store is empty, see ReadSeed; "" = none.
	Seed   string
	Logger *zap.Logger // must outlive configurations; nil = no log
}

// Mirror has a copy of an engine's content in memory and in the last-known-good cache, and shares
// it among subscribers. It outlives configurations. It is safe for concurrent use.
type Mirror struct {
	engine   Engine
	seed     string
	log      *zap.Logger
	cache    *cacheFile // nil = none
	keyLocks keyLocks   // of Update

	opening    sync.Mutex // held by Open and Close
	engineOpen bool
	following  bool
	closed     bool
	running    context.Context // ends with Close
	stop       context.CancelFunc
	work       sync.WaitGroup

	// delivering is held while a batch is delivered to the subscribers and while a subscriber is
	// added or removed. It is taken before mu, and never while mu is held.
	delivering  sync.Mutex
	subscribers []*subscriber
	cached      *cacheContent // the content of the cache file, until there is something newer

	cacheStale chan struct{} // has a token when the cache is out of date

	mu              sync.Mutex // guards the following fields; held only briefly
	content         content
	lastValid       map[string]Entry // see SetLastValid
	live            bool             // content came from the store: it may go into the cache
	appliedRevision int64            // the revision that all subscribers have
	applied         chan struct{}    // closed and replaced when appliedRevision is set
	state           State            // as reported by the engine
	err             string           // of state
	since           time.Time        // when Status.State became what it is
}

// NewMirror creates a mirror. It does no input or output.
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

// OpenEngine loads the cache and opens the engine, but does not follow it yet: nothing is served.
// It is idempotent. It returns an error only if the operator has to act: a directory cannot be
// written or is in use, or the seed is missing. An unreadable cache is only logged, and a remote
// store that cannot be reached is no error. After an error it may be called again. ctx limits only
// the opening.
func (m *Mirror) OpenEngine(ctx context.Context) error {
	m.opening.Lock()
	defer m.opening.Unlock()
	return m.openEngine(ctx)
}

// openEngine is OpenEngine. The caller holds opening.
func (m *Mirror) openEngine(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	if m.engineOpen {
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
	m.engineOpen = true
	return nil
}

// Open is OpenEngine, and follows the engine in the background from then on.
func (m *Mirror) Open(ctx context.Context) error {
	m.opening.Lock()
	defer m.opening.Unlock()
	if err := m.openEngine(ctx); err != nil {
		return err
	}
	if m.following {
		return nil
	}
	m.following = true
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
		m.report(Failed, err) // the engine has broken its promise to retry
	}
}

// report takes a state that the engine reports.
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

// Status returns the state of the store.
func (m *Mirror) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status()
}

// status returns the state of the store. The caller holds mu. An engine does not know whether there
// is content to serve.
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

// updateSince updates since if the state has changed. The caller holds mu.
func (m *Mirror) updateSince(before State) {
	if m.status().State != before {
		m.since = time.Now()
	}
}

// Close stops following, writes the cache and closes the engine. It is idempotent. Subscribers keep
// their content.
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
