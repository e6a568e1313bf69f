package rawjson

import (
	"cmp"
	"slices"
)

// AppendCanonical checks b like [Check] and appends it to dst in one form: without white space between tokens and, of
// the members of an object that have the same key, only the last one, at its own place. Keys are the same when their
// unescaped texts are. All else stays byte for byte: the order of keys, the digits of numbers, the escapes.
//
// dst and b must not overlap. On an error the result is dst as it was.
func AppendCanonical(dst, b []byte, maxDepth int) ([]byte, error) {
	s := scanner{b: b, maxDepth: maxDepth, writes: true, canon: canon{dst: dst}}
	if err := s.scan(); err != nil {
		return dst, err
	}
	c := &s.canon
	c.leaveOut(b, len(b), len(b))
	if len(c.repeated) == 0 {
		return c.dst, nil
	}
	return cut(c.dst, c.repeated), nil
}

// canon writes the canonical form while a scanner walks over the text. Repeated members are cut out at the very end and
// all at once: cutting at the end of each object would move the innermost bytes once for every level around them.
type canon struct {
	dst      []byte
	copied   int      // the text before this index is in dst, less what was left out
	members  []member // of all objects that are open, innermost last
	repeated []span   // of dst, to be cut; may nest, in no order
}

// member is a member of an open object.
type member struct {
	at  int    // where it begins in dst
	key []byte // unescaped, without quotes
}

type span struct{ from, to int }

// leaveOut copies what stands before from and was not copied yet, and passes over the text up to to.
func (c *canon) leaveOut(b []byte, from, to int) {
	c.dst = append(c.dst, b[c.copied:from]...)
	c.copied = to
}

// member notes that the innermost object has a member whose quoted key begins at i.
func (c *canon) member(i int, quoted []byte) {
	key := quoted[1 : len(quoted)-1]
	if hasEscape(key) {
		key = AppendString(nil, quoted)
	}
	if c.members == nil {
		c.members = make([]member, 0, 32) // the one allocation of usual values
	}
	c.members = append(c.members, member{at: len(c.dst) + i - c.copied, key: key})
}

// endObject finds the repeated members of the innermost object, whose members begin at index base, and forgets it.
// A repeated member has another one behind it, so its span reaches to where the next one begins.
func (c *canon) endObject(base int) {
	m := c.members[base:]
	if len(m) <= 16 {
		for i := range m {
			for j := i + 1; j < len(m); j++ {
				if string(m[i].key) == string(m[j].key) {
					c.repeated = append(c.repeated, span{m[i].at, m[i+1].at})
					break
				}
			}
		}
	} else {
		c.sortedRepeated(m)
	}
	c.members = c.members[:base]
}

// sortedRepeated is endObject for objects with many members. Sorting has no bad case that a sender could provoke, as a
// hash without a secret seed would have.
func (c *canon) sortedRepeated(m []member) {
	order := make([]int, len(m))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := m[i].key, m[j].key
		if n := cmp.Compare(len(a), len(b)); n != 0 {
			return n
		}
		if n := slices.Compare(a, b); n != 0 {
			return n
		}
		return cmp.Compare(i, j)
	})
	for k, i := range order[:len(order)-1] {
		if string(m[i].key) == string(m[order[k+1]].key) {
			c.repeated = append(c.repeated, span{m[i].at, m[i+1].at})
		}
	}
}

// cut removes spans from b in place. Spans may nest but not cross.
func cut(b []byte, spans []span) []byte {
	slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	kept, next := spans[0].from, spans[0].from
	for _, s := range spans {
		if s.from > next {
			kept += copy(b[kept:], b[next:s.from])
		}
		next = max(next, s.to)
	}
	kept += copy(b[kept:], b[next:])
	return b[:kept]
}
