package sandbox

import (
	"sync"
	"sync/atomic"
)

// gate counts calls that are under way and can be closed to new ones. Entering and leaving is one
// atomic operation each.
type gate struct {
	state atomic.Int64  // the number of calls, plus shut once it is closed
	ended chan struct{} // closed when it is shut and the last call has left
	once  sync.Once
}

const shut = 1 << 62

// enter is false when the gate is closed; otherwise leave has to be called once.
func (g *gate) enter() bool {
	if g.state.Add(1) < shut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.state.Add(-1) == shut {
		g.end()
	}
}

// close closes the gate. It is false when it was closed before.
func (g *gate) close() bool {
	for {
		n := g.state.Load()
		if n >= shut {
			return false
		}
		if g.state.CompareAndSwap(n, n+shut) {
			if n == 0 {
				g.end()
			}
			return true
		}
	}
}

// empty tells whether nobody is in the gate, which is open.
func (g *gate) empty() bool { return g.state.Load() == 0 }

// closeEmpty closes the gate if nobody is in it.
func (g *gate) closeEmpty() bool {
	if !g.state.CompareAndSwap(0, shut) {
		return false
	}
	g.end()
	return true
}

// end is called more than once when somebody wants to enter a closed gate.
func (g *gate) end() { g.once.Do(func() { close(g.ended) }) }
