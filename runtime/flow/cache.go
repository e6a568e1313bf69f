package flow

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// Cache remembers for one execution what the templates of its plan have found in large values, so
// that each of these is walked over once, and not once for each template, node or item. What it
// takes depends on the plan alone: a place for each path that the plan names. It takes nothing
// before it is of use. The zero value is ready, and safe for concurrent use; values in which
// something was found must not change.
type Cache struct {
	roots atomic.Pointer[[]cachedRoot]
}

// cachedRoot is what was found in the value of one root.
type cachedRoot struct {
	mu    sync.Mutex // held while somebody looks: the others wait for what that finds
	found atomic.Pointer[foundIn]
}

// foundIn is what the targets of a root lead to in a value.
type foundIn struct {
	value []byte
	found [][]byte // nil = missing
}

// in tells whether it was found in v itself, not in its like.
func (f *foundIn) in(v []byte) bool {
	return f != nil && len(f.value) == len(v) && len(v) > 0 && &f.value[0] == &v[0]
}

// root is what is remembered of a root.
func (c *Cache) root(p *Plan, i int) *cachedRoot {
	roots := c.roots.Load()
	for roots == nil {
		made := make([]cachedRoot, p.shared)
		c.roots.CompareAndSwap(nil, &made)
		roots = c.roots.Load()
	}
	return &(*roots)[i]
}

// find is what t leads to in v.
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

// Values up to direct bytes are walked over for each template, which is cheaper than to remember
// what was found in them, until a scope has walked over directTotal bytes.
const (
	direct      = 8 << 10
	directTotal = 16 << 10
	directItem  = 1 << 10 // of one item
)

// follow is what a reference leads to in v, the value of its root; nil = missing. The meter is told
// of short work when the value is appended.
func (s *Scope) follow(ref *reference, v []byte) ([]byte, error) {
	switch t := ref.targets; {
	case len(ref.steps) == 0 || len(v) == 0:
		return v, nil
	case t == nil || t.shared >= 0 && (s.Cache == nil || s.walked < directTotal && len(v) <= direct):
		found, n := follow(v, ref.steps)
		s.walked += n
		s.work.open += n
		return found, nil
	case t.shared >= 0:
		found, err := s.Cache.root(s.Plan, t.shared).find(t, v, &s.work)
		if err != nil {
			return nil, err
		}
		return found[ref.target], nil
	default:
		return s.followItem(ref, v)
	}
}

// foundItem is what a scope remembers of the item.
type foundItem struct {
	foundIn
	of     *targets // that were found; nil = none yet
	walked int      // bytes for those that were followed one by one
}

// followItem is follow in the item, of which each scope remembers its own.
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

// follow walks from v along a path; found is nil when something on the way is missing. walked is how
// many bytes it has read.
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
