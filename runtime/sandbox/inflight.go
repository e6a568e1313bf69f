package sandbox

import (
	"sync"
	"sync/atomic"
)

// inflight counts running calls and can be closed to new ones. Entering and leaving is one atomic
// operation each.
type inflight struct {
	state atomic.Int64  // the number of calls, plus inflightClosed after close
	ended chan struct{} // closed when inflight is closed and the last call has left
	once  sync.Once
}

const inflightClosed = 1 << 62

// enter reports whether the call may run. If true, the caller calls leave once; if false, there is
// nothing to leave.
func (g *inflight) enter() bool {
	if g.state.Add(1) < inflightClosed {
		return true
	}
	g.leave()
	return false
}

func (g *inflight) leave() {
	if g.state.Add(-1) == inflightClosed {
		g.end()
	}
}

// close rejects new calls. It reports false if inflight was closed before.
func (g *inflight) close() bool {
	for {
		n := g.state.Load()
		if n >= inflightClosed {
			return false
		}
		if g.state.CompareAndSwap(n, n+inflightClosed) {
			if n == 0 {
				g.end()
			}
			return true
		}
	}
}

// empty reports whether inflight is open and no call is running.
func (g *inflight) empty() bool { return g.state.Load() == 0 }

// closeEmpty closes inflight if it is open and no call is running.
func (g *inflight) closeEmpty() bool {
	if !g.state.CompareAndSwap(0, inflightClosed) {
		return false
	}
	g.end()
	return true
}

// end is called again when a call tries to enter after the end.
func (g *inflight) end() { g.once.Do(func() { close(g.ended) }) }
