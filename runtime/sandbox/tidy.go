package sandbox

import (
	"runtime/debug"
	"time"
)

const (
	// tidyPause is the time from the end of the last compilation of a batch to tidying.
	tidyPause = time.Second
	// tidyFrom is the size from which modules that came from the cache are worth tidying, in bytes
	// of all modules of a batch. Reading a module leaves several times its size as garbage.
	tidyFrom = 1 << 20
)

// tidying is what to do when a batch of modules has been compiled or read from the cache.
type tidying struct {
	timer *time.Timer // nil = nothing is due
	bytes int         // of the modules of the batch
	fresh bool        // one of them was compiled
}

func (t *tidying) stop() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// tidyLater tidies up a while after the last module of a batch. The caller holds h.mu.
func (h *Host) tidyLater(fresh bool, size int) {
	t := &h.tidying
	t.bytes += size
	t.fresh = t.fresh || fresh
	if h.compiling == 0 && !h.closed && (t.fresh || t.bytes >= tidyFrom) {
		t.stop()
		t.timer = time.AfterFunc(tidyPause, h.tidy)
	}
}

// tidy gives memory of the compiler back to the system, once for a batch. The runtime would keep it
// for minutes. Then it bounds the cache on disk, which has grown.
func (h *Host) tidy() {
	h.mu.Lock()
	if h.compiling > 0 || h.closed {
		h.mu.Unlock()
		return // the end of that compilation comes back to it
	}
	fresh := h.tidying.fresh
	h.tidying = tidying{}
	h.mu.Unlock()
	debug.FreeOSMemory()
	if fresh && h.options.CacheDir != "" {
		pruneCache(h.options.CacheDir, time.Now())
	}
}
