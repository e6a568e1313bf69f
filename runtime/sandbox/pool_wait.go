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
	if most := s.most(); need > most {
		return nil, tooLarge(need, most)
	}
	if b.waiting.Load() == 0 && s.hold(need) {
		if b.takeIdle(need) {
			return nil, nil
		}
		s.drop(need)
	}
	w := &waiter{s, p, need, make(chan *instance, 1)}
	b.enter(w)
	b.serveWaiting()
	select {
	case in := <-w.granted:
		return in, nil
	default:
	}
	b.reclaim(need) // what has become idle before others could see that somebody waits
	b.serveWaiting()
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
		b.leave(w)
		return nil, &Error{
			Code: CodeTimeout, Message: "the time limit has passed while all memory for nodes was in use",
			Detail: &BudgetFullError{Need: need},
		}
	case <-ctx.Done():
		b.leave(w)
		return nil, stopped(ctx, ctx.Err())
	}
}

// enter puts a call at the end of its share's line.
func (b *Budget) enter(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(w.share.line) == 0 {
		b.turns = append(b.turns, w.share)
	}
	w.share.line = append(w.share.line, w)
	b.waiting.Add(1)
}

// leave takes a call out of the line. What it was given meanwhile goes to others.
func (b *Budget) leave(w *waiter) {
	b.mu.Lock()
	if i := slices.Index(w.share.line, w); i >= 0 {
		b.remove(w.share, i)
		b.serve()
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	if in := <-w.granted; in != nil {
		in.memory.holding.let()
		w.pool.give(in)
		b.pass(w.pool)
		return
	}
	w.share.drop(w.need)
	b.give(w.need)
}

// remove takes the i-th call out of a share's line. The lock is held.
func (b *Budget) remove(s *Share, i int) {
	s.line = slices.Delete(s.line, i, i+1)
	b.waiting.Add(-1)
	at := slices.Index(b.turns, s)
	b.turns = slices.Delete(b.turns, at, at+1)
	if len(s.line) > 0 { // others have their turn first
		b.turns = append(b.turns, s)
	}
}

// serveWaiting gives those their turn who wait, if anybody does.
func (b *Budget) serveWaiting() {
	if b.waiting.Load() == 0 {
		return
	}
	b.collect()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serve()
}

// serve gives calls in line what there is, share by share. It stops at one for which memory is
// missing, so that others who need less do not keep it waiting for ever; those whose share is used
// up are passed over. The lock is held.
func (b *Budget) serve() {
	b.hungry.Store(false)
	for i := 0; i < len(b.turns); {
		s := b.turns[i]
		w := s.line[0]
		in, granted, hungry := b.grant(w)
		switch {
		case granted:
			b.remove(s, 0)
			w.granted <- in
			i = 0
		case hungry:
			b.hungry.Store(true)
			return
		default:
			i++
		}
	}
}

// grant takes what a call waits for. Without it, hungry tells whether memory is missing, and not
// room in the share.
func (b *Budget) grant(w *waiter) (in *instance, granted, hungry bool) {
	if w.pool != nil {
		if in = w.pool.take(); in != nil {
			if in.memory.holding.hold(w.share) {
				return in, true, false
			}
			w.pool.give(in)
			return nil, false, false
		}
	}
	if !w.share.hold(w.need) {
		return nil, false, false
	}
	if !b.take(w.need) {
		w.share.drop(w.need)
		return nil, false, true
	}
	return nil, true, false
}

// pass gives calls in line their turn after an instance of the pool has become idle. When the one
// whose turn it is needs memory and not this instance, the instance is ended for it.
func (b *Budget) pass(p *pool) {
	for b.serveWaiting(); b.waiting.Load() > 0 && b.hungry.Load(); b.serveWaiting() {
		in := p.take()
		if in == nil {
			return
		}
		p.discard(in)
	}
}
