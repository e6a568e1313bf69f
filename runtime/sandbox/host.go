package sandbox

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Options configure a Host.
type Options struct {
	// CacheDir stores compiled code across processes; "" = compiled code lives as long as the Host.
	// It is created with mode 0700: whoever can write to it can run machine code in this process.
	CacheDir string
	// CacheFailed is called when CacheDir cannot be read or written, once for each module that is
	// compiled because of it, or will be in the next process. Modules run all the same. It may be
	// called by several goroutines, and must not call the Host. nil = nobody wants to know.
	CacheFailed func(error)
	// Seed is a secret of the installation. The random bytes that a module gets at its start are
	// derived from it and the module's bytes. A Go program, for example, seeds its maps with them
	// for as long as it runs.
	Seed [32]byte
	// Reset is how instances are restored after a call. Load fails if this system does not support
	// it.
	Reset Reset
	// Budget bounds the memory that the host's modules use, together with those of all hosts that
	// share it; nil = a new one of DefaultBudget bytes.
	Budget *Budget
	// Images is the maximum number of prepared snapshots per module; see Module.NewPrepared.
	// 0 = DefaultPreparedSnapshots.
	PreparedSnapshots int
}

// DefaultPreparedSnapshots is the default of Options.PreparedSnapshots. Such a snapshot of the node
// code takes 0.75 MiB with one used instance.
const DefaultPreparedSnapshots = 128

// startSeed returns the seed of the random stream of a module's start: HMAC-SHA256 of its bytes
// under Seed.
func (o Options) startSeed(wasm []byte) (seed [32]byte) {
	m := hmac.New(sha256.New, o.Seed[:])
	m.Write(wasm)
	m.Sum(seed[:0])
	return seed
}

// Host compiles and runs modules on one wazero runtime. Safe for concurrent use.
type Host struct {
	options      Options
	trialTimeout time.Duration // for _initialize, warmup and describe of a module together

	// how long loads and prepared snapshots wait for memory that others use
	memoryPatience time.Duration

	compiler compiler

	mu         sync.Mutex
	engine     *engine // nil before the first Load and after the end
	spare      *engine // without a cache on disk; nil = it was never needed
	closed     bool
	code       map[codeKey]*compiledCode
	compiling  int // modules, including those that nobody waits for any more
	tidying    tidying
	evictables map[evictable]struct{}
	// advances with each eviction round and each prepared snapshot, for LRU
	useClock   atomic.Int64
	evictTimer *time.Timer // nil until something is registered
}

var errHostClosed = errors.New("the sandbox is closed")

// New returns a Host. It does not touch the disk until the first Load.
func New(o Options) (*Host, error) {
	o.PreparedSnapshots = cmp.Or(o.PreparedSnapshots, DefaultPreparedSnapshots)
	if o.Budget == nil {
		o.Budget = NewBudget(0)
	}
	h := &Host{
		options: o, trialTimeout: trialTime, memoryPatience: memoryPatience,
		code: make(map[codeKey]*compiledCode), compiler: newCompiler(), evictables: make(map[evictable]struct{}),
	}
	o.Budget.addHost(h)
	return h, nil
}

// Open creates the runtime unless it exists. It fails if others can write to the cache directory.
// Load calls it as well.
func (h *Host) Open(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return errHostClosed
	case h.engine != nil:
		return nil
	}
	cache, err := h.options.openCache()
	if err != nil {
		return err
	}
	h.engine, err = newEngine(ctx, cache)
	return err
}

// engine is a wazero runtime with its cache.
type engine struct {
	runtime wazero.Runtime
	cache   wazero.CompilationCache
}

// newEngine makes a runtime with the host functions. It owns the cache.
func newEngine(ctx context.Context, cache wazero.CompilationCache) (*engine, error) {
	// Without WithCloseOnContextDone, which would call the host in every iteration of a loop. The
	// fuel counters that package instrument has added end a guest that never returns, and let Go's
	// scheduler run other goroutines.
	e := &engine{wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache)), cache}
	if err := hostapi.Instantiate(ctx, e.runtime); err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	return e, nil
}

func (e *engine) close(ctx context.Context) error {
	return errors.Join(e.runtime.Close(ctx), e.cache.Close(ctx))
}

// Close ends the host. All modules should be closed first. If some are open, Close returns an
// error: nothing more can be loaded, open modules can still be called, and the host ends with the
// last of them. If the compiler still works on an abandoned load, the host ends when that is done.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if n := len(h.code); n > 0 {
		return fmt.Errorf("closing the sandbox: %d modules are still open", n)
	}
	return h.endIfUnused(ctx)
}

// endIfUnused ends a closed host that has nothing left to do. The caller holds h.mu.
func (h *Host) endIfUnused(ctx context.Context) error {
	if !h.closed || len(h.code) > 0 || h.compiling > 0 {
		return nil
	}
	return h.end(ctx)
}

// end closes the runtime. The caller holds h.mu.
func (h *Host) end(ctx context.Context) error {
	h.options.Budget.removeHost(h)
	if h.engine == nil {
		return nil
	}
	e, spare := h.engine, h.spare
	h.engine, h.spare = nil, nil
	h.tidying.stop()
	err := e.close(ctx)
	if spare != nil {
		err = errors.Join(err, spare.close(ctx))
	}
	return err
}

// evictable holds memory that it may not need.
type evictable interface {
	usedLately() bool // since the last round of eviction
	evictIdle()
	reclaim(what idleness, enough func() bool)
}

// register evicts idle memory of p periodically, until unregister is called.
func (h *Host) register(p evictable) (unregister func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.evictables[p] = struct{}{}
	if len(h.evictables) == 1 {
		h.evictTimer = time.AfterFunc(evictInterval, h.evict)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if delete(h.evictables, p); len(h.evictables) == 0 {
			h.evictTimer.Stop()
		}
	}
}

// evict runs one round of eviction.
func (h *Host) evict() {
	h.evictIdle()
	h.options.Budget.collectGarbage() // without the lock, since it takes a while
}

// evictIdle evicts idle memory of everything registered. While it holds the lock, nothing is
// unregistered, so nothing is closed meanwhile.
func (h *Host) evictIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.evictables {
		p.evictIdle()
	}
	if len(h.evictables) > 0 {
		h.evictTimer.Reset(evictInterval)
	}
}

// reclaim frees memory of the given idleness until enough reports true or nothing is left.
func (h *Host) reclaim(what idleness, enough func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if what == unusedSnapshots {
		for !enough() && h.evictLeastUsed() {
		}
		return
	}
	for p := range h.evictables {
		p.reclaim(what, enough)
	}
}

// evictLeastUsed evicts the least recently used prepared snapshot without running calls. It reports
// whether there was one.
func (h *Host) evictLeastUsed() bool {
	var from *preparedCache
	var least int64
	for p := range h.evictables {
		if c, ok := p.(*preparedCache); ok {
			if used, ok := c.leastUsed(); ok && (from == nil || used < least) {
				from, least = c, used
			}
		}
	}
	return from != nil && from.evictUnused(least)
}
