package compare

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/nodes/sdk/operator"
)

// The results of operator_eval that are neither true nor false.
const (
	unknownOperator = 2 + iota
	badOperatorPattern
)

var operators = []string{
	"equals", "notEquals", "greaterThan", "greaterOrEqual", "lessThan", "lessOrEqual", "contains", "notContains", "in",
	"startsWith", "endsWith", "matches", "exists", "notExists", "isEmpty", "isNotEmpty", "isTrue", "isFalse",
}

// wantEval is what nodes/sdk/operator says.
func wantEval(name, left, right string) uint32 {
	value := func(text string) []byte {
		if text == "" {
			return nil
		}
		return []byte(text)
	}
	is, err := operator.Eval([]byte(name), value(left), value(right))
	switch {
	case err == nil && is:
		return yes
	case err == nil:
		return no
	case err.(*sdk.Error).Code == "bad_pattern":
		return badOperatorPattern
	}
	return unknownOperator
}

// values are of all kinds, and those of which some are the same but do not look it.
var values = []string{
	"", "null", "true", "false", "0", "-0", "0.0", "1", "1.0", "-1", "10", "1e1", "100E-1", "0.1", "12.5", "-12.50", "123456789", "1234567890",
	"999999999999999999", "9007199254740993", "9007199254740992", "1e400", "1e401", "-1e401", "1e-401", "1e99999999999999999999", "10e99999999999999999999",
	"1e1000000000000000", "1e999999999999999", "-1e-1000000000000001", "-1e-999999999999999", "1e00000000000000000002", "5e-324", "2e-324", "0e9",
	`""`, `"0"`, `"1"`, `"1.0"`, `" 1"`, `"1 "`, `"01"`, `"1e1"`, `"-"`, `"+1"`, `"1."`, `"\u0031"`, `"a"`, `"\u0061"`, `"ab"`, `"abab"`, `"b"`, `"true"`,
	`"false"`, `"null"`, `"é"`, `"\u00e9"`, `"😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ufffd"`, `"\\"`, `"\/"`, `"/"`, `"^a"`, `"("`, `"a|b"`,
	"[]", "[1]", "[1.0]", `["1"]`, `["a","b"]`, `["b","a"]`, "[[]]", "[[1,2],3]", "[null]", "[[[1,[2]]],{}]", "[[[1,[2.0]]],{}]",
	"{}", `{"a":1}`, `{"a":1.0}`, `{"\u0061":1}`, `{"a":1,"b":2}`, `{"b":2,"a":1}`, `{"b":[{"d":1,"c":2}],"a":1}`, `{"a":1,"b":[{"c":2,"d":1}]}`,
	`{"a":{"x":[1,2,3],"y":null},"b":2,"c":3}`, `{"c":3,"b":2,"a":{"y":null,"x":[1,2,3]}}`, `{"\ud800":1}`, `{"\ud801":1}`, `{"\ufffd":1}`, `{"":0}`,
}

// TestOperators takes each operator with each pair of the values.
func TestOperators(t *testing.T) {
	g := newGuest(t)
	for _, name := range append(operators, "", "is", "Equals", "equalsx", "equal", "existz", "xxxxxxxxxxxxxx") {
		for _, left := range values {
			for _, right := range values {
				if got, want := g.call("eval", name, left, right), wantEval(name, left, right); got != want {
					t.Errorf("%s %s %s = %d, want %d", left, name, right, got, want)
				}
			}
		}
	}
}

// value draws a JSON value, in canonical form: with no key twice.
func value(depth int) *rapid.Generator[string] {
	scalar := rapid.OneOf(rapid.SampledFrom(values[1:]), number(), rapid.Map(rapid.String(), func(text string) string {
		return string(rawjson.AppendQuoted(nil, []byte(text)))
	}))
	if depth == 0 {
		return scalar
	}
	inner := value(depth - 1)
	return rapid.OneOf(
		scalar,
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(list []string) string { return "[" + strings.Join(list, ",") + "]" }),
		rapid.Custom(func(t *rapid.T) string {
			keys := rapid.Permutation([]string{`"a"`, `"b"`, `"é"`, `"\u0000"`, `"\ud800"`, `"long key number one"`, `"long key number two"`}).Draw(t, "keys")
			var members []string
			for _, key := range keys[:rapid.IntRange(0, len(keys)).Draw(t, "members")] {
				members = append(members, key+":"+inner.Draw(t, key))
			}
			return "{" + strings.Join(members, ",") + "}"
		}),
	)
}

