package sandbox

import (
	"context"
	"math/bits"
	"math/rand/v2"
	goruntime "runtime"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// pool stores instances between calls. Each is restored to the snapshot before the next call can
// take it.
type pool struct {
	*instantiator
	snapshot *snapshot

	live   atomic.Int64 // all instances, in use or free
	shards []shard      // the free instances
}

// shard is a part of a pool's free instances, so that cores seldom contend for a lock. A session
// tends to stay on a core, and its calls take and return instances in one shard. So an instance
// tends to stay there too, with its memory in that core's caches.
type shard struct {
	mu   sync.Mutex
	free []*instance // the most recently used one is last
	size atomic.Int64
	low  int // the smallest size since the last evictIdle
	_    [64]byte
}

// maxSpareShards limits the shards of a pool that are more than the cores: a call without a free
// instance looks into all of them.
const maxSpareShards = 32

func newPool(c *instantiator, i *snapshot) *pool {
	// More shards than cores, so that sessions of two cores seldom have the same one.
	n := 1 << bits.Len(uint(goruntime.GOMAXPROCS(0)-1))
	n = max(n, min(4*n, maxSpareShards))
	return &pool{instantiator: c, snapshot: i, shards: make([]shard, n)}
}

func (p *pool) inputBuffer() uint32 { return p.snapshot.inputBuffer }

// acquire takes a free instance, makes one, or waits for one. Calls in the wait queue come first.
func (p *pool) acquire(ctx context.Context, s *hostapi.Session, share *Share) (*instance, *Error) {
	if share.budget.waiting.Load() == 0 {
		if in := p.takeNear(s.Lane); in != nil {
			if in.memory.footprint.attach(share) {
				return in, nil
			}
			p.put(in)
		}
	}
	h := p.footprint(p.snapshot)
	g, failure := share.admit(ctx, s.Deadline, p, h.bytes)
	switch {
	case failure != nil:
		return nil, failure
	case g.idle != nil:
		return g.idle, nil
	}
	h.share = share
	in, err := p.make(h)
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: "an instance cannot be made", Detail: err}
	}
	in.lane = s.Lane
	p.live.Add(1)
	return in, nil
}

// make makes an instance from the snapshot. h has been counted for it.
func (p *pool) make(h footprint) (*instance, error) {
	r, err := p.snapshot.region(uint64(p.layout.Base) + p.limit)
	if err != nil {
		h.shrink(h.bytes)
		return nil, err
	}
	in, err := p.instantiate(r, h)
	if err != nil {
		return nil, err
	}
	if err := in.reset(p.snapshot, false); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// release restores an instance and makes it free. The reset restores everything that a call can
// have changed, so an instance can be reused even after a trap. Only its functions are replaced
// then, since their stacks may be large, and its dirty marks are not trusted.
func (p *pool) release(in *instance, healthy bool) {
	if !healthy {
		in.refreshFunctions()
	}
	if in.reset(p.snapshot, healthy) != nil || in.settleFootprint() != nil {
		p.discard(in)
		return
	}
	b := p.budget
	in.memory.footprint.detach()
	p.put(in)
	if b.waiting.Load() > 0 {
		b.offerIdle(p)
	}
}

func (p *pool) discard(in *instance) {
	p.live.Add(-1)
	in.close()
}

// take takes any free instance, or returns nil if there is none.
func (p *pool) take() *instance { return p.takeNear(rand.Uint32()) }

// takeNear takes a free instance, from the shard of a lane if there is one. It returns nil if none
// is free.
func (p *pool) takeNear(lane uint32) *instance {
	for i := range p.shards {
		s := &p.shards[(int(lane)+i)&(len(p.shards)-1)]
		if s.size.Load() == 0 {
			continue
		}
		s.mu.Lock()
		if n := len(s.free) - 1; n >= 0 {
			in := s.free[n]
			s.free[n] = nil
			s.free = s.free[:n]
			s.low = min(s.low, n)
			s.size.Store(int64(n))
			s.mu.Unlock()
			in.lane = lane
			return in
		}
		s.mu.Unlock()
	}
	return nil
}

// put adds a free instance to the shard of its last call.
func (p *pool) put(in *instance) {
	in.idle = 0
	s := &p.shards[int(in.lane)&(len(p.shards)-1)]
	s.mu.Lock()
	s.free = append(s.free, in)
	s.size.Store(int64(len(s.free)))
	s.mu.Unlock()
}

// close ends all instances and the snapshot.
func (p *pool) close() {
	for in := p.take(); in != nil; in = p.take() {
		in.close()
		p.live.Add(-1)
	}
	p.snapshot.free()
}

// registeredPool is a pool whose idle memory its host evicts.
type registeredPool struct {
	*pool
	unregister func()
}

func (k registeredPool) close() {
	k.unregister()
	k.pool.close()
}
