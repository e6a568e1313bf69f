package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// preparedCache is a module's LRU cache of snapshots that were prepared for nodes, keyed by the
// fixed part of their configs: nodes with the same fixed part share one. When the cache is full,
// the least recently used snapshot is evicted. A snapshot that was not used for closeAfterIdle
// eviction rounds is evicted as well. An evicted snapshot is made again when its node is called.
//
// It is neither golang.org/x/sync/singleflight nor an LRU library, because both would be the
// smaller part of it. Several callers share the making of a snapshot, but each has its own context,
// and the last one to give up cancels it. A caller with more fuel repeats a making that ran out of
// it. Eviction skips entries in the making, waits for running calls, and compares the use of
// snapshots across all modules of a host. With at most Options.PreparedSnapshots entries, a scan
// for the oldest costs nothing beside making one; and a call only stores a clock value, where
// moving a list entry would need a lock.
type preparedCache struct {
	*instantiator
	base       instanceSource
	host       *Host
	unregister func()

	mu       sync.Mutex
	entries  map[[sha256.Size]byte]*cacheEntry
	retained map[[sha256.Size]byte]int // number of serving nodes
	retiring sync.WaitGroup            // snapshots in the making or being closed
}

// cacheEntry is a snapshot that is being made, on its own goroutine, or that exists.
type cacheEntry struct {
	done   chan struct{} // closed when snapshot or failure is set
	cancel context.CancelFunc
	fuel   uint64 // that making it may burn; 0 = unlimited

	waiting  int // callers waiting for done; guarded by the lock of the cache
	snapshot *preparedSnapshot
	failure  *Error
}

func (h *Host) newPreparedCache(m *Module, s *instantiator) *preparedCache {
	i := &preparedCache{instantiator: s, base: m.instances, host: h, entries: make(map[[sha256.Size]byte]*cacheEntry), retained: make(map[[sha256.Size]byte]int)}
	i.unregister = h.register(i)
	return i
}

// acquire returns the snapshot of a node, making it if necessary, and enters its calls, which the
// caller leaves. It waits until ctx or the deadline ends; the zero deadline means none. Making the
// snapshot may burn this much fuel; 0 = unlimited.
func (i *preparedCache) acquire(ctx context.Context, deadline time.Time, p *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	for {
		m := i.joinOrMake(ctx, p, fuel)
		if failure := i.await(ctx, deadline, p, m); failure != nil {
			return nil, failure
		}
		switch {
		case m.failure == nil && m.snapshot.calls.Enter():
			return m.snapshot, nil
		case m.failure == nil: // evicted meanwhile
		// made for a caller with less fuel
		case m.failure.Code == CodeFuel && m.fuel > 0 && (fuel == 0 || fuel > m.fuel):
		default:
			return nil, m.failure
		}
	}
}

// joinOrMake returns the entry of a node, and begins to make its snapshot if there is none. It
// counts the caller as waiting.
func (i *preparedCache) joinOrMake(ctx context.Context, p *Prepared, fuel uint64) *cacheEntry {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.entries[p.key]
	if m == nil {
		m = &cacheEntry{done: make(chan struct{}), fuel: fuel}
		// Others may join, whatever becomes of this caller.
		ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
		i.entries[p.key] = m
		i.retiring.Go(func() { i.fill(ctx, p, m) })
	}
	m.waiting++
	return m
}

// await waits until m is made, and no longer counts the caller as waiting. When the last one gives
// up, it cancels the making.
func (i *preparedCache) await(ctx context.Context, deadline time.Time, p *Prepared, m *cacheEntry) *Error {
	failure := m.await(ctx, deadline)
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.waiting--; failure != nil && m.waiting == 0 && m.snapshot == nil && i.entries[p.key] == m {
		delete(i.entries, p.key)
		m.cancel()
	}
	return failure
}

func (m *cacheEntry) await(ctx context.Context, deadline time.Time) *Error {
	select {
	case <-m.done:
		return nil
	default:
	}
	var late <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case <-m.done:
		return nil
	case <-late:
		return &Error{Code: CodeTimeout, Message: "the time limit has passed while the node was being prepared"}
	case <-ctx.Done():
		return contextError(ctx, ctx.Err())
	}
}

// retain and release count the serving nodes of a snapshot.
func (i *preparedCache) retain(p *Prepared) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.retained[p.key]++
}

func (i *preparedCache) release(p *Prepared) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.retained[p.key]--; i.retained[p.key] > 0 {
		return
	}
	delete(i.retained, p.key)
	if m := i.entries[p.key]; m != nil && m.snapshot != nil {
		delete(i.entries, p.key)
		i.retire(m.snapshot)
	}
}

// cached returns the snapshot of a node, if it exists.
func (i *preparedCache) cached(p *Prepared) (*preparedSnapshot, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.entries[p.key]
	if m == nil || m.snapshot == nil {
		return nil, false
	}
	return m.snapshot, true
}

// fill makes a snapshot, and evicts others if there are too many.
func (i *preparedCache) fill(ctx context.Context, p *Prepared, m *cacheEntry) {
	defer m.cancel()
	made, failure := i.makeRetrying(ctx, p, m.fuel)
	i.mu.Lock()
	defer i.mu.Unlock()
	defer close(m.done)
	m.snapshot, m.failure = made, failure
	switch {
	case i.entries[p.key] != m: // nobody is waiting any more
		if failure == nil {
			i.retire(made)
		}
		return
	case failure != nil || made.instances == nil:
		delete(i.entries, p.key) // there is nothing to cache
		return
	}
	for len(i.entries) > i.host.options.PreparedSnapshots && i.evictOldest(m) {
	}
}

