package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// images are the images of the nodes that a module was prepared for, by what is fixed in their
// configs: nodes with the same share one. There are at most so many; for another one the one goes
// that was used least lately, and one that nobody has used for closeAfter looks of shrink goes by
// itself. What went is made anew when it is called.
type images struct {
	*starter
	base instances
	host *Host
	quit func()

	mu     sync.Mutex
	byKey  map[[sha256.Size]byte]*making
	kept   map[[sha256.Size]byte]int // by how many nodes that serve
	ending sync.WaitGroup            // of images that were let go
}

// making is an image that is being made, on a goroutine of its own, or that is there.
type making struct {
	done   chan struct{} // closed when prepared or failure is set
	cancel context.CancelFunc
	fuel   uint64 // that it may burn; 0 = as much as it likes

	waiting  int // for done; the last one who gives up cancels it. Guarded by the lock of images
	prepared *prepared
	failure  *Error
}

func (h *Host) newImages(m *Module, s *starter) *images {
	i := &images{starter: s, base: m.instances, host: h, byKey: make(map[[sha256.Size]byte]*making), kept: make(map[[sha256.Size]byte]int)}
	i.quit = h.keep(i)
	return i
}

// enter finds or makes the image of a node, and enters its gate, which the caller leaves. It waits
// until ctx or the deadline ends; the zero deadline is none. What has to be made may burn so much
// fuel; 0 = as much as it likes.
func (i *images) enter(ctx context.Context, deadline time.Time, p *Prepared, fuel uint64) (*prepared, *Error) {
	for {
		m := i.join(ctx, p, fuel)
		if failure := i.wait(ctx, deadline, p, m); failure != nil {
			return nil, failure
		}
		switch {
		case m.failure == nil && m.prepared.running.enter():
			return m.prepared, nil
		case m.failure == nil: // it was let go meanwhile
		// it was made for somebody with less
		case m.failure.Code == CodeFuel && m.fuel > 0 && (fuel == 0 || fuel > m.fuel):
		default:
			return nil, m.failure
		}
	}
}

// join finds what is made of a node, or begins to make it, and counts the caller in as one who
// waits for it.
func (i *images) join(ctx context.Context, p *Prepared, fuel uint64) *making {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.byKey[p.key]
	if m == nil {
		m = &making{done: make(chan struct{}), fuel: fuel}
		// Others may come to wait for it, whatever becomes of this caller.
		ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
		i.byKey[p.key] = m
		i.ending.Go(func() { i.fill(ctx, p, m) })
	}
	m.waiting++
	return m
}

// wait waits until m is made, and counts the caller out. When the last one gives up, nobody needs
// it any more.
func (i *images) wait(ctx context.Context, deadline time.Time, p *Prepared, m *making) *Error {
	failure := m.wait(ctx, deadline)
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.waiting--; failure != nil && m.waiting == 0 && m.prepared == nil && i.byKey[p.key] == m {
		delete(i.byKey, p.key)
		m.cancel()
	}
	return failure
}

func (m *making) wait(ctx context.Context, deadline time.Time) *Error {
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
		return stopped(ctx, ctx.Err())
	}
}

// keep and drop count the nodes that serve with an image.
func (i *images) keep(p *Prepared) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kept[p.key]++
}

func (i *images) drop(p *Prepared) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.kept[p.key]--; i.kept[p.key] > 0 {
		return
	}
	delete(i.kept, p.key)
	if m := i.byKey[p.key]; m != nil && m.prepared != nil {
		delete(i.byKey, p.key)
		i.end(m.prepared)
	}
}

// known returns the answer of a node whose image is there.
func (i *images) known(p *Prepared) (*prepared, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m := i.byKey[p.key]
	if m == nil || m.prepared == nil {
		return nil, false
	}
	return m.prepared, true
}

// fill makes an image, and room for it.
func (i *images) fill(ctx context.Context, p *Prepared, m *making) {
	defer m.cancel()
	made, failure := i.tryMake(ctx, p, m.fuel)
	i.mu.Lock()
	defer i.mu.Unlock()
	defer close(m.done)
	m.prepared, m.failure = made, failure
	switch {
	case i.byKey[p.key] != m: // nobody waits for it any more
		if failure == nil {
			i.end(made)
		}
		return
	case failure != nil || made.instances == nil:
		delete(i.byKey, p.key) // there is nothing to keep
		return
	}
	for len(i.byKey) > i.host.options.PreparedSnapshots && i.endOldest(m) {
	}
}

