package sandbox

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// cachedHost returns a host whose cache of machine code is in dir.
func cachedHost(t *testing.T, dir string) *Host {
	t.Helper()
	h, err := New(Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// loadOnce loads a module and closes it.
func loadOnce(t *testing.T, h *Host, wasm []byte) {
	t.Helper()
	m, err := h.Load(t.Context(), ModuleConfig{Source: "test.wasm", Wasm: wasm, Grants: guestGrants})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// largeModule returns a module that is compiled in the lane of large ones.
func largeModule(t *testing.T) []byte {
	t.Helper()
	loadGuest(t)
	wasm := goGuest.wasm
	if len(wasm) <= maxSmall {
		t.Fatalf("%d bytes are a small module", len(wasm))
	}
	return wasm
}

func TestOnlyWhatIsNotInTheCacheIsCompiled(t *testing.T) {
	dir := t.TempDir()
	small, large := says(abi.Output, "1").bytes(), largeModule(t)
	for process, want := range []int64{2, 0} {
		h := cachedHost(t, dir)
		for _, wasm := range [][]byte{small, large, small} {
			loadOnce(t, h, wasm)
		}
		if got := h.Compiled(); got != want {
			t.Errorf("process %d compiled %d modules, want %d", process, got, want)
		}
	}
}

// While large modules take all that there is for compiling, small ones are compiled, and large ones
// come from the cache.
func TestLargeCompilationsDelayNobodyElse(t *testing.T) {
	dir := t.TempDir()
	large := largeModule(t)
	loadOnce(t, cachedHost(t, dir), large)

	h := cachedHost(t, dir)
	cores := int64(goruntime.GOMAXPROCS(0))
	l := &h.compiler.large
	if !l.memory.TryAcquire(maxCompileMemory) || !l.workers.TryAcquire(cores) {
		t.Fatal("the lane is not free")
	}
	loadOnce(t, h, says(abi.Output, "1").bytes())
	loadOnce(t, h, large)
	if got := h.Compiled(); got != 1 {
		t.Errorf("%d modules were compiled, want the small one", got)
	}
	l.memory.Release(maxCompileMemory)
	l.workers.Release(cores)
}

// A compilation takes all cores before the first call, and half of them later.
func TestCompilationLeavesCoresToCalls(t *testing.T) {
	defer goruntime.GOMAXPROCS(goruntime.GOMAXPROCS(8))
	for _, c := range []struct {
		name    string
		wasm    int // bytes
		serving bool
		workers int
		atOnce  int
	}{
		{"small", maxSmall, false, 1, 8},
		{"small beside calls", maxSmall, true, 1, 4},
		{"large", maxSmall + 1, false, maxWorkers, 2},
		{"large beside calls", maxSmall + 1, true, 4, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			compiler := newCompiler()
			enough, cancel := context.WithCancelCause(t.Context())
			for i := range c.atOnce {
				job := &compilation{
					Context: enough, lane: compiler.laneOf(make([]byte, c.wasm)), memory: 1,
					serving: func() bool { return c.serving },
				}
				if got := job.Value(workersKey); got != c.workers || len(job.release) != 2 {
					t.Errorf("compilation %d: %v workers, %d acquired", i, got, len(job.release))
				}
			}
			cancel(errors.New("enough")) // the next one would wait
			job := &compilation{
				Context: enough, lane: compiler.laneOf(make([]byte, c.wasm)), memory: 1,
				serving: func() bool { return c.serving },
			}
			if got := job.Value(workersKey); got != 2 || len(job.release) != 0 {
				t.Errorf("one too many: %v workers, %d acquired", got, len(job.release))
			}
		})
	}
}

// A host that runs calls is serving, until nobody has called for a round of eviction.
func TestServing(t *testing.T) {
	h := newHost(t)
	m := load(t, h, says(abi.Output, "1").bytes(), small, hostapi.Grants{})
	if h.serving() {
		t.Error("it serves before the first call")
	}
	if _, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil {
		t.Fatal(err)
	}
	if !h.serving() {
		t.Error("it does not serve after a call")
	}
	h.evictIdle()
	if h.serving() {
		t.Error("it serves without calls")
	}
}

// Memory of the compiler is given back, once for a batch.
func TestTidy(t *testing.T) {
	h := cachedHost(t, t.TempDir())
	loadOnce(t, h, largeModule(t))
	h.mu.Lock()
	due := h.tidying.timer != nil && h.tidying.fresh
	h.mu.Unlock()
	if !due {
		t.Fatal("nothing is due")
	}
	h.tidy()
	var after goruntime.MemStats
	goruntime.ReadMemStats(&after)
	if kept := after.HeapIdle - after.HeapReleased; kept > 8<<20 {
		t.Errorf("%d unused bytes are kept", kept)
	}
	h.mu.Lock()
	due = h.tidying.timer != nil
	h.mu.Unlock()
	if due {
		t.Error("it is due again")
	}

	again := cachedHost(t, t.TempDir())
	loadOnce(t, again, says(abi.Output, "1").bytes())
	again.tidy()
	loadOnce(t, again, says(abi.Output, "1").bytes())
	if again.tidying.timer != nil {
		t.Error("a small module from the cache is tidied")
	}
}