// makeRetrying calls make and retries while others use the memory that it needs. It turns a panic
// of the sandbox into an error, since no caller on this goroutine could recover it.
func (i *preparedCache) makeRetrying(ctx context.Context, of *Prepared, fuel uint64) (made *preparedSnapshot, failure *Error) {
	defer func() {
		if p := recover(); p != nil {
			failure = &Error{Code: CodeInternal, Message: "an error in the host", Detail: fmt.Errorf("preparing: %v", p)}
		}
	}()
	failure = of.share.retryWhileFull(ctx, i.host.memoryPatience, func() (failure *Error) {
		made, failure = i.make(ctx, of, fuel)
		return failure
	})
	return made, failure
}

// evictOldest evicts the least recently used snapshot other than but. It returns false if there is
// none because all are being made.
func (i *preparedCache) evictOldest(but *cacheEntry) bool {
	var oldest *cacheEntry
	var key [sha256.Size]byte
	for k, m := range i.entries {
		if m != but && m.snapshot != nil && (oldest == nil || m.snapshot.older(oldest.snapshot)) {
			oldest, key = m, k
		}
	}
	if oldest == nil {
		return false
	}
	delete(i.entries, key)
	i.retire(oldest.snapshot)
	return true
}

func (p *preparedSnapshot) older(than *preparedSnapshot) bool {
	return p.used.Load() < than.used.Load()
}

// retire closes a snapshot once its calls have ended.
func (i *preparedCache) retire(p *preparedSnapshot) {
	if !p.calls.Close() {
		return
	}
	i.retiring.Go(func() {
		<-p.calls.Drained()
		if p.instances != nil {
			p.instances.close()
		}
	})
}

// close closes all snapshots and waits until they are closed. No calls may be running.
func (i *preparedCache) close() {
	i.unregister()
	i.mu.Lock()
	for key, m := range i.entries {
		delete(i.entries, key)
		i.retire(m.snapshot) // none is in the making, as its callers would be calls of the module
	}
	i.mu.Unlock()
	i.retiring.Wait()
}

// evictIdle evicts unused snapshots, and idle instances of the others.
func (i *preparedCache) evictIdle() {
	i.host.useClock.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, m := range i.entries {
		p := m.snapshot
		switch {
		case p == nil: // being made
			continue
		case p.used.Load() != p.seen:
			p.seen, p.idle = p.used.Load(), 0
		default:
			p.idle++
		}
		if p.idle >= closeAfterIdle {
			delete(i.entries, key)
			i.retire(p)
		} else if pool, ok := p.instances.(*pool); ok {
			pool.evictIdle()
		}
	}
}

// reclaim ends idle instances of all snapshots.
func (i *preparedCache) reclaim(what idleness, enough func() bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.entries {
		if m.snapshot == nil {
			continue
		}
		if pool, ok := m.snapshot.instances.(*pool); ok {
			pool.reclaim(what, enough)
		}
	}
}

// leastUsed returns when the least recently used snapshot without running calls was used. ok is
// false if there is none.
func (i *preparedCache) leastUsed() (used int64, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.entries {
		if m.isIdle() && (!ok || m.snapshot.used.Load() < used) {
			used, ok = m.snapshot.used.Load(), true
		}
	}
	return used, ok
}

// evictUnused closes a snapshot without running calls that was not used after later, and frees its
// memory. It returns false if there is none any more.
func (i *preparedCache) evictUnused(later int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, m := range i.entries {
		if m.isIdle() && m.snapshot.used.Load() <= later && m.snapshot.calls.TryClose() {
			delete(i.entries, key)
			m.snapshot.instances.close()
			return true
		}
	}
	return false
}

// isIdle reports whether the entry has a snapshot without running calls. The caller holds the lock
// of the cache.
func (m *cacheEntry) isIdle() bool {
	return m.snapshot != nil && m.snapshot.instances != nil && m.snapshot.bytes > 0 && m.snapshot.calls.Idle()
}

// make prepares an instance of the module for the node and makes a snapshot of it. There is no time
// limit, so that a node that was prepared once is prepared on a busy machine as well. Fuel limits
// it, and ctx ends it between two fuel slices.
func (i *preparedCache) make(ctx context.Context, of *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	begin := i.startSession()
	in, failure := i.base.acquire(ctx, begin, of.share)
	if failure != nil {
		return nil, failure
	}
	defer i.base.release(in, false)
	p := new(preparedSnapshot)
	p.result, failure = in.prepare(ctx, begin, i.base.inputBuffer(), of.fixed, fuel)
	// Whatever the guest returned: with more memory, the result might be another.
	if full := in.budgetFull(); full != nil {
		return nil, full
	}
	if failure != nil {
		return nil, failure
	}
	p.fuel = begin.Fuel
	if p.result.Kind != abi.Output {
		return p, nil
	}
	base, ok := i.base.(registeredPool)
	if !ok {
		p.instances = freshPrepared{freshInstances{i.instantiator}, of.fixed}
		return p, nil
	}
	image, failure := in.snapshot(i.host.options.Reset)
	if failure != nil {
		return nil, failure
	}
	image.inputBuffer = base.snapshot.inputBuffer
	p.instances, p.bytes = newPool(i.instantiator, image), image.bytesCounted
	p.used.Store(i.host.useClock.Add(2) - 1) // calls from now on are later
	return p, nil
}
