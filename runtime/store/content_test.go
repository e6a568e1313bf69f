package store

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestContentIsBounded(t *testing.T) {
	big := make([]byte, MaxContent/2) // never touched, so it takes no memory
	c, err := content{}.apply(Batch{Reset: true, Revision: 1, Put: []Entry{{Key: "a", Value: big}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]Batch{
		"a change": {Revision: 2, Put: []Entry{{Key: "b", Value: big}}},
		"a reset":  {Revision: 2, Reset: true, Put: []Entry{{Key: "b", Value: big}, {Key: "c", Value: big}}},
	} {
		if after, err := c.apply(b); !errors.Is(err, ErrFull) || after.revision != 1 || len(after.entries) != 1 {
			t.Errorf("%s: %v, revision %d", name, err, after.revision)
		}
	}
	// What is replaced or deleted at the same time does not count.
	for name, b := range map[string]Batch{
		"replaced": {Revision: 2, Put: []Entry{{Key: "a", Value: big[1:]}, {Key: "b", Value: big[10:]}}},
		"deleted":  {Revision: 2, Put: []Entry{{Key: "b", Value: big}}, Delete: []string{"a", "never"}},
		"reset":    {Revision: 2, Reset: true, Put: []Entry{{Key: "b", Value: big}}},
	} {
		before := content{entries: maps.Clone(c.entries), size: c.size, revision: c.revision}
		if _, err := before.apply(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The size that is carried along is that of the entries, whatever comes.
func TestContentKnowsItsSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c content
		model := make(map[string]string)
		for revision := range rapid.IntRange(1, 20).Draw(t, "steps") {
			b := Batch{Reset: rapid.Bool().Draw(t, "reset"), Revision: int64(revision + 1)}
			if b.Reset {
				clear(model)
			}
			keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-d]{1,2}`), 0, 5, rapid.ID[string]).Draw(t, "keys")
			for _, key := range keys {
				if rapid.Bool().Draw(t, "delete") {
					b.Delete = append(b.Delete, key)
					delete(model, key)
					continue
				}
				value := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "value")
				b.Put = append(b.Put, Entry{Key: key, Value: value, Revision: b.Revision})
				model[key] = string(value)
			}
			var err error
			if c, err = c.apply(b); err != nil {
				t.Fatal(err)
			}
		}
		var size int64
		got := make(map[string]string)
		for _, e := range sorted(c.entries) {
			size += e.size()
			got[e.Key] = string(e.Value)
		}
		if size != c.size || !maps.Equal(got, model) {
			t.Errorf("size %d, content %q; want %d and %q", c.size, got, size, model)
		}
	})
}

func TestPartsAreWhatOneWriteTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		for _, size := range rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 1 << 10, 1 << 19, maxSeedFile}), 0, 300).Draw(t, "sizes") {
			entries = append(entries, Entry{Key: "k", Value: zeros[:size]})
		}
		list := splitWrites(entries)
		n := 0
		for i, part := range list {
			var size int64
			for _, e := range part {
				size += e.size()
			}
			if len(part) == 0 || len(part) > MaxOps || len(part) > 1 && size > maxSeedWrite {
				t.Errorf("part %d has %d entries with %d bytes", i, len(part), size)
			}
			n += len(part)
		}
		if n != len(entries) || n > 0 && !slices.EqualFunc(slices.Concat(list...), entries, func(a, b Entry) bool {
			return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
		}) {
			t.Errorf("%d entries became %d", len(entries), n)
		}
	})
}

var zeros = make([]byte, maxSeedFile)

func TestWhatIsKeptIsBounded(t *testing.T) {
	m := NewMirror(MirrorOptions{})
	big := make([]byte, MaxContent/2)
	m.SetLastValid("a", big, 1)
	m.SetLastValid("b", big, 1) // too much
	m.SetLastValid("a", big, 2) // in its own place
	if len(m.lastValid) != 1 || m.lastValid["a"].Revision != 2 {
		t.Errorf("%d documents are kept", len(m.lastValid))
	}
}
