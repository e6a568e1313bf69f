package sandbox

import (
	"maps"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"weak"
)

// DefaultBudget is the default limit of a Budget, in bytes.
const DefaultBudget = 1 << 30

// minShares is how many shares a budget has before it looks for those that nobody uses.
const minShares = 64

// Budget bounds the memory that the sandboxes of a process use together: snapshots, and instances
// with their memories, stacks and tables. The code of modules is not included. The memory is
// counted here and not measured by the system, which could only report what has already happened. A
// Budget is safe for concurrent use.
//
// # What is counted
//
// A snapshot counts with its pages that are not all zeros. An instance counts with the memory that
// wazero uses for it, and with the pages of its snapshot that it has written to, so that hundreds
// of idle ones cost little. Memory that a guest grows counts in full at once. Memory in Go's heap
// counts twice, since the garbage collector lets the heap grow to twice its live size. Once
// released, it is garbage until it is collected. Garbage may take up to a sixteenth of the limit on
// top of it. So the count is never below what the system provides, with one exception: guests
// running at this moment may have written memory or grown stacks since their last check, up to a
// millisecond ago.
//
// # Who gets it
//
// When the budget is used up, idle memory is reclaimed: instances that were not needed lately,
// other idle instances, then prepared snapshots, the least recently used ones first. If that is not
// enough, a call waits in a queue before it begins, for the memory that its instance has at its
// start. Workflows take turns; see [Share]. Memory growth within a call never waits; the call fails
// instead. So no waiting call holds memory that others wait for: calls that hold memory end,
// whatever others do, and hand it on.
type Budget struct {
	limit atomic.Int64
	used  atomic.Int64 // above limit only after the limit was lowered
	// released bytes in Go's heap that have not been collected yet
	garbage atomic.Int64
	waiting atomic.Int64 // calls in the queues of all shares
	own     *Share       // for work that belongs to no workflow

	collecting sync.Mutex

	mu     sync.Mutex
	limits []*int64 // one for each SetLimit; the last one is in force
	// shares has those in use by id, and others that nobody uses any more. The latter go when there
	// are maxShares of both: twice as many as were in use the last time, or minShares.
	shares    map[string]weak.Pointer[Share]
	maxShares int
	hosts     map[*Host]struct{}
	order     []*Share    // the shares with waiting calls; the first one is served next
	short     atomic.Bool // the next waiting call needs memory that is in use
}

// NewBudget returns a budget of limit bytes; 0 = DefaultBudget.
func NewBudget(limit int64) *Budget {
	if limit == 0 {
		limit = DefaultBudget
	}
	b := &Budget{shares: make(map[string]weak.Pointer[Share]), hosts: make(map[*Host]struct{}), maxShares: minShares}
	b.limits = []*int64{&limit}
	b.limit.Store(limit)
	b.own = &Share{budget: b}
	return b
}

// SetLimit sets the limit until release, which is called once. Then the previous limit is in force
// again. Memory in use beyond the limit is not taken away.
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

// applyLimitLocked puts the last limit into force. The caller holds the lock.
func (b *Budget) applyLimitLocked() {
	b.limit.Store(*b.limits[len(b.limits)-1])
	b.serveLocked()
}

// Usage is the state of a budget.
type Usage struct {
	Used, Limit int64 // bytes, without garbage
	Waiting     int64 // calls in the wait queue
}

// Usage returns how much of the budget is in use.
func (b *Budget) Usage() Usage {
	return Usage{Used: b.used.Load(), Limit: b.limit.Load(), Waiting: b.waiting.Load()}
}

// excessGarbage returns the garbage beyond the part that does not count, in bytes.
func (b *Budget) excessGarbage() int64 { return max(0, b.garbage.Load()-b.limit.Load()/16) }

// addGarbage records that n bytes in Go's heap have become garbage.
func (b *Budget) addGarbage(n int64) { b.garbage.Add(n) }

// collectGarbage runs the garbage collector and returns memory to the system, if there is excess
// garbage.
func (b *Budget) collectGarbage() {
	if b.excessGarbage() == 0 {
		return
	}
	b.collecting.Lock()
	defer b.collecting.Unlock()
	if b.excessGarbage() > 0 { // nobody else has done it meanwhile
		n := b.garbage.Load()
		debug.FreeOSMemory()
		b.garbage.Add(-n)
	}
}

// DocumentShare returns how many bytes the prepared snapshots of all nodes of one document may take
// together: a quarter of the budget.
func (b *Budget) DocumentShare() int64 { return b.limit.Load() / 4 }

// take counts n bytes as used, if that many are free.
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

// give returns n bytes and serves waiting calls.
func (b *Budget) give(n int64) {
	b.used.Add(-n)
	b.serve()
}

// takeEvicting is take, but evicts idle memory if necessary. The caller must hold no lock of this
// package.
func (b *Budget) takeEvicting(n int64) bool {
	if b.take(n) {
		return true
	}
	b.reclaim(n)
	b.collectGarbage()
	return b.take(n)
}

// addHost and removeHost track the hosts whose idle memory can be reclaimed.
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

// reclaim evicts idle memory until n bytes are free or nothing is idle.
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

// Share is one workflow's part of a budget: its calls together may use at most three quarters of
// the budget. All concurrent users of a workflow get the same Share, and it lives as long as any of
// them.
type Share struct {
	budget *Budget
	id     string // "" = no workflow: it may use the whole budget
	used   atomic.Int64
	queue  []*waiter // the first one has waited longest; guarded by the lock of budget
}

// Share returns the share of the workflow with this id.
func (b *Budget) Share(id string) *Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shares[id].Value(); s != nil {
		return s
	}
	if len(b.shares) >= b.maxShares {
		maps.DeleteFunc(b.shares, func(_ string, p weak.Pointer[Share]) bool { return p.Value() == nil })
		b.maxShares = max(minShares, 2*len(b.shares))
	}
	s := &Share{budget: b, id: id}
	b.shares[id] = weak.Make(s)
	return s
}

// limit returns how many bytes the share may use.
func (s *Share) limit() int64 {
	limit := s.budget.limit.Load()
	if s.id == "" {
		return limit
	}
	return limit / 4 * 3
}

// take counts n bytes of the budget against the share, if it may use that many.
func (s *Share) take(n int64) bool {
	if s.used.Add(n) <= s.limit() {
		return true
	}
	s.used.Add(-n)
	return false
}

// give returns bytes that take has counted.
func (s *Share) give(n int64) { s.used.Add(-n) }

// grow takes n bytes for a running call, from the share and the budget.
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
