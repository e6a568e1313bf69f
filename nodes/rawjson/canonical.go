package rawjson

import (
	"cmp"
	"slices"
)

// AppendCanonical checks b like [Check] and appends it to dst in canonical form: without white
// space between tokens, and with only the last of the members of an object that have the same key,
// at its own place. Keys are the same when their exact texts are. Everything else stays byte for
// byte: the order of keys, the digits of numbers, the escapes.
//
// dst and b must not overlap. On an error the result is dst, unchanged.
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

// canon writes the canonical form while a scanner walks over the text. Repeated members are cut out
// at the end, all at once: cutting at the end of each object would move the innermost bytes once
// for every level around them.
type canon struct {
	dst      []byte
	copied   int    // the text before this index is in dst, less what was left out
	keys     []byte // the texts of keys that were written with escapes
	repeated []span // of dst, to be cut; may nest, in no order

	// The members of all open objects, innermost last: the first count of few, or many when there
	// are more.
	few   [24]member
	count int
	many  []member
}

// member is a member of an open object. It has no pointers, so the garbage collector does not scan
// it.
type member struct {
	at int // where it begins in dst
	// where the text of its key begins; when it had escapes, ^key is where it begins in canon.keys
	key  int
	size int // of that text, in bytes
}

type span struct{ from, to int }

// leaveOut copies the text before from that is not copied yet, and skips the text up to to.
func (c *canon) leaveOut(b []byte, from, to int) {
	c.dst = append(c.dst, b[c.copied:from]...)
	c.copied = to
}

// member records a member of the innermost object, whose quoted key stands in b from i to end.
func (c *canon) member(b []byte, i, end int, escaped bool) {
	m := member{at: len(c.dst) + i - c.copied, key: i + 1, size: end - i - 2}
	if escaped {
		m.key = ^len(c.keys)
		c.keys = AppendExact(c.keys, b[i+1:end-1])
		m.size = len(c.keys) - ^m.key
	}
	switch {
	case c.many != nil:
		c.many = append(c.many, m)
	case c.count < len(c.few):
		c.few[c.count] = m
		c.count++
	default:
		c.many = append(append(make([]member, 0, 4*len(c.few)), c.few[:]...), m)
	}
}

// members returns the members from index base on.
func (c *canon) members(base int) []member {
	if c.many != nil {
		return c.many[base:]
	}
	return c.few[base:c.count]
}

// text returns the text of a member's key.
func (c *canon) text(b []byte, m *member) []byte {
	if m.key < 0 {
		return c.keys[^m.key : ^m.key+m.size]
	}
	return b[m.key : m.key+m.size]
}

// same reports whether two members have the same key.
func (c *canon) same(b []byte, x, y *member) bool {
	return x.size == y.size && string(c.text(b, x)) == string(c.text(b, y))
}

// endObject finds the repeated members of the innermost object of b, whose members begin at index
// base, and drops the object. A repeated member has another one behind it, so its span reaches to
// where the next one begins.
func (c *canon) endObject(b []byte, base int) {
	m := c.members(base)
	if len(m) <= 16 {
		for i := range m {
			for j := i + 1; j < len(m); j++ {
				if c.same(b, &m[i], &m[j]) {
					c.repeated = append(c.repeated, span{m[i].at, m[i+1].at})
					break
				}
			}
		}
	} else {
		c.sortedRepeated(b, m)
	}
	if c.many != nil {
		c.many = c.many[:base]
	} else {
		c.count = base
	}
}

// sortedRepeated is endObject for objects with many members. Sorting has no worst case that a
// sender could provoke, as a hash without a secret seed would.
func (c *canon) sortedRepeated(b []byte, m []member) {
	order := make([]int, len(m))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if n := cmp.Compare(m[i].size, m[j].size); n != 0 {
			return n
		}
		if n := slices.Compare(c.text(b, &m[i]), c.text(b, &m[j])); n != 0 {
			return n
		}
		return cmp.Compare(i, j)
	})
	for k, i := range order[:len(order)-1] {
		if c.same(b, &m[i], &m[order[k+1]]) {
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
