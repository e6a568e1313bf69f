package sandbox

import (
	"context"
	"slices"
	"time"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// wait waits in line for an instance. Without an instance and without an error there may be room for another one.
func (p *pool) wait(ctx context.Context, s *hostapi.Session) (*instance, *Error) {
	c := make(chan *instance, 1)
	p.mu.Lock()
	p.waiters = append(p.waiters, c)
	p.waiting.Add(1)
	p.mu.Unlock()
	// Who released an instance, or ended one, before it could see that somebody waits, has left it for us.
	if in := p.take(); in != nil {
		p.leave(c)
		return in, nil
	}
	if p.live.Load() < p.most {
		p.leave(c)
		return nil, nil
	}
	var late <-chan time.Time
	if !s.Deadline.IsZero() {
		t := time.NewTimer(time.Until(s.Deadline))
		defer t.Stop()
		late = t.C
	}
	select {
	case in := <-c:
		return in, nil
	case <-late:
		p.leave(c)
		return nil, &Error{Code: CodeTimeout, Message: "the time limit has passed while all instances were in use"}
	case <-ctx.Done():
		p.leave(c)
		return nil, stopped(ctx, ctx.Err())
	}
}

// leave takes a call out of the line. What it was served meanwhile goes to the next one.
func (p *pool) leave(c chan *instance) {
	p.mu.Lock()
	if i := slices.Index(p.waiters, c); i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
		p.waiting.Add(-1)
	}
	p.mu.Unlock()
	select {
	case in := <-c:
		if in != nil {
			p.give(in)
			p.serve(p.take)
		} else {
			p.serve(nil)
		}
	default:
	}
}

// serve gives the call that has waited longest what take takes, or, when that is nil, the turn to look for room. It does nothing when nobody
// waits or nothing is left to take.
func (p *pool) serve(take func() *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) == 0 {
		return
	}
	var in *instance
	if take != nil {
		if in = take(); in == nil {
			return
		}
	}
	c := p.waiters[0]
	p.waiters = slices.Delete(p.waiters, 0, 1)
	p.waiting.Add(-1)
	c <- in
}
