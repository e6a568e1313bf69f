package flow

import (
	"cmp"
	"slices"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// targets are the paths that the templates of a plan follow from one root, without duplicates. They
// are sorted, so that paths with the same first steps are neighbors, and a path stands before its
// extensions. One pass over a value finds all of them, wherever they lead.
type targets struct {
	paths []rawjson.Path
}

// compareSteps orders steps into members by key, and behind them steps into elements by index.
func compareSteps(a, b rawjson.Step) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Key, b.Key))
}

func comparePaths(a, b rawjson.Path) int { return slices.CompareFunc(a, b, compareSteps) }

// rootKey identifies a root within a plan.
type rootKey struct {
	root root
	node int32  // of rootOutput the one whose it is, of rootItem the one that has forEach
	key  string // of rootGlobal
}

// aim assigns each reference of a plan to a path among the targets of its root.
func (p *Plan) aim() {
	byRoot := make(map[rootKey][]*reference)
	var roots []rootKey
	refs := 0
	for node, t := range p.templates() {
		for i := range t.segments {
			ref := t.segments[i].ref
			if ref != nil && ref.root == rootHeaders {
				p.ReadsHeaders = true
			}
			if ref == nil || len(ref.steps) == 0 {
				continue
			}
			key := rootKey{root: ref.root, node: ref.node, key: ref.key}
			if ref.root == rootItem {
				key.node = int32(node)
			}
			if byRoot[key] == nil {
				roots = append(roots, key)
			}
			byRoot[key] = append(byRoot[key], ref)
			refs++
		}
	}
	all, paths := make([]targets, len(roots)), make([]rawjson.Path, 0, refs)
	for i, key := range roots {
		t := &all[i]
		shared := -1
		if key.root != rootItem {
			shared = p.shared
			p.shared++
		}
		refs := byRoot[key]
		slices.SortFunc(refs, func(a, b *reference) int { return comparePaths(a.steps, b.steps) })
		for i, ref := range refs {
			if i == 0 || comparePaths(ref.steps, refs[i-1].steps) != 0 {
				paths = append(paths, ref.steps)
			}
			ref.targets, ref.target, ref.shared = t, int32(len(paths)-1), int32(shared)
		}
		t.paths, paths = slices.Clip(paths), paths[len(paths):]
	}
}

// find sets found, which has a nil entry for each path, to the values of the paths in v, canonical
// JSON; nil = missing. It stops when all are found, or with the error of w.
func (t *targets) find(v []byte, found [][]byte, w *work) error {
	f := finder{paths: t.paths, v: v, found: found, left: len(found), work: *w}
	f.value(0, 0, len(t.paths), 0)
	err := f.tell(f.at)
	*w = f.work
	return err
}

// finder is a scan through a value. Its methods take the index of a token and return the index
// behind it, or -1 when nothing is left to find. The paths in [lo, hi) lead through the current
// value, and their first depth steps have led here.
type finder struct {
	paths []rawjson.Path
	v     []byte
	found [][]byte
	left  int  // how many paths are not found
	work  work // a copy: with a pointer all scopes would be on the heap
	at    int  // how far it has come
	told  int  // up to where that was counted as work
	err   error
	key   []byte // memory for a key with escapes
}

// tell counts everything before i as work.
func (f *finder) tell(i int) error {
	if f.err == nil {
		f.err = f.work.add(i - f.told)
		f.told = i
	}
	return f.err
}

// pass records that everything before i was scanned. It returns i, or -1 to stop.
func (f *finder) pass(i int) int {
	f.at = i
	if i-f.told >= lookEvery && f.tell(i) != nil {
		return -1
	}
	return i
}

