package sandbox

import (
	"context"
	goruntime "runtime"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sync/semaphore"
)

const (
	// Small modules are compiled on one goroutine each, where a panic of the compiler is an error.
	// Compilation of one cannot be interrupted, but ends soon. Larger modules, which are the output
	// of compilers, are compiled on several goroutines of wazero. Those check between functions
	// whether to stop, but nobody can recover their panics. Malformed modules are rejected before,
	// since wazero validates a module on the calling goroutine.
	maxSmall = 1 << 20 // bytes of a module

	// maxCompileMemory is the memory that concurrent compilations of large modules may take
	// together, in bytes, as package instrument estimates it. A module that takes more is compiled
	// alone. Small modules have memory of their own, so that they never wait for large ones.
	maxCompileMemory = 512 << 20
	maxSmallMemory   = 128 << 20

	// maxWorkers is the maximum number of goroutines that compile one module: the parts of the work
	// that only one can do limit what more would bring.
	maxWorkers = 4
)

// compiler bounds what the compilations of a host take from the process. Each size of modules has
// turns of its own.
type compiler struct {
	small, large lane
	compiled     atomic.Int64 // modules, without those that came from the cache
}

// lane is what modules of one size share.
type lane struct {
	turns   *semaphore.Weighted // modules that are read, checked or compiled at the same time
	workers *semaphore.Weighted // goroutines that compile
	memory  *semaphore.Weighted // bytes
	room    int64               // of memory
}

func newCompiler() compiler {
	cores := int64(goruntime.GOMAXPROCS(0))
	newLane := func(memory int64) lane {
		return lane{semaphore.NewWeighted(max(2, cores)), semaphore.NewWeighted(cores), semaphore.NewWeighted(memory), memory}
	}
	return compiler{small: newLane(maxSmallMemory), large: newLane(maxCompileMemory)}
}

// laneOf returns the lane of a module.
func (c *compiler) laneOf(wasm []byte) *lane {
	if len(wasm) <= maxSmall {
		return &c.small
	}
	return &c.large
}

// workersKey is the key by which wazero asks a context for the number of its workers.
var workersKey = func() any {
	var asked keyOf
	experimental.GetCompilationWorkers(&asked)
	return asked.key
}()

// keyOf notes which key it is asked for.
type keyOf struct {
	context.Context
	key any
}

func (c *keyOf) Value(key any) any {
	c.key = key
	return nil
}

// compilation is the context of one compilation. wazero asks it for the number of workers when it
// begins to compile, and not at all if the code is in its cache. So only modules that are compiled
// wait for others.
type compilation struct {
	context.Context
	lane    *lane
	memory  int64       // for each worker, in bytes
	serving func() bool // calls are running
	begin   sync.Once
	workers int // 0 = it has not begun
	release []func()
}

// Value implements context.Context.
func (c *compilation) Value(key any) any {
	if key != workersKey {
		return c.Context.Value(key)
	}
	c.begin.Do(c.acquire)
	return c.workers
}

// acquire waits for workers and memory. Before the first call, nobody needs the cores more. Later,
// half of them are left to calls, and large modules are compiled one at a time.
func (c *compilation) acquire() {
	cores := goruntime.GOMAXPROCS(0)
	var cost int
	switch {
	case c.lane.room == maxSmallMemory:
		c.workers, cost = 1, 1
		if c.serving() {
			cost = min(2, cores)
		}
	case c.serving():
		c.workers, cost = min(maxWorkers, max(1, cores/2)), cores
	default:
		c.workers = min(maxWorkers, cores)
		cost = c.workers
	}
	if !c.take(c.lane.workers, int64(cost)) || !c.take(c.lane.memory, min(c.memory*int64(c.workers), c.lane.room)) {
		// Several workers look at the context before they begin, a single one does not.
		c.workers = 2
	}
}

func (c *compilation) take(from *semaphore.Weighted, n int64) bool {
	if from.Acquire(c, n) != nil {
		return false
	}
	c.release = append(c.release, func() { from.Release(n) })
	return true
}

// compileModule compiles an instrumented module. It reports whether the compiler had to work.
func (c *compiler) compileModule(
	ctx context.Context, r wazero.Runtime, l *lane, wasm []byte, memory float64, serving func() bool,
) (code wazero.CompiledModule, compiled bool, err error) {
	job := &compilation{Context: ctx, lane: l, memory: int64(memory), serving: serving}
	defer func() {
		for _, release := range job.release {
			release()
		}
	}()
	code, err = r.CompileModule(job, wasm)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if compiled = job.workers > 0; compiled && err == nil {
		c.compiled.Add(1)
	}
	return code, compiled, err
}

// Compiled returns how many modules the host has compiled, without those whose code came from the
// cache.
func (h *Host) Compiled() int64 { return h.compiler.compiled.Load() }

// serving reports whether calls were running in the last seconds.
func (h *Host) serving() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.evictables {
		if p.usedLately() {
			return true
		}
	}
	return false
}
