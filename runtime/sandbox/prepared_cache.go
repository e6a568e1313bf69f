package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// preparedCache is a file's LRU cache of snapshots that were prepared for nodes, keyed by their
// type and the fixed part of their configs: nodes with the same fixed part share one. When the
// cache is full, the least recently used snapshot is evicted. A snapshot that was not used for
// closeAfterIdle eviction rounds is evicted as well. An evicted snapshot is made again when its
// node is called.
//
// It is neither golang.org/x/sync/singleflight nor an LRU library, because both would be the
// smaller part of it. Several callers share the making of a snapshot, but each has its own context,
// and the last one to give up cancels it. A caller with more fuel repeats an attempt that ran out
// of it. Eviction skips entries in the making, waits for running calls, and compares the use of
// snapshots across all modules of a host. With at most Options.PreparedSnapshots entries, a scan
// for the oldest costs nothing beside making one; and a call only stores a clock value, where
// moving a list entry would need a lock.
type preparedCache struct {
	*instantiator
	base       instanceSource
	host       *Host
	unregister func()

	mu       sync.Mutex
	entries  map[preparedKey]*cacheEntry
	retained map[preparedKey]int // number of serving nodes
	retiring sync.WaitGroup      // snapshots in the making or being closed
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

func (h *Host) newPreparedCache(of *file, s *instantiator) *preparedCache {
	c := &preparedCache{instantiator: s, base: of.instances, host: h, entries: make(map[preparedKey]*cacheEntry), retained: make(map[preparedKey]int)}
	c.unregister = h.register(c)
	return c
}

// acquire returns the snapshot of a node, making it if necessary, and enters its calls, which the
// caller leaves. It waits until ctx or the deadline ends; the zero deadline means none. Making the
// snapshot may burn this much fuel; 0 = unlimited.
func (c *preparedCache) acquire(ctx context.Context, deadline time.Time, p *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	for {
		e := c.joinOrMake(ctx, p, fuel)
		if failure := c.await(ctx, deadline, p, e); failure != nil {
			return nil, failure
		}
		switch {
		case e.failure == nil && e.snapshot.calls.Enter():
			return e.snapshot, nil
		case e.failure == nil: // evicted meanwhile
		// made for a caller with less fuel
		case e.failure.Code == CodeFuel && e.fuel > 0 && (fuel == 0 || fuel > e.fuel):
		default:
			return nil, e.failure
		}
	}
}

// joinOrMake returns the entry of a node, and begins to make its snapshot if there is none. It
// counts the caller as waiting.
func (c *preparedCache) joinOrMake(ctx context.Context, p *Prepared, fuel uint64) *cacheEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[p.key]
	if e == nil {
		e = &cacheEntry{done: make(chan struct{}), fuel: fuel}
		// Others may join, whatever becomes of this caller.
		ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
		c.entries[p.key] = e
		c.retiring.Go(func() { c.fill(ctx, p, e) })
	}
	e.waiting++
	return e
}

// await waits until e is made, and no longer counts the caller as waiting. When the last one gives
// up, it cancels the making.
func (c *preparedCache) await(ctx context.Context, deadline time.Time, p *Prepared, e *cacheEntry) *Error {
	failure := e.await(ctx, deadline)
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.waiting--; failure != nil && e.waiting == 0 && e.snapshot == nil && c.entries[p.key] == e {
		delete(c.entries, p.key)
		e.cancel()
	}
	return failure
}

func (e *cacheEntry) await(ctx context.Context, deadline time.Time) *Error {
	select {
	case <-e.done:
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
	case <-e.done:
		return nil
	case <-late:
		return &Error{Code: CodeTimeout, Message: "the time limit has passed while the node was being prepared"}
	case <-ctx.Done():
		return contextError(ctx, ctx.Err())
	}
}

// retain and release count the serving nodes of a snapshot.
func (c *preparedCache) retain(p *Prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retained[p.key]++
}

func (c *preparedCache) release(p *Prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retained[p.key]--; c.retained[p.key] > 0 {
		return
	}
	delete(c.retained, p.key)
	if e := c.entries[p.key]; e != nil && e.snapshot != nil {
		delete(c.entries, p.key)
		c.retire(e.snapshot)
	}
}

// cached returns the snapshot of a node, if it exists.
func (c *preparedCache) cached(p *Prepared) (*preparedSnapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[p.key]
	if e == nil || e.snapshot == nil {
		return nil, false
	}
	return e.snapshot, true
}

// fill makes a snapshot, and evicts others if there are too many.
func (c *preparedCache) fill(ctx context.Context, p *Prepared, e *cacheEntry) {
	defer e.cancel()
	made, failure := c.makeRetrying(ctx, p, e.fuel)
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(e.done)
	e.snapshot, e.failure = made, failure
	switch {
	case c.entries[p.key] != e: // nobody is waiting any more
		if failure == nil {
			c.retire(made)
		}
		return
	case failure != nil || made.instances == nil:
		delete(c.entries, p.key) // there is nothing to cache
		return
	}
	for len(c.entries) > c.host.options.PreparedSnapshots && c.evictOldest(e) {
	}
}

