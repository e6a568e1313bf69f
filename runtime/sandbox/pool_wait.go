package sandbox

import (
	"context"
	"slices"
	"time"
)

// waiter is a call that waits for an instance, or for the memory to make one.
type waiter struct {
	share   *Share
	pool    *pool // whose idle instances are as good; nil = there are none
	need    int64 // bytes of a new one
	granted chan *instance
}

// admit waits until the call may have an instance: an idle one of the pool, or one that the caller
// makes, for which need bytes are counted then. It waits until ctx or the deadline ends; the zero
// deadline is none.
//
// Who waits has nothing yet: see [Budget] why that ends.
func (s *Share) admit(ctx context.Context, deadline time.Time, p *pool, need int64) (*instance, *Error) {
	b := s.budget
	if most := s.limit(); need > most {
		return nil, tooLargeError(need, most)
	}
	if b.waiting.Load() == 0 && s.take(need) {
		if b.takeEvicting(need) {
			return nil, nil
		}
		s.give(need)
	}
	w := &waiter{s, p, need, make(chan *instance, 1)}
	b.enqueue(w)
	b.serve()
	select {
	case in := <-w.granted:
		return in, nil
	default:
	}
	b.reclaim(need) // what has become idle before others could see that somebody waits
	b.serve()
	var late <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case in := <-w.granted:
		return in, nil
	case <-late:
		b.dequeue(w)
		return nil, &Error{
			Code: CodeTimeout, Message: "the time limit has passed while all memory for nodes was in use",
			Detail: &BudgetFullError{Need: need},
		}
	case <-ctx.Done():
		b.dequeue(w)
		return nil, contextError(ctx, ctx.Err())
	}
}

// enqueue puts a call at the end of its share's line.
func (b *Budget) enqueue(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(w.share.queue) == 0 {
		b.order = append(b.order, w.share)
	}
	w.share.queue = append(w.share.queue, w)
	b.waiting.Add(1)
}

// dequeue takes a call out of the line. What it was given meanwhile goes to others.
func (b *Budget) dequeue(w *waiter) {
	b.mu.Lock()
	if i := slices.Index(w.share.queue, w); i >= 0 {
		b.removeLocked(w.share, i)
		b.serveLocked()
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	if in := <-w.granted; in != nil {
		in.memory.footprint.detach()
		w.pool.put(in)
		b.offerIdle(w.pool)
		return
	}
	w.share.give(w.need)
	b.give(w.need)
}

// removeLocked takes the i-th call out of a share's line. The lock is held.
func (b *Budget) removeLocked(s *Share, i int) {
	s.queue = slices.Delete(s.queue, i, i+1)
	b.waiting.Add(-1)
	at := slices.Index(b.order, s)
	b.order = slices.Delete(b.order, at, at+1)
	if len(s.queue) > 0 { // others have their turn first
		b.order = append(b.order, s)
	}
}

// serve gives those their turn who wait, if anybody does.
func (b *Budget) serve() {
	if b.waiting.Load() == 0 {
		return
	}
	b.collectGarbage()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveLocked()
}

// serveLocked gives calls in line what there is, share by share. It stops at one for which memory is
// missing, so that others who need less do not keep it waiting for ever; those whose share is used
// up are passed over. The lock is held.
func (b *Budget) serveLocked() {
	b.short.Store(false)
	for i := 0; i < len(b.order); {
		s := b.order[i]
		w := s.queue[0]
		in, granted, hungry := b.tryGrant(w)
		switch {
		case granted:
			b.removeLocked(s, 0)
			w.granted <- in
			i = 0
		case hungry:
			b.short.Store(true)
			return
		default:
			i++
		}
	}
}

// tryGrant takes what a call waits for. Without it, hungry tells whether memory is missing, and not
// room in the share.
func (b *Budget) tryGrant(w *waiter) (in *instance, granted, hungry bool) {
	if w.pool != nil {
		if in = w.pool.take(); in != nil {
			if in.memory.footprint.attach(w.share) {
				return in, true, false
			}
			w.pool.put(in)
			return nil, false, false
		}
	}
	if !w.share.take(w.need) {
		return nil, false, false
	}
	if !b.take(w.need) {
		w.share.give(w.need)
		return nil, false, true
	}
	return nil, true, false
}

// offerIdle gives calls in line their turn after an instance of the pool has become idle. When the one
// whose turn it is needs memory and not this instance, the instance is ended for it.
func (b *Budget) offerIdle(p *pool) {
	for b.serve(); b.waiting.Load() > 0 && b.short.Load(); b.serve() {
		in := p.take()
		if in == nil {
			return
		}
		p.discard(in)
	}
}
