package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// preparedCache are the images of the nodes that a module was prepared for, by what is fixed in their
// configs: nodes with the same share one. There are at most so many; for another one the one goes
// that was used least lately, and one that nobody has used for closeAfter looks of shrink goes by
// itself. What went is made anew when it is called.
type preparedCache struct {
	*instantiator
	base       instanceSource
	host       *Host
	unregister func()

	mu       sync.Mutex
	entries  map[[sha256.Size]byte]*cacheEntry
	retained map[[sha256.Size]byte]int // by how many nodes that serve
	retiring sync.WaitGroup            // of images that were let go
}

// cacheEntry is an image that is being made, on a goroutine of its own, or that is there.
type cacheEntry struct {
	done   chan struct{} // closed when prepared or failure is set
	cancel context.CancelFunc
	fuel   uint64 // that it may burn; 0 = as much as it likes

	waiting  int // for done; the last one who gives up cancels it. Guarded by the lock of images
	snapshot *preparedSnapshot
	failure  *Error
}

func (h *Host) newPreparedCache(m *Module, s *instantiator) *preparedCache {
	i := &preparedCache{instantiator: s, base: m.instances, host: h, entries: make(map[[sha256.Size]byte]*cacheEntry), retained: make(map[[sha256.Size]byte]int)}
	i.unregister = h.register(i)
	return i
}

// acquire finds or makes the image of a node, and enters its gate, which the caller leaves. It waits
// until ctx or the deadline ends; the zero deadline is none. What has to be made may burn so much
// fuel; 0 = as much as it likes.
func (i *preparedCache) acquire(ctx context.Context, deadline time.Time, p *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	for {
		m := i.joinOrMake(ctx, p, fuel)
		if failure := i.await(ctx, deadline, p, m); failure != nil {
			return nil, failure
		}
		switch {
		case m.failure == nil && m.snapshot.calls.Enter():
			return m.snapshot, nil
		case m.failure == nil: // it was let go meanwhile
		// it was made for somebody with less
		case m.failure.Code == CodeFuel && m.fuel > 0 && (fuel == 0 || fuel > m.fuel):
		default:
			return nil, m.failure
		}
	}
}

// joinOrMake finds what is made of a node, or begins to make it, and counts the caller in as one who
// waits for it.
func (i *preparedCache) joinOrMake(ctx context.Context, p *Prepared, fuel uint64) *cacheEntry {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.entries[p.key]
	if m == nil {
		m = &cacheEntry{done: make(chan struct{}), fuel: fuel}
		// Others may come to wait for it, whatever becomes of this caller.
		ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
		i.entries[p.key] = m
		i.retiring.Go(func() { i.fill(ctx, p, m) })
	}
	m.waiting++
	return m
}

// await waits until m is made, and counts the caller out. When the last one gives up, nobody needs
// it any more.
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

// retain and drop count the nodes that serve with an image.
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

// cached returns the answer of a node whose image is there.
func (i *preparedCache) cached(p *Prepared) (*preparedSnapshot, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.entries[p.key]
	if m == nil || m.snapshot == nil {
		return nil, false
	}
	return m.snapshot, true
}

// fill makes an image, and room for it.
func (i *preparedCache) fill(ctx context.Context, p *Prepared, m *cacheEntry) {
	defer m.cancel()
	made, failure := i.makeRetrying(ctx, p, m.fuel)
	i.mu.Lock()
	defer i.mu.Unlock()
	defer close(m.done)
	m.snapshot, m.failure = made, failure
	switch {
	case i.entries[p.key] != m: // nobody waits for it any more
		if failure == nil {
			i.retire(made)
		}
		return
	case failure != nil || made.instances == nil:
		delete(i.entries, p.key) // there is nothing to keep
		return
	}
	for len(i.entries) > i.host.options.PreparedSnapshots && i.evictOldest(m) {
	}
}

// makeRetrying is make, which waits for memory that others have; a panic of the sandbox is an error, as
// nobody else is on this goroutine.
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

// evictOldest lets the image go that was used least lately, other than but; false when there is none,
// since all are being made.
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

// retire lets an image go when its calls have ended.
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

// close lets all images go and waits for it. There are no calls any more.
func (i *preparedCache) close() {
	i.unregister()
	i.mu.Lock()
	for key, m := range i.entries {
		delete(i.entries, key)
		i.retire(m.snapshot) // what is being made has its callers in the module's gate
	}
	i.mu.Unlock()
	i.retiring.Wait()
}

// evictIdle lets images go that nobody uses, and shrinks the pools of the others.
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

// reclaim ends idle instances of all images.
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

// leastUsed tells when the image was used that was used least lately, of those without a call; ok
// is false when there is none.
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

// evictUnused ends an image without a call that was not used later; false when there is none any
// more. Its memory is free afterwards.
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

// isIdle tells whether there is an image that no call has just now. The lock of images is held.
func (m *cacheEntry) isIdle() bool {
	return m.snapshot != nil && m.snapshot.instances != nil && m.snapshot.bytes > 0 && m.snapshot.calls.Idle()
}

// make makes an image: of an instance that was put back to the module's own and then prepared. No
// time limits it, so that what was prepared once is prepared on a busy machine as well; fuel does,
// and ctx ends it between two slices.
func (i *preparedCache) make(ctx context.Context, of *Prepared, fuel uint64) (*preparedSnapshot, *Error) {
	begin := i.startSession()
	in, failure := i.base.acquire(ctx, begin, of.share)
	if failure != nil {
		return nil, failure
	}
	defer i.base.release(in, false)
	p := new(preparedSnapshot)
	p.result, failure = in.prepare(ctx, begin, i.base.inputBuffer(), of.fixed, fuel)
	// whatever the guest made of it: with more memory it is another answer
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