// value scans the value at i and finds targets in it.
func (f *finder) value(i, lo, hi, depth int) int {
	start, ends := i, len(f.paths[lo]) == depth // the others that lead through here stand behind it
	inside := lo
	if ends {
		inside++
	}
	switch {
	case inside < hi && f.has(i, '{'):
		i = f.object(i+1, inside, hi, depth)
	case inside < hi && f.has(i, '['):
		i = f.array(i+1, inside, hi, depth)
	default:
		i = f.skip(i)
	}
	if i < 0 || !ends || f.found[lo] != nil {
		return i
	}
	f.found[lo] = f.v[start:i]
	if f.left--; f.left == 0 {
		return -1
	}
	return i
}

// has reports whether c stands at i.
func (f *finder) has(i int, c byte) bool { return i < len(f.v) && f.v[i] == c }

// object scans the members from i on.
func (f *finder) object(i, lo, hi, depth int) int {
	for f.has(i, '"') {
		key, _ := rawjson.First(f.v[i:])
		i = min(i+len(key)+len(":"), len(f.v))
		if from, to := f.member(f.text(key), lo, hi, depth); from < to {
			i = f.value(i, from, to, depth+1)
		} else {
			i = f.skip(i)
		}
		if i < 0 {
			return i
		}
		if f.has(i, ',') {
			i++
		}
	}
	return f.pass(min(i+len("}"), len(f.v)))
}

// text returns a quoted key without its quotes and escapes, exact as the keys of paths are.
func (f *finder) text(key []byte) []byte {
	if len(key) < len(`""`) {
		return nil
	}
	raw := key[1 : len(key)-1]
	if slices.Contains(raw, '\\') {
		f.key = rawjson.AppendExact(f.key[:0], raw)
		return f.key
	}
	return raw
}

// member finds the paths whose next step is into a member.
func (f *finder) member(key []byte, lo, hi, depth int) (from, to int) {
	for hi-lo > 0 {
		mid := int(uint(lo+hi) / 2)
		switch s := &f.paths[mid][depth]; {
		case s.Index >= 0 || s.Key > string(key):
			hi = mid
		case s.Key < string(key):
			lo = mid + 1
		default:
			return f.same(mid, lo, hi, depth)
		}
	}
	return 0, 0
}

// same returns the range of the paths around mid whose next step is that of mid.
func (f *finder) same(mid, lo, hi, depth int) (from, to int) {
	s := &f.paths[mid][depth]
	is := func(i int) bool { return compareSteps(f.paths[i][depth], *s) == 0 }
	from, to = mid, mid+1
	for from > lo && is(from-1) {
		from--
	}
	for to < hi && is(to) {
		to++
	}
	return from, to
}

// array scans the elements from i on.
func (f *finder) array(i, lo, hi, depth int) int {
	for n := 0; i < len(f.v) && f.v[i] != ']'; n++ {
		for lo < hi && f.paths[lo][depth].Index < n { // into members, and elements that were passed
			lo++
		}
		if lo < hi && f.paths[lo][depth].Index == n {
			_, to := f.same(lo, lo, hi, depth)
			i = f.value(i, lo, to, depth+1)
		} else {
			i = f.skip(i)
		}
		if i < 0 {
			return i
		}
		if !f.has(i, ',') {
			break
		}
		i++
	}
	return f.pass(min(i+len("]"), len(f.v)))
}

// skip skips the value at i.
func (f *finder) skip(i int) int {
	if !f.has(i, '{') && !f.has(i, '[') {
		return f.scalar(i)
	}
	depth := 0
	for i < len(f.v) {
		switch f.v[i] {
		case '"':
			text, _ := rawjson.First(f.v[i:])
			i += len(text)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return f.pass(i + 1)
			}
		case ',':
			if f.pass(i) < 0 {
				return -1
			}
		}
		i++
	}
	return f.pass(i)
}

// scalar skips the string, number or literal at i.
func (f *finder) scalar(i int) int {
	if i >= len(f.v) {
		return len(f.v)
	}
	v, _ := rawjson.First(f.v[i:])
	return f.pass(i + len(v))
}
