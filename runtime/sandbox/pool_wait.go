package sandbox

import (
	"context"
	"slices"
	"time"
)

// waiter is a call in the wait queue of its share.
type waiter struct {
	share   *Share
	pool    *pool // an idle instance of it will do; nil = only memory will
	need    int64 // bytes of a new instance
	granted chan grant
}

// grant lets a call proceed. It is one of two things: an idle instance, or else the memory for a
// new one, which has been counted for the caller.
type grant struct{ idle *instance }

// admit waits until the call may have an instance: an idle one of the pool, or the memory to make
// one, for which need bytes are counted then. It waits until ctx or the deadline ends; the zero
// deadline means none.
//
// A waiting call holds nothing yet. That is why waits end; see [Budget].
func (s *Share) admit(ctx context.Context, deadline time.Time, p *pool, need int64) (grant, *Error) {
	b := s.budget
	if most := s.limit(); need > most {
		return grant{}, tooLargeError(need, most)
	}
	if b.waiting.Load() == 0 && s.take(need) {
		if b.takeEvicting(need) {
			return grant{}, nil
		}
		s.give(need)
	}
	w := &waiter{s, p, need, make(chan grant, 1)}
	b.enqueue(w)
	b.serve()
	select {
	case g := <-w.granted:
		return g, nil
	default:
	}
	b.reclaim(need) // memory that became idle before others could see this waiter
	b.serve()
	var late <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case g := <-w.granted:
		return g, nil
	case <-late:
		b.dequeue(w)
		return grant{}, &Error{
			Code: CodeTimeout, Message: "the time limit has passed while all memory for nodes was in use",
			Detail: &BudgetFullError{Need: need},
		}
	case <-ctx.Done():
		b.dequeue(w)
		return grant{}, contextError(ctx, ctx.Err())
	}
}

// enqueue appends a call to its share's queue.
func (b *Budget) enqueue(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(w.share.queue) == 0 {
		b.order = append(b.order, w.share)
	}
	w.share.queue = append(w.share.queue, w)
	b.waiting.Add(1)
}

// dequeue removes a call from its queue. If it was granted something meanwhile, others get that.
func (b *Budget) dequeue(w *waiter) {
	b.mu.Lock()
	if i := slices.Index(w.share.queue, w); i >= 0 {
		b.removeLocked(w.share, i) // its share keeps its turn: it was granted nothing
		b.serveLocked()
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	if g := <-w.granted; g.idle != nil {
		g.idle.memory.footprint.detach()
		w.pool.put(g.idle)
		b.offerIdle(w.pool)
		return
	}
	w.share.give(w.need)
	b.give(w.need)
}

// removeLocked removes the i-th call from a share's queue, and a share without calls from the
// order. The caller holds the lock.
func (b *Budget) removeLocked(s *Share, i int) {
	s.queue = slices.Delete(s.queue, i, i+1)
	b.waiting.Add(-1)
	if len(s.queue) == 0 {
		at := slices.Index(b.order, s)
		b.order = slices.Delete(b.order, at, at+1)
	}
}

// serve grants free memory and idle instances to waiting calls, if there are any.
func (b *Budget) serve() {
	if b.waiting.Load() == 0 {
		return
	}
	b.collectGarbage()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveLocked()
}

// serveLocked is serve with the lock held. It serves share after share. It stops at a call for
// which memory is missing, so that smaller calls do not starve it. It skips shares that are used
// up.
func (b *Budget) serveLocked() {
	b.short.Store(false)
	for i := 0; i < len(b.order); {
		s := b.order[i]
		w := s.queue[0]
		switch g, result := b.tryGrant(w); result {
		case granted:
			b.removeLocked(s, 0)
			if len(s.queue) > 0 { // other shares come first
				b.order = append(slices.Delete(b.order, i, i+1), s)
			}
			w.granted <- g
			i = 0
		case memoryShort:
			b.short.Store(true)
			return
		case shareUsedUp:
			i++
		}
	}
}

// grantResult is the outcome of tryGrant.
type grantResult int

const (
	granted     grantResult = iota
	shareUsedUp             // the call waits for others of its share
	memoryShort             // the call waits for memory of the budget
)

// tryGrant takes what a call waits for.
func (b *Budget) tryGrant(w *waiter) (grant, grantResult) {
	if w.pool != nil {
		if in := w.pool.take(); in != nil {
			if in.memory.footprint.attach(w.share) {
				return grant{idle: in}, granted
			}
			w.pool.put(in)
			return grant{}, shareUsedUp
		}
	}
	if !w.share.take(w.need) {
		return grant{}, shareUsedUp
	}
	if !b.take(w.need) {
		w.share.give(w.need)
		return grant{}, memoryShort
	}
	return grant{}, granted
}

// offerIdle serves waiting calls after an instance of the pool has become idle. If the next call
// needs memory instead of this instance, the instance is ended for it.
func (b *Budget) offerIdle(p *pool) {
	for b.serve(); b.waiting.Load() > 0 && b.short.Load(); b.serve() {
		in := p.take()
		if in == nil {
			return
		}
		p.discard(in)
	}
}
