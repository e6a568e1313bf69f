package sandbox

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"weak"
)

// DefaultBudget is what all sandboxes of a process take together where nothing else is said, in
// bytes.
const DefaultBudget = 1 << 30

// Budget bounds the memory that the sandboxes of a process take together: instances with their
// memories, stacks and tables, and images. The code of modules is no part of it. It is counted here
// and not asked of the system, which could tell only what has happened already. Safe for concurrent
// use.
//
// # What is counted
//
// An image counts with its pages that are not all zeros. An instance counts with what the engine
// keeps for it and with the pages of its image that it has written to, so that hundreds of idle
// ones cost little. What a guest adds to its memory counts as a whole when it is added. What is in
// Go's heap counts twice, as the garbage collector lets that become twice as large; when nobody has
// it any more it is garbage until it was collected, of which a sixteenth of the budget may lie
// about beside the rest. So what is counted is never less than what the system gives, except for
// what the guests that are on a processor at this moment have written or put on their stacks in the
// millisecond since they were looked at last.
//
// # Who gets it
//
// When all is in use, what is idle goes: instances that were not needed lately, other idle ones,
// then images, the least used ones first. When that is not enough, a call waits in line before it
// begins, for what its instance has at its start; workflows take turns, see [Share]. Memory that
// grows inside a call never waits but fails the call. So no call that waits holds any of what
// others wait for: those who hold some end, and hand it on, whatever the others do.
type Budget struct {
	limit atomic.Int64
	used  atomic.Int64 // above limit only after that was lowered
	// bytes in Go's heap that nobody has any more, and that were not collected since
	garbage atomic.Int64
	waiting atomic.Int64 // calls in line
	own     *Share       // of what is done for no workflow

	collecting sync.Mutex

	mu     sync.Mutex
	limits []*int64 // of those who have set one; the last one is in force
	shares map[string]weak.Pointer[Share]
	hosts  map[*Host]struct{}
	order  []*Share // those with calls in line, the one first whose turn is next
	short  atomic.Bool
}

// NewBudget makes a budget of so many bytes; 0 = DefaultBudget.
func NewBudget(limit int64) *Budget {
	if limit == 0 {
		limit = DefaultBudget
	}
	b := &Budget{shares: make(map[string]weak.Pointer[Share]), hosts: make(map[*Host]struct{})}
	b.limits = []*int64{&limit}
	b.limit.Store(limit)
	b.own = &Share{budget: b}
	return b
}

// SetLimit sets the limit until release, which is called once: the one that was set before is in
// force again then. What is in use beyond it is not taken from anybody.
func (b *Budget) SetLimit(limit int64) (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = append(b.limits, &limit)
	b.applyLimitLocked()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, l := range b.limits {
			if l == &limit {
				b.limits = append(b.limits[:i:i], b.limits[i+1:]...)
				break
			}
		}
		b.applyLimitLocked()
	}
}

// applyLimitLocked puts the last limit in force. The lock is held.
func (b *Budget) applyLimitLocked() {
	b.limit.Store(*b.limits[len(b.limits)-1])
	b.serveLocked()
}

// Usage tells how much of a budget is in use.
type Usage struct {
	Used, Limit int64 // bytes, garbage left out
	Waiting     int64 // calls in line
}

// Usage tells how much is in use.
func (b *Budget) Usage() Usage {
	return Usage{Used: b.used.Load(), Limit: b.limit.Load(), Waiting: b.waiting.Load()}
}

// excessGarbage is the garbage beyond what may lie about.
func (b *Budget) excessGarbage() int64 { return max(0, b.garbage.Load()-b.limit.Load()/16) }

// addGarbage notes that so many bytes in Go's heap have become garbage.
func (b *Budget) addGarbage(n int64) { b.garbage.Add(n) }

// collectGarbage has garbage collected and given back to the system, if there is too much.
func (b *Budget) collectGarbage() {
	if b.excessGarbage() == 0 {
		return
	}
	b.collecting.Lock()
	defer b.collecting.Unlock()
	if b.excessGarbage() > 0 { // nobody else has done it
		n := b.garbage.Load()
		debug.FreeOSMemory()
		b.garbage.Add(-n)
	}
}

// DocumentShare is how much the images of all nodes of one document may take together: a quarter.
func (b *Budget) DocumentShare() int64 { return b.limit.Load() / 4 }

// take counts n bytes, if there are as many.
func (b *Budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if used+n+b.excessGarbage() > b.limit.Load() {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// give gives n bytes back, and those who wait their turn.
func (b *Budget) give(n int64) {
	b.used.Add(-n)
	b.serve()
}

// takeEvicting is take, for which what is idle may have to go. No lock of this package may be held.
func (b *Budget) takeEvicting(n int64) bool {
	if b.take(n) {
		return true
	}
	b.reclaim(n)
	b.collectGarbage()
	return b.take(n)
}

// addHost and quit note that a host has something that can be idle.
func (b *Budget) addHost(h *Host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[h] = struct{}{}
}

func (b *Budget) removeHost(h *Host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.hosts, h)
}

// reclaim lets idle things go until n bytes are free, or nothing is idle.
func (b *Budget) reclaim(n int64) {
	b.mu.Lock()
	hosts := make([]*Host, 0, len(b.hosts))
	for h := range b.hosts {
		hosts = append(hosts, h)
	}
	b.mu.Unlock()
	enough := func() bool { return b.used.Load()+n <= b.limit.Load() }
	for _, what := range []idleness{unusedInstances, idleInstances, unusedSnapshots} {
		for _, h := range hosts {
			if enough() {
				return
			}
			h.reclaim(what, enough)
		}
	}
}

// Share is what one workflow has of a budget: all of its calls together at most three quarters of
// it. It is the same for all who ask for that workflow at the same time, and lives as long as any
// of them.
type Share struct {
	budget *Budget
	id     string // "" = it may have all
	used   atomic.Int64
	queue  []*waiter // the first one has waited longest. Guarded by the lock of budget
}

// Share returns a workflow's share, by its id.
func (b *Budget) Share(id string) *Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shares[id].Value(); s != nil {
		return s
	}
	s := &Share{budget: b, id: id}
	p := weak.Make(s)
	b.shares[id] = p
	runtime.AddCleanup(s, func(id string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.shares[id] == p {
			delete(b.shares, id)
		}
	}, id)
	return s
}

// limit is how much the share may have.
func (s *Share) limit() int64 {
	limit := s.budget.limit.Load()
	if s.id == "" {
		return limit
	}
	return limit / 4 * 3
}

// take counts n bytes of the budget as the share's, if it may have as many.
func (s *Share) take(n int64) bool {
	if s.used.Add(n) <= s.limit() {
		return true
	}
	s.used.Add(-n)
	return false
}

// give gives back what hold has counted.
func (s *Share) give(n int64) { s.used.Add(-n) }

// grow takes n bytes for a call that runs.
func (s *Share) grow(n int64) error {
	if !s.take(n) {
		if s.id == "" {
			return errBudgetMemory
		}
		return errShareMemory
	}
	if !s.budget.takeEvicting(n) {
		s.give(n)
		return errBudgetMemory
	}
	return nil
}
