package sandbox

import "time"

// Eviction of idle instances. A host runs a round every evictInterval. An instance that was not
// used between two rounds gives its memory back. One that was not used for closeAfterIdle rounds is
// closed.
const (
	evictInterval  = 15 * time.Second
	closeAfterIdle = 20
)

// usedLately reports whether there was a call since the last round.
func (p *pool) usedLately() bool {
	unused := int64(0)
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		unused += int64(s.low)
		s.mu.Unlock()
	}
	return p.live.Load() > unused
}

// evictIdle trims and closes instances that were not needed since the last round. Shards are
// stacks, so those are as many as the shard's smallest size, counted from the bottom. One instance
// of a module is never closed, so that the next call is fast.
func (p *pool) evictIdle() {
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		unused := min(s.low, len(s.free))
		idle := append([]*instance(nil), s.free[:unused]...)
		s.free = append(s.free[:0], s.free[unused:]...)
		s.low = len(s.free)
		s.size.Store(int64(len(s.free)))
		s.mu.Unlock()

		rest := idle[:0]
		for _, in := range idle {
			in.idle++
			if in.idle >= closeAfterIdle && p.live.Load() > 1 || in.idle == 1 && in.trim() != nil {
				p.discard(in)
				continue
			}
			rest = append(rest, in)
		}
		s.mu.Lock()
		s.free = append(rest, s.free...)
		s.low = min(s.low+len(rest), len(s.free))
		s.size.Store(int64(len(s.free)))
		s.mu.Unlock()
		if len(rest) > 0 && p.budget.waiting.Load() > 0 {
			p.budget.offerIdle(p)
		}
	}
}

// idleness is how unlikely something is to be needed soon.
type idleness int

// The order in which memory is reclaimed.
const (
	unusedInstances idleness = iota // instances that were not needed since the last eviction round
	idleInstances                   // other free instances
	unusedSnapshots                 // prepared snapshots without running calls
)

// reclaim ends instances of the given idleness until enough reports true or none is left.
func (p *pool) reclaim(what idleness, enough func() bool) {
	for !enough() {
		var in *instance
		switch what {
		case unusedInstances:
			in = p.takeUnused()
		case idleInstances:
			in = p.take()
		}
		if in == nil {
			return
		}
		p.discard(in)
	}
}

// takeUnused takes an instance that was not needed since the last eviction round, or returns nil if
// there is none.
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
