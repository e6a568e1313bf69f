package sandbox

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sync/semaphore"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// Options of a Host.
type Options struct {
	// CacheDir keeps compiled code across processes; "" = compiled code lives with the Host. It is
	// made with mode 0700: whoever can write to it can run machine code here.
	CacheDir string
	// Seed is a secret of the installation. The random bytes that a module gets at its start follow
	// from it and the module's bytes: a program in Go, for one, takes from them how its maps hash,
	// for as long as it runs.
	Seed [32]byte
	// Reset is how instances become again what they were before a call. A way that this system does
	// not have is an error of Load.
	Reset Reset
	// Budget bounds what the host's modules take of memory, with those of all hosts that have the
	// same; nil = one of DefaultBudget bytes.
	Budget *Budget
	// Images is how many images a module has at most of nodes that it was prepared for, see
	// Module.Prepare. 0 = 128.
	Images int
}

// DefaultImages is the default of Options.Images: of the node code, an image with an instance that
// was used holds 0.75 MiB.
const DefaultImages = 128

// startSeed is the seed of the random stream of a module's start: HMAC-SHA256 of its bytes under
// Seed.
func (o Options) startSeed(wasm []byte) (seed [32]byte) {
	m := hmac.New(sha256.New, o.Seed[:])
	m.Write(wasm)
	m.Sum(seed[:0])
	return seed
}

// Host compiles and runs modules on one wazero runtime. Safe for concurrent use.
type Host struct {
	options Options
	trial   time.Duration // for _initialize, warmup and describe of a module together

	patience time.Duration // of loads and of images in the making, for memory that others have

	mu        sync.Mutex
	runtime   wazero.Runtime // nil until the first Load, and after the end
	cache     wazero.CompilationCache
	closed    bool
	compiled  map[codeKey]*compiled
	compiling int                 // modules, also those that nobody waits for any more
	room      *semaphore.Weighted // bytes of memory for compiling
	pools     map[shrinkable]struct{}
	clock     atomic.Int64 // looks of shrink and images made, to tell what was used later
	shrinker  *time.Timer  // nil until the first pool
}

var errHostClosed = errors.New("the sandbox is closed")

// New makes a Host. It does not touch the disk until the first Load.
func New(o Options) (*Host, error) {
	o.Images = cmp.Or(o.Images, DefaultImages)
	if o.Budget == nil {
		o.Budget = NewBudget(0)
	}
	h := &Host{
		options: o, trial: trialTime, patience: roomTime,
		compiled: make(map[codeKey]*compiled), room: semaphore.NewWeighted(compileRoom), pools: make(map[shrinkable]struct{}),
	}
	o.Budget.join(h)
	return h, nil
}

// Open makes the runtime, unless there is one: it is an error when the cache directory cannot be
// used. Load does so, too.
func (h *Host) Open(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return errHostClosed
	case h.runtime != nil:
		return nil
	}
	cache, err := h.options.cache()
	if err != nil {
		return err
	}
	// Without WithCloseOnContextDone, which would leave a guest for the host in every round of a
	// loop: what ends one that never returns, and lets Go's scheduler have its turn, is the fuel
	// that package instrument has put in.
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	if err := hostapi.Instantiate(ctx, r); err != nil {
		return errors.Join(err, r.Close(ctx), cache.Close(ctx))
	}
	h.runtime, h.cache = r, cache
	return nil
}

func (o Options) cache() (wazero.CompilationCache, error) {
	if o.CacheDir == "" {
		return wazero.NewCompilationCache(), nil
	}
	if err := os.MkdirAll(o.CacheDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for compiled code: %w", err)
	}
	info, err := os.Stat(o.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory for compiled code: %w", err)
	}
	// On Windows the bits say nothing; directories of a user are closed to others there by what
	// they inherit.
	if mode := info.Mode().Perm(); mode&0o022 != 0 && goruntime.GOOS != "windows" {
		return nil, fmt.Errorf("the directory for compiled code %s has mode %#o: others could put machine code there; chmod 700 it", o.CacheDir, mode)
	}
	cache, err := wazero.NewCompilationCacheWithDir(o.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory for compiled code: %w", err)
	}
	return cache, nil
}

// Close ends the host. All modules should be closed before: while some are open it is an error,
// nothing more can be loaded, what is loaded can still be called, and the host ends with its last
// module. Where a load has been given up and the compiler is not done, the host ends with that.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if n := len(h.compiled); n > 0 {
		return fmt.Errorf("closing the sandbox: %d modules are still open", n)
	}
	return h.endIfUnused(ctx)
}

// endIfUnused ends a host that is closed and has nothing left to do. h.mu is held.
func (h *Host) endIfUnused(ctx context.Context) error {
	if !h.closed || len(h.compiled) > 0 || h.compiling > 0 {
		return nil
	}
	return h.end(ctx)
}

// end lets go of the runtime. h.mu is held.
func (h *Host) end(ctx context.Context) error {
	h.options.Budget.quit(h)
	if h.runtime == nil {
		return nil
	}
	r := h.runtime
	h.runtime = nil
	return errors.Join(r.Close(ctx), h.cache.Close(ctx))
}

// shrinkable holds memory that it may not need.
type shrinkable interface {
	shrink()
	reclaim(what idleness, enough func() bool)
}

// keep shrinks the pool now and then, until drop is called.
func (h *Host) keep(p shrinkable) (drop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pools[p] = struct{}{}
	if len(h.pools) == 1 {
		h.shrinker = time.AfterFunc(shrinkEvery, h.shrink)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if delete(h.pools, p); len(h.pools) == 0 {
			h.shrinker.Stop()
		}
	}
}

// shrink looks at what may not be needed.
func (h *Host) shrink() {
	h.shrinkPools()
	h.options.Budget.collect() // without the lock, as it takes a while
}

// shrinkPools looks at all pools. While it holds the lock no pool is dropped, so none is closed
// under its hands.
func (h *Host) shrinkPools() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.pools {
		p.shrink()
	}
	if len(h.pools) > 0 {
		h.shrinker.Reset(shrinkEvery)
	}
}

// reclaim lets go of what is as idle until it is enough, or there is nothing.
func (h *Host) reclaim(what idleness, enough func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if what == unusedImages {
		for !enough() && h.endLeastUsed() {
		}
		return
	}
	for p := range h.pools {
		p.reclaim(what, enough)
	}
}

// endLeastUsed ends the image that was used least lately, of those whose nodes are not called just
// now; false when there is none.
func (h *Host) endLeastUsed() bool {
	var from *images
	var least int64
	for p := range h.pools {
		if i, ok := p.(*images); ok {
			if used, ok := i.leastUsed(); ok && (from == nil || used < least) {
				from, least = i, used
			}
		}
	}
	return from != nil && from.endUnused(least)
}