// number draws JSON numbers of all lengths.
func number() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?`).Draw(t, "number")
		if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
			if !strings.Contains(n, ".") {
				n += "."
			}
			n += strings.Repeat("0", rapid.IntRange(0, 500).Draw(t, "zeros")) + rapid.StringMatching(`[0-9]{1,400}`).Draw(t, "digits")
		}
		if rapid.Bool().Draw(t, "has an exponent") {
			n += rapid.StringMatching(`[eE][+-]?([0-9]|[1-3][0-9]|[0-9]{3}|3[0-4][0-9]|0{0,20}10{15}|9{15,20})`).Draw(t, "exponent")
		}
		return n
	})
}

// shuffled writes a value in another way that is equal.
func shuffled(t *rapid.T, v []byte) []byte {
	if rawjson.KindOf(v) != rawjson.Object {
		return v
	}
	var members [][]byte
	rawjson.Members(v, func(key, value []byte) bool {
		members = append(members, fmt.Appendf(nil, `"%s":%s`, key, shuffled(t, value)))
		return true
	})
	if len(members) > 1 {
		members = rapid.Permutation(members).Draw(t, "members")
	}
	return fmt.Appendf(nil, "{%s}", bytes.Join(members, []byte(",")))
}

func FuzzEval(f *testing.F) {
	g := newGuest(f)
	for i, name := range operators {
		for j, left := range values {
			f.Add(name, left, values[(i+2*j)%len(values)])
		}
	}
	f.Fuzz(func(t *testing.T, name, left, right string) {
		left, right = canonical(left), canonical(right)
		got, err := g.try("eval", name, left, right)
		if want := wantEval(name, left, right); err != nil || got != want {
			t.Fatalf("%s %s %s = %d, %v, want %d", left, name, right, got, err, want)
		}
	})
}

// canonical makes a value as the host gives them of any text.
func canonical(text string) string {
	v, err := rawjson.AppendCanonical(nil, []byte(text), 512)
	if err != nil {
		return string(rawjson.AppendQuoted(nil, []byte(text)))
	}
	return string(v)
}

// TestOperatorsLinear checks that no pair of values takes much more than linear time: in texts that
// are 16 times as long, the time per byte may be 10 times as long.
func TestOperatorsLinear(t *testing.T) {
	const shortText = 8 << 10
	g := newGuest(t)
	members := func(n int, key func(i int) int) string {
		var object strings.Builder
		for i := range n {
			fmt.Fprintf(&object, `,"a long key with a number %d":[{"x":%d}]`, key(i), key(i))
		}
		return "{" + object.String()[1:] + "}"
	}
	for name, values := range map[string]func(n int) (operator, left, right string){
		"members in reverse": func(n int) (string, string, string) {
			return "equals", members(n/32, func(i int) int { return i }), members(n/32, func(i int) int { return n/32 - i - 1 })
		},
		"members in disorder": func(n int) (string, string, string) {
			return "equals", members(n/32, func(i int) int { return i }), members(n/32, func(i int) int { return (i*7919 + 3) % (n / 32) })
		},
		"a part that nearly matches": func(n int) (string, string, string) {
			return "contains", `"` + strings.Repeat("a", n) + `"`, `"` + strings.Repeat("a", n/2) + `b"`
		},
		"a part that nearly matches often": func(n int) (string, string, string) {
			return "contains", `"` + strings.Repeat(strings.Repeat("a", 99)+"c", n/100) + `"`, `"` + strings.Repeat("a", 99) + `b"`
		},
		"many elements": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`[{}],`, n/5) + "1]", "[[]]"
		},
		"many texts and a long one": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`"a",`, n/4) + "1]", `"` + strings.Repeat("b", n) + `"`
		},
		"many elements and a large one": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`[""],`, n/5) + "1]", "[[" + strings.Repeat("0,", n/2) + "0]]"
		},
		"many objects and a large one": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`{"a":1},`, n/8) + "1]", `{"a":[` + strings.Repeat("0,", n/2) + "0]}"
		},
		"many objects and one with a long key": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`{"a":1},`, n/8) + "1]", `{"` + strings.Repeat("b", n) + `":1}`
		},
		"many objects and one with many members": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`{"b":1},`, n/8) + "1]", members(n/32, func(i int) int { return i })
		},
		"many texts and one with many escapes": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat(`"x",`, n/4) + "1]", `"` + strings.Repeat(`\n`, n/2) + `"`
		},
		"many numbers and a long one": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat("7,", n/4) + "1]", strings.Repeat("7", n)
		},
		"many numbers and a text with a long one": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat("7,", n/4) + "1]", `"0.` + strings.Repeat("7", n) + `e9"`
		},
		"many elements and one with a long number": func(n int) (string, string, string) {
			return "contains", "[" + strings.Repeat("[7],", n/4) + "1]", "[" + strings.Repeat("7", n) + "]"
		},
		"numbers with long exponents": func(n int) (string, string, string) {
			return "equals", "7e" + strings.Repeat("9", n), "7e" + strings.Repeat("9", n)
		},
		"long numbers": func(n int) (string, string, string) {
			return "equals", "0." + strings.Repeat("7", n) + "e300", "0." + strings.Repeat("7", n) + "1e300"
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want uint32 // of a short text; the one in Go takes too long for others
			took := func(n int) time.Duration {
				operator, left, right := values(n)
				if n == shortText {
					want = wantEval(operator, left, right)
				}
				best := time.Hour
				for range 3 {
					start := time.Now()
					if got := g.call("eval", operator, left, right); got != want {
						t.Errorf("%d, want %d", got, want)
					}
					best = min(best, time.Since(start))
				}
				return best
			}
			short, long := took(shortText), took(16*shortText)
			if long > 160*short {
				t.Errorf("%v for 8 KiB, %v for 128 KiB", short, long)
			}
		})
	}
}

// TestOperatorsDeep compares values that are as deep as values may be.
func TestOperatorsDeep(t *testing.T) {
	g := newGuest(t)
	deep := func(opening, in, closing string) string {
		return strings.Repeat(opening, 512) + in + strings.Repeat(closing, 512)
	}
	for _, pair := range [][2]string{
		{deep("[", "1", "]"), deep("[", "1.0", "]")},
		{deep("[", "1", "]"), deep("[", "2", "]")},
		{deep(`{"a":1,"b":`, "1", "}"), deep(`{"b":`, "1.0", `,"a":1}`)},
		{deep(`{"a":1,"b":`, "1", "}"), deep(`{"b":`, "2", `,"a":1}`)},
	} {
		if got, want := g.call("eval", "equals", pair[0], pair[1]), wantEval("equals", pair[0], pair[1]); got != want {
			t.Errorf("%.30s equals %.30s = %d, want %d", pair[0], pair[1], got, want)
		}
	}
}

func TestOperatorsLikeGo(t *testing.T) {
	g := newGuest(t)
	all := value(3)
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			name := rapid.SampledFrom(operators).Draw(t, "operator")
			left := all.Draw(t, "left")
			right := rapid.OneOf(all, rapid.Just(string(shuffled(t, []byte(left))))).Draw(t, "right")
			if got, want := g.call("eval", name, left, right), wantEval(name, left, right); got != want {
				t.Fatalf("%s %s %s = %d, want %d", left, name, right, got, want)
			}
		}
	})
}

func TestNumbersLikeGo(t *testing.T) {
	g := newGuest(t)
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			left, right := number().Draw(t, "left"), number().Draw(t, "right")
			if near := left + rapid.StringMatching("[01]{1,3}").Draw(t, "more"); rawjson.Check([]byte(near), 0) == nil && rapid.Bool().Draw(t, "near") {
				right = near
			}
			for _, name := range []string{"equals", "lessThan"} {
				if got, want := g.call("eval", name, left, right), wantEval(name, left, right); got != want {
					t.Fatalf("%s %s %s = %d, want %d", left, name, right, got, want)
				}
			}
		}
	})
}
