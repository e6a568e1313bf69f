package flow

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Cache caches, for one execution, the values that the templates of its plan find in large values,
// so that each large value is scanned once, and not once for each template, node or item. Its size
// depends on the plan alone: one entry for each path that the plan names. It allocates nothing
// until it is useful. The zero value is ready, and safe for concurrent use. Values in which
// something was found must not change.
type Cache struct {
	roots atomic.Pointer[[]cachedRoot]
}

// cachedRoot has the values found below one root.
type cachedRoot struct {
	mu    sync.Mutex // held during a search: others wait for its result
	found atomic.Pointer[foundIn]
}

// foundIn has the values to which the targets of a root lead.
type foundIn struct {
	value []byte
	found [][]byte // nil = missing
}

// in reports whether f is of v itself, not of an equal value.
func (f *foundIn) in(v []byte) bool {
	return f != nil && len(f.value) == len(v) && len(v) > 0 && &f.value[0] == &v[0]
}

// root returns the entry of a root.
func (c *Cache) root(p *Plan, i int) *cachedRoot {
	roots := c.roots.Load()
	for roots == nil {
		made := make([]cachedRoot, p.shared)
		c.roots.CompareAndSwap(nil, &made)
		roots = c.roots.Load()
	}
	return &(*roots)[i]
}

// find returns the values to which t leads in v.
func (r *cachedRoot) find(t *targets, v []byte, w *work) ([][]byte, error) {
	if f := r.found.Load(); f.in(v) {
		return f.found, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.found.Load(); f.in(v) {
		return f.found, nil
	}
	f := &foundIn{value: v, found: make([][]byte, len(t.paths))}
	if err := t.find(v, f.found, w); err != nil {
		return nil, err
	}
	r.found.Store(f)
	return f.found, nil
}

// Values of up to direct bytes are scanned for each template, which is cheaper than caching, until
// a scope has scanned directTotal bytes.
const (
	direct      = 8 << 10
	directTotal = 16 << 10
	directItem  = 1 << 10 // of one item
)

// follow returns the value to which a reference leads in v, the value of its root; nil = missing.
// The meter counts short work when the value is appended.
func (s *Scope) follow(ref *reference, v []byte) ([]byte, error) {
	switch t := ref.targets; {
	case len(ref.steps) == 0 || len(v) == 0:
		return v, nil
	case t == nil || ref.shared >= 0 && (s.Cache == nil || s.walked < directTotal && len(v) <= direct):
		found, n := follow(v, ref.steps)
		s.walked += n
		s.work.open += n
		return found, nil
	case ref.shared >= 0:
		found, err := s.Cache.root(s.Plan, int(ref.shared)).find(t, v, &s.work)
		if err != nil {
			return nil, err
		}
		return found[ref.target], nil
	default:
		return s.followItem(ref, v)
	}
}

// foundItem is the cache of a scope for its item.
type foundItem struct {
	foundIn
	of     *targets // that were found; nil = none yet
	walked int      // bytes for those that were followed one by one
}

// followItem is follow in the item, which each scope caches for itself.
func (s *Scope) followItem(ref *reference, v []byte) ([]byte, error) {
	if s.item == nil {
		s.item = new(foundItem)
	}
	m := s.item
	if !m.in(v) {
		m.value, m.of, m.walked = v, nil, 0
	}
	if t := ref.targets; m.of != t {
		if m.walked < directItem && len(v) <= direct {
			found, n := follow(v, ref.steps)
			m.walked += n
			s.work.open += n
			return found, nil
		}
		m.found = slices.Grow(m.found[:0], len(t.paths))[:len(t.paths)]
		clear(m.found)
		if err := t.find(v, m.found, &s.work); err != nil {
			return nil, err
		}
		m.of = t
	}
	return m.found[ref.target], nil
}

// follow follows a path from v. found is nil when something on the way is missing. walked is the
// number of bytes read.
func follow(v []byte, path rawjson.Path) (found []byte, walked int) {
	for i := range path {
		in := v
		if s := &path[i]; s.Index >= 0 {
			v = rawjson.Index(in, s.Index)
		} else {
			v = rawjson.Get(in, s.Key)
		}
		if v == nil {
			return nil, walked + len(in)
		}
		walked += cap(in) - cap(v) + len(v) // a view ends where the memory of its value does
	}
	return v, walked
}
