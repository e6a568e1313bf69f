package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"scalar", ` 1.50 `, `1.50`},
		{"white space", "{ \"a\" : [ 1 ,\n2 ] , \"b\" : { } }", `{"a":[1,2],"b":{}}`},
		{"white space in strings stays", `{"a b":" c "}`, `{"a b":" c "}`},
		{"order, digits and escapes stay", `{"b":1.0E+2,"a":"\u0041\/"}`, `{"b":1.0E+2,"a":"\u0041\/"}`},
		{"last wins at its place", `{"a":1,"b":2,"a":3,"c":4}`, `{"b":2,"a":3,"c":4}`},
		{"three times", `{"a":1,"a":2,"a":3}`, `{"a":3}`},
		{"keys compare unescaped", `{"a":1,"\u0061":2}`, `{"\u0061":2}`},
		{"halves of surrogate pairs are not the same", `{"\ud800":1,"\udfff":2,"\uD800":3}`, `{"\udfff":2,"\uD800":3}`},
		{"empty keys", `{"":1,"":2}`, `{"":2}`},
		{"in an inner object", `[{"a":{"x":1,"x":2},"b":0}]`, `[{"a":{"x":2},"b":0}]`},
		{"inside a dropped one", `{"a":{"x":1,"x":2},"a":{"y":1 , "y":2}}`, `{"a":{"y":2}}`},
		{"same key on other levels", `{"a":{"a":{"a":1}}}`, `{"a":{"a":{"a":1}}}`},
		{"white space in a dropped one", `{ "a" : [ 1 ] , "a" : [ 2 ] }`, `{"a":[2]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendCanonical([]byte("before:"), []byte(tt.in), testDepth)
			if err != nil {
				t.Fatal(err)
			}
			if want := "before:" + tt.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAppendCanonicalErrorLeavesDst(t *testing.T) {
	got, err := AppendCanonical([]byte("before"), []byte(` {"a": 1, "a": 2`), testDepth)
	if err == nil || string(got) != "before" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAppendCanonicalManyKeys(t *testing.T) {
	const n = 100_000
	var in, want bytes.Buffer
	in.WriteByte('{')
	want.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&in, `"k%d":0,`, i)
	}
	for i := range n {
		fmt.Fprintf(&in, `"k%d":%d,`, i, i)
		fmt.Fprintf(&want, `"k%d":%d,`, i, i)
	}
	in.WriteString(`"end":true}`)
	want.WriteString(`"end":true}`)
	got, err := AppendCanonical(nil, in.Bytes(), testDepth)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("not the last of each key")
	}
}

// TestAppendCanonicalHostileShapes runs on the shapes that invite quadratic work; the test would
// take minutes with it.
func TestAppendCanonicalHostileShapes(t *testing.T) {
	const n, levels = 150_000, testDepth - 1
	var sameLength strings.Builder
	for i := range n {
		fmt.Fprintf(&sameLength, `"%08d":1,`, i)
	}
	elements := "[" + strings.Repeat("1,", n) + "1]"
	tests := []struct{ name, in, want string }{
		{"one key repeated", "{" + strings.Repeat(`"a":1,`, n) + `"a":2}`, `{"a":2}`},
		{"keys of one length", "{" + sameLength.String() + `"a":2}`, "{" + sameLength.String() + `"a":2}`},
		{
			"repeated on each level",
			strings.Repeat(`{"a":1,"a":`, levels) + elements + strings.Repeat("}", levels),
			strings.Repeat(`{"a":`, levels) + elements + strings.Repeat("}", levels),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AppendCanonical(nil, []byte(tt.in), testDepth)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Error("not the canonical form")
			}
		})
	}
}

func TestAppendCanonicalAllocatesOnce(t *testing.T) {
	in, dst := []byte(pushEvent), make([]byte, 0, len(pushEvent))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := AppendCanonical(dst, in, testDepth); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzCanonical checks the canonical form by decoding: it means the same, it is a fixed point, it
// is compact and no key is repeated.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{pushEvent, `{"a":1,"\u0061":{"b":[],"b":{"c":1,"c":2}}}`, `[{"":1,"":2}, {"a" : 1}]`, `{"\ud800":1,"\ufffd":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := AppendCanonical(nil, b, testDepth)
		if (err == nil) != (Check(b, testDepth) == nil) {
			t.Fatalf("AppendCanonical and Check disagree: %v", err)
		}
		if err != nil {
			return
		}
		if want := decode(t, b); decode(t, got) != want {
			t.Fatalf("%q became %q", b, got)
		}
		again, err := AppendCanonical(nil, got, testDepth)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("canonical %q became %q (%v)", got, again, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, got); err != nil || compact.String() != string(got) {
			t.Fatalf("%q is not compact (%v)", got, err)
		}
		refuseRepeated(t, got)
	})
}

// decode gives a text that is the same for values that mean the same; numbers keep their digits.
func decode(t *testing.T, b []byte) string {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%#v", v)
}

func refuseRepeated(t *testing.T, v []byte) {
	seen := map[string]bool{}
	Members(v, func(key, value []byte) bool {
		k := string(AppendExact(nil, key))
		if seen[k] {
			t.Fatalf("key %q is repeated", k)
		}
		seen[k] = true
		refuseRepeated(t, value)
		return true
	})
	Elements(v, func(value []byte) bool {
		refuseRepeated(t, value)
		return true
	})
}

// TestCanonicalOrder checks against a plain model that the last of repeated keys stays where it
// stands, for objects on both sides of the size at which the search for repeated keys changes.
func TestCanonicalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.IntRange(0, 30), 0, 60).Draw(t, "keys")
		last := map[int]int{}
		for i, k := range keys {
			last[k] = i
		}
		var in, want []string
		for i, k := range keys {
			in = append(in, fmt.Sprintf(" \"k%d\" : [ %d ]", k, i))
			if last[k] == i {
				want = append(want, fmt.Sprintf(`"k%d":[%d]`, k, i))
			}
		}
		got, err := AppendCanonical(nil, []byte("{"+strings.Join(in, ",")+"}"), testDepth)
		if err != nil {
			t.Fatal(err)
		}
		if want := "{" + strings.Join(want, ",") + "}"; string(got) != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestUsualValuesMakeNoGarbage(t *testing.T) {
	in, dst := []byte(pushEvent), make([]byte, 0, len(pushEvent))
	if n := testing.AllocsPerRun(100, func() { _, _ = AppendCanonical(dst, in, testDepth) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendCanonical(b *testing.B) {
	in, dst := []byte(pushEvent), make([]byte, 0, len(pushEvent))
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := AppendCanonical(dst, in, testDepth); err != nil {
			b.Fatal(err)
		}
	}
}
