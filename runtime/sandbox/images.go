package sandbox

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
)

// images are the images of the nodes that a module was prepared for, by what is fixed in their configs: nodes with the same share
// one. There are at most so many; for another one the one goes that was used least lately, and one that nobody has used for
// closeAfter looks of shrink goes by itself. What went is made anew when it is called.
type images struct {
	*starter
	base instances
	host *Host
	drop func()

	mu     sync.Mutex
	byKey  map[[sha256.Size]byte]*making
	ending sync.WaitGroup // of images that were let go
}

// making is an image that is made by the first who needs it.
type making struct {
	once     sync.Once
	prepared *prepared
	failure  *Error
}

func (h *Host) newImages(m *Module, s *starter) *images {
	i := &images{starter: s, base: m.instances, host: h, byKey: make(map[[sha256.Size]byte]*making)}
	i.drop = h.keep(i)
	return i
}

// enter finds or makes the image of a node, and enters its gate, which the caller leaves.
func (i *images) enter(ctx context.Context, p *Prepared) (*prepared, *Error) {
	for {
		i.mu.Lock()
		m := i.byKey[p.key]
		if m == nil {
			m = new(making)
			i.byKey[p.key] = m
		}
		i.mu.Unlock()
		m.once.Do(func() { i.fill(context.WithoutCancel(ctx), p, m) }) // others may wait for it, whatever becomes of this caller
		if m.failure != nil {
			return nil, m.failure
		}
		if m.prepared.running.enter() {
			return m.prepared, nil
		}
	}
}

// fill makes an image, and room for it.
func (i *images) fill(ctx context.Context, p *Prepared, m *making) {
	made, failure := i.make(ctx, p.fixed)
	i.mu.Lock()
	defer i.mu.Unlock()
	if m.prepared, m.failure = made, failure; failure != nil || made.instances == nil {
		delete(i.byKey, p.key) // there is nothing to keep
		return
	}
	for len(i.byKey) > i.host.options.Images && i.endOldest(m) {
	}
}

// endOldest lets the image go that was used least lately, other than but; false when there is none, since all are being made.
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

func (p *prepared) older(than *prepared) bool {
	if p.idle != than.idle {
		return p.idle > than.idle
	}
	return !p.used.Load() && than.used.Load()
}

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
	i.drop()
	i.mu.Lock()
	for key, m := range i.byKey {
		delete(i.byKey, key)
		i.end(m.prepared)
	}
	i.mu.Unlock()
	i.ending.Wait()
}

// shrink lets images go that nobody uses, and shrinks the pools of the others.
func (i *images) shrink() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, m := range i.byKey {
		p := m.prepared
		switch {
		case p == nil: // being made
			continue
		case p.used.Swap(false):
			p.idle = 0
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

// make makes an image: of an instance that was put back to the module's own and then prepared.
func (i *images) make(ctx context.Context, fixed []byte) (*prepared, *Error) {
	begin := i.begin()
	begin.Deadline = time.Now().Add(i.host.prepare)
	in, failure := i.base.acquire(ctx, begin)
	if failure != nil {
		return nil, failure
	}
	defer i.base.release(in, false)
	p := &prepared{running: gate{ended: make(chan struct{})}}
	if p.answer, failure = in.prepare(ctx, begin, i.base.buffer(), fixed); failure != nil {
		return nil, failure
	}
	if p.answer.Kind != abi.Output {
		return p, nil
	}
	base, ok := i.base.(kept)
	if !ok {
		p.instances = preparing{fresh{i.starter}, fixed}
		return p, nil
	}
	image, err := in.image(i.host.options.Reset)
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: err.Error(), Detail: err}
	}
	image.input = base.image.input
	p.instances = newPool(i.starter, image, i.host.options.Instances)
	return p, nil
}