// tryMake is make, which waits for memory that others have; a panic of the sandbox is an error, as
// nobody else is on this goroutine.
func (i *images) tryMake(ctx context.Context, of *Prepared, fuel uint64) (made *prepared, failure *Error) {
	defer func() {
		if p := recover(); p != nil {
			failure = &Error{Code: CodeInternal, Message: "an error in the host", Detail: fmt.Errorf("preparing: %v", p)}
		}
	}()
	failure = of.share.retry(ctx, i.host.patience, func() (failure *Error) {
		made, failure = i.make(ctx, of, fuel)
		return failure
	})
	return made, failure
}

// endOldest lets the image go that was used least lately, other than but; false when there is none,
// since all are being made.
func (i *images) endOldest(but *making) bool {
	var oldest *making
	var key [sha256.Size]byte
	for k, m := range i.byKey {
		if m != but && m.prepared != nil && (oldest == nil || m.prepared.older(oldest.prepared)) {
			oldest, key = m, k
		}
	}
	if oldest == nil {
		return false
	}
	delete(i.byKey, key)
	i.end(oldest.prepared)
	return true
}

func (p *prepared) older(than *prepared) bool { return p.used.Load() < than.used.Load() }

// end lets an image go when its calls have ended.
func (i *images) end(p *prepared) {
	if !p.running.close() {
		return
	}
	i.ending.Go(func() {
		<-p.running.ended
		if p.instances != nil {
			p.instances.close()
		}
	})
}

// close lets all images go and waits for it. There are no calls any more.
func (i *images) close() {
	i.quit()
	i.mu.Lock()
	for key, m := range i.byKey {
		delete(i.byKey, key)
		i.end(m.prepared) // what is being made has its callers in the module's gate
	}
	i.mu.Unlock()
	i.ending.Wait()
}

// shrink lets images go that nobody uses, and shrinks the pools of the others.
func (i *images) shrink() {
	i.host.clock.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, m := range i.byKey {
		p := m.prepared
		switch {
		case p == nil: // being made
			continue
		case p.used.Load() != p.seen:
			p.seen, p.idle = p.used.Load(), 0
		default:
			p.idle++
		}
		if p.idle >= closeAfter {
			delete(i.byKey, key)
			i.end(p)
		} else if pool, ok := p.instances.(*pool); ok {
			pool.shrink()
		}
	}
}

// reclaim ends idle instances of all images.
func (i *images) reclaim(what idleness, enough func() bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.byKey {
		if m.prepared == nil {
			continue
		}
		if pool, ok := m.prepared.instances.(*pool); ok {
			pool.reclaim(what, enough)
		}
	}
}

// leastUsed tells when the image was used that was used least lately, of those without a call; ok
// is false when there is none.
func (i *images) leastUsed() (used int64, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.byKey {
		if m.unused() && (!ok || m.prepared.used.Load() < used) {
			used, ok = m.prepared.used.Load(), true
		}
	}
	return used, ok
}

// endUnused ends an image without a call that was not used later; false when there is none any
// more. Its memory is free afterwards.
func (i *images) endUnused(later int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, m := range i.byKey {
		if m.unused() && m.prepared.used.Load() <= later && m.prepared.running.closeEmpty() {
			delete(i.byKey, key)
			m.prepared.instances.close()
			return true
		}
	}
	return false
}

// unused tells whether there is an image that no call has just now. The lock of images is held.
func (m *making) unused() bool {
	return m.prepared != nil && m.prepared.instances != nil && m.prepared.bytes > 0 && m.prepared.running.empty()
}

// make makes an image: of an instance that was put back to the module's own and then prepared. No
// time limits it, so that what was prepared once is prepared on a busy machine as well; fuel does,
// and ctx ends it between two slices.
func (i *images) make(ctx context.Context, of *Prepared, fuel uint64) (*prepared, *Error) {
	begin := i.begin()
	in, failure := i.base.acquire(ctx, begin, of.share)
	if failure != nil {
		return nil, failure
	}
	defer i.base.release(in, false)
	p := &prepared{running: gate{ended: make(chan struct{})}}
	p.answer, failure = in.prepare(ctx, begin, i.base.buffer(), of.fixed, fuel)
	// whatever the guest made of it: with more memory it is another answer
	if full := in.crowded(); full != nil {
		return nil, full
	}
	if failure != nil {
		return nil, failure
	}
	p.fuel = begin.Fuel
	if p.answer.Kind != abi.Output {
		return p, nil
	}
	base, ok := i.base.(kept)
	if !ok {
		p.instances = preparing{fresh{i.starter}, of.fixed}
		return p, nil
	}
	image, failure := in.image(i.host.options.Reset)
	if failure != nil {
		return nil, failure
	}
	image.input = base.image.input
	p.instances, p.bytes = newPool(i.starter, image), image.counted
	p.used.Store(i.host.clock.Add(2) - 1) // calls from now on are later
	return p, nil
}
