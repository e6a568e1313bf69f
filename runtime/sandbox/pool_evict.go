package sandbox

import "time"

// What becomes of instances that nobody needs. shrinkEvery is how often a host looks; an instance
// that was not used between two looks gives its memory back, one that was not used for closeAfter
// looks is closed.
const (
	shrinkEvery = 15 * time.Second
	closeAfter  = 20
)

// shrink trims and closes instances that were not needed since the last look: in each shard those
// below the lowest size that it had, since the last one is taken first. One instance of a module
// stays, so that the next call is a quick one.
func (p *pool) shrink() {
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		unused := min(s.low, len(s.free))
		idle := append([]*instance(nil), s.free[:unused]...)
		s.free = append(s.free[:0], s.free[unused:]...)
		s.low = len(s.free)
		s.size.Store(int64(len(s.free)))
		s.mu.Unlock()

		kept := idle[:0]
		for _, in := range idle {
			in.idle++
			if in.idle >= closeAfter && p.live.Load() > 1 || in.idle == 1 && in.trim() != nil {
				p.discard(in)
				continue
			}
			kept = append(kept, in)
		}
		s.mu.Lock()
		s.free = append(kept, s.free...)
		s.low = min(s.low+len(kept), len(s.free))
		s.size.Store(int64(len(s.free)))
		s.mu.Unlock()
		if len(kept) > 0 && p.budget.waiting.Load() > 0 {
			p.budget.pass(p)
		}
	}
}

// idleness is how much nobody needs something.
type idleness int

// What goes when memory is missing, in this order.
const (
	unused       idleness = iota // instances that were not needed since the last look of shrink
	idle                         // other instances that nobody uses just now
	unusedImages                 // images whose nodes are not called just now
)

// reclaim ends instances until it is enough, or there are none that are as idle.
func (p *pool) reclaim(what idleness, enough func() bool) {
	for !enough() {
		var in *instance
		switch what {
		case unused:
			in = p.takeUnused()
		case idle:
			in = p.take()
		}
		if in == nil {
			return
		}
		p.discard(in)
	}
}

// takeUnused takes an instance that was not needed since the last look of shrink; nil = there is
// none.
func (p *pool) takeUnused() *instance {
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		if s.low > 0 && len(s.free) > 0 {
			in := s.free[0]
			s.free = append(s.free[:0], s.free[1:]...)
			s.low--
			s.size.Store(int64(len(s.free)))
			s.mu.Unlock()
			return in
		}
		s.mu.Unlock()
	}
	return nil
}