// makeRetrying calls make and retries while others use the memory that it needs. It turns a panic
// of the sandbox into an error, since no caller on this goroutine could recover it.
func (c *preparedCache) makeRetrying(ctx context.Context, of *Prepared, fuel uint64) (made *preparedSnapshot, failure *Error) {
	defer func() {
		if p := recover(); p != nil {
			failure = &Error{Code: CodeInternal, Message: "an error in the host", Detail: fmt.Errorf("preparing: %v", p)}
		}
	}()
	failure = of.share.retryWhileFull(ctx, c.host.memoryPatience, func() (failure *Error) {
		made, failure = c.make(ctx, of, fuel)
		return failure
	})
	return made, failure
}

// evictOldest evicts the least recently used snapshot other than but. It returns false if there is
// none because all are being made.
func (c *preparedCache) evictOldest(but *cacheEntry) bool {
	var oldest *cacheEntry
	var key preparedKey
	for k, e := range c.entries {
		if e != but && e.snapshot != nil && (oldest == nil || e.snapshot.older(oldest.snapshot)) {
			oldest, key = e, k
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.entries, key)
	c.retire(oldest.snapshot)
	return true
}

func (p *preparedSnapshot) older(than *preparedSnapshot) bool {
	return p.used.Load() < than.used.Load()
}

// retire closes a snapshot once its calls have ended.
func (c *preparedCache) retire(p *preparedSnapshot) {
	if !p.calls.Close() {
		return
	}
	c.retiring.Go(func() {
		<-p.calls.Drained()
		if p.instances != nil {
			p.instances.close()
		}
	})
}

// close closes all snapshots and waits until they are closed. No calls may be running.
func (c *preparedCache) close() {
	c.unregister()
	c.mu.Lock()
	for key, e := range c.entries {
		delete(c.entries, key)
		c.retire(e.snapshot) // none is in the making, as its callers would be calls of the module
	}
	c.mu.Unlock()
	c.retiring.Wait()
}

// usedLately reports whether a snapshot was called since the last round of eviction.
func (c *preparedCache) usedLately() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if p := e.snapshot; p != nil && p.used.Load() != p.seen {
			return true
		}
	}
	return false
}

// evictIdle evicts unused snapshots, and idle instances of the others.
func (c *preparedCache) evictIdle() {
	c.host.useClock.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		p := e.snapshot
		switch {
		case p == nil: // being made
			continue
		case p.used.Load() != p.seen:
			p.seen, p.idle = p.used.Load(), 0
		default:
			p.idle++
		}
		if p.idle >= closeAfterIdle {
			delete(c.entries, key)
			c.retire(p)
		} else if pool, ok := p.instances.(*pool); ok {
			pool.evictIdle()
		}
	}
}

// reclaim ends idle instances of all snapshots.
func (c *preparedCache) reclaim(what idleness, enough func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.snapshot == nil {
			continue
		}
		if pool, ok := e.snapshot.instances.(*pool); ok {
			pool.reclaim(what, enough)
		}
	}
}

// leastUsed returns when the least recently used snapshot without running calls was used. ok is
// false if there is none.
func (c *preparedCache) leastUsed() (used int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.isIdle() && (!ok || e.snapshot.used.Load() < used) {
			used, ok = e.snapshot.used.Load(), true
		}
	}
	return used, ok
}

// evictUnused closes a snapshot without running calls that was not used after later, and frees its
// memory. It returns false if there is none any more.
func (c *preparedCache) evictUnused(later int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if e.isIdle() && e.snapshot.used.Load() <= later && e.snapshot.calls.TryClose() {
			delete(c.entries, key)
			e.snapshot.instances.close()
			return true
		}
	}
	return false
}

// isIdle reports whether the entry has a snapshot without running calls. The caller holds the lock
// of the cache.
func (e *cacheEntry) isIdle() bool {
	return e.snapshot != nil && e.snapshot.instances != nil && e.snapshot.bytes > 0 && e.snapshot.calls.Idle()
}

// make prepares an instance of the module for the node and makes a snapshot of it. There is no time
// limit, so that a node that was prepared once is prepared on a busy machine as well. Fuel limits
// it, and ctx ends it between two fuel slices.
func (c *preparedCache) make(ctx context.Context, of *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	begin := c.startSession()
	in, failure := c.base.acquire(ctx, begin, of.share)
	if failure != nil {
		return nil, failure
	}
	defer c.base.release(in, false)
	p := new(preparedSnapshot)
	p.result, failure = in.prepare(ctx, begin, of, c.base.inputBuffer(), fuel)
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
	base, ok := c.base.(registeredPool)
	if !ok {
		p.instances = freshPrepared{freshInstances{c.instantiator}, of}
		return p, nil
	}
	snap, failure := in.snapshot(c.host.options.Reset)
	if failure != nil {
		return nil, failure
	}
	snap.inputBuffer = base.snapshot.inputBuffer
	p.instances, p.bytes = newPool(c.instantiator, snap), snap.bytesCounted
	p.used.Store(c.host.useClock.Add(2) - 1) // calls from now on are later
	return p, nil
}
