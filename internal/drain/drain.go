// Package drain counts the users of something that ends: a config, a module, a prepared snapshot.
// New users are turned away once it is closed, and whoever closes it can wait for the last one to
// leave.
package drain

import (
	"sync"
	"sync/atomic"
)

// Group counts users. Its zero value is open and has none. It is safe for concurrent use and must
// not be copied.
//
// Every caller follows the same contract: Enter reports whether the user is in, and Leave is called
// once for each Enter that returned true. After false there is nothing to leave.
//
// Enter and Leave are one atomic operation each and allocate nothing.
type Group struct {
	state atomic.Int64 // the number of users, plus one of the flags below

	init    sync.Once
	drained chan struct{} // closed when the group is closed and has no users
	end     sync.Once
}

// The flags of Group.state. There are never as many users.
const (
	closing = 1 << 61 // closes as soon as there is no user
	closed  = 1 << 62 // lets nobody in
)

// Enter adds a user. It reports whether the group let the user in: false once it is closed, and
// then Leave must not be called.
func (g *Group) Enter() bool {
	if g.state.Add(1) < closed {
		return true
	}
	g.Leave()
	return false
}

// Leave removes a user that Enter let in.
func (g *Group) Leave() {
	switch g.state.Add(-1) {
	case closing:
		if g.state.CompareAndSwap(closing, closed) { // unless somebody entered meanwhile
			g.finish()
		}
	case closed:
		g.finish()
	}
}

// Close lets nobody in any more. It does not wait: see Drained. It reports whether the
// group was still open.
func (g *Group) Close() bool {
	for {
		n := g.state.Load()
		if n >= closed {
			return false
		}
		users := n &^ closing
		if g.state.CompareAndSwap(n, users|closed) {
			if users == 0 {
				g.finish()
			}
			return true
		}
	}
}

// CloseWhenIdle closes the group as soon as it has no users, which may be at once. Until then it
// lets users in: what a user begins can enter as well.
func (g *Group) CloseWhenIdle() {
	for {
		n := g.state.Load()
		switch {
		case n >= closing: // it does already, or is closed
			return
		case n > 0:
			if g.state.CompareAndSwap(n, n|closing) {
				return
			}
		case g.TryClose():
			return
		}
	}
}

// TryClose closes the group if it has no users. It reports whether this call closed it.
func (g *Group) TryClose() bool {
	if !g.state.CompareAndSwap(0, closed) {
		return false
	}
	g.finish()
	return true
}

// Idle reports whether the group is open and has no users.
func (g *Group) Idle() bool { return g.state.Load() == 0 }

// Drained returns a channel that is closed when the group is closed and its last user has left.
func (g *Group) Drained() <-chan struct{} {
	g.init.Do(g.makeDrained)
	return g.drained
}

// finish may be called more than once: an Enter that is turned away leaves again.
func (g *Group) finish() {
	g.init.Do(g.makeDrained)
	g.end.Do(func() { close(g.drained) })
}

func (g *Group) makeDrained() { g.drained = make(chan struct{}) }
