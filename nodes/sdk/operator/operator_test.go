package operator

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/rawjson"
)

func TestEval(t *testing.T) {
	for _, tc := range []struct {
		left, op, right string
		want            bool
	}{
		{`1`, "equals", `1.0`, true},
		{`100`, "equals", `1e2`, true},
		{`-0`, "equals", `0.000`, true},
		{`0.1`, "equals", `0.10000000000000000000000000000000000001`, false},
		{`9007199254740993`, "greaterThan", `9007199254740992`, true},
		{`"250.50"`, "greaterThan", `100`, true},
		{`100`, "lessThan", `"250.50"`, true},
		{`"10"`, "greaterThan", `"9"`, false}, // two strings are text
		{`"1"`, "equals", `"1.0"`, false},
		{`" 1"`, "equals", `1`, false},
		{`"1 "`, "equals", `1`, false},
		{`"0x10"`, "equals", `16`, false},
		{`"abc"`, "greaterThan", `1`, false},
		{`"abc"`, "lessOrEqual", `1`, false},
		{`null`, "equals", `0`, false},
		{`null`, "lessThan", `1`, false},
		{`true`, "equals", `true`, true},
		{`true`, "equals", `1`, false},
		{`true`, "notEquals", `"true"`, true},
		{`2`, "greaterOrEqual", `2`, true},
		{`2`, "lessOrEqual", `2`, true},
		{`-2`, "lessThan", `-1`, true},
		{`1e400`, "greaterThan", `1e399`, true},
		{`1e9999`, "equals", `1e9998`, false},
		{`1e500`, "greaterThan", `1e400`, true},
		{`-1e500`, "lessThan", `-1e400`, true},
		{`1e-401`, "equals", `0`, false},
		{`1e-401`, "greaterThan", `0`, true},
		{`1` + strings.Repeat("0", 400), "equals", `1` + strings.Repeat("0", 401), false},
		{`1` + strings.Repeat("0", 400), "equals", `1e400`, true},
		{`1` + strings.Repeat("0", 400), "equals", `"1e400"`, true},
		{`0.` + strings.Repeat("0", 400) + `1`, "equals", `1e-401`, true},
		{strings.Repeat("7", 500), "lessThan", strings.Repeat("7", 499) + "8", true},
		{`[{"a":1e401}]`, "equals", `[{"a":1e999}]`, false},
		{`[1e401]`, "contains", `"1e999"`, false},
		{`[1e401]`, "contains", `"10e400"`, true},
		{`1e000000000000000000000000000002`, "equals", `100`, true},
		{`1e-000000000000000000000000000002`, "equals", `0.01`, true},
		{`0e999999999999999999999`, "equals", `0`, true},
		{`1e999999999999999`, "lessThan", `1e1000000000000000`, true},
		{`1e-999999999999999`, "greaterThan", `1e-1000000000000000`, true},
		{`1e1000000000000000`, "equals", `1e1000000000000001`, true}, // the bound of exponents
		{`1e-1000000000000000`, "equals", `1e-99999999999999999999`, true},
		{`1e99999999999999999999`, "lessThan", `10e99999999999999999999`, true},
		{`1e9223372036854775807`, "equals", `1e9223372036854775808`, true},
		{`-1e99999999999999999999`, "lessThan", `1e-99999999999999999999`, true},
		{`-1e9999`, "lessThan", `1`, true},
		{`{"a":1,"b":[1,{"c":null}]}`, "equals", `{"b":[1.0,{"c":null}],"a":1}`, true},
		{`{"a":1}`, "equals", `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, "equals", `{"a":1}`, false},
		{`{"a":1}`, "equals", `{"\u0061":1}`, true},
		{`[1,2]`, "equals", `[1,2,3]`, false},
		{`[1,2,3]`, "equals", `[1,2]`, false},
		{`[1,2]`, "equals", `[2,1]`, false},
		{`"smörgås"`, "contains", `"ör"`, true},
		{`"abc"`, "contains", `""`, true},
		{`[1,"2",3]`, "contains", `2`, true},
		{`[1,[2]]`, "contains", `[2]`, true},
		{`{"a":1}`, "contains", `"a"`, true},
		{`{"a":1}`, "contains", `1`, false},
		{`5`, "contains", `5`, false},
		{`[1]`, "notContains", `2`, true},
		{`"b"`, "in", `["a","b"]`, true},
		{`"b"`, "in", `"abc"`, true},
		{`"x"`, "in", `null`, false},
		{`"order_created"`, "startsWith", `"order_"`, true},
		{`"order_created"`, "endsWith", `"_created"`, true},
		{`12`, "startsWith", `"1"`, false},
		{`"\ud800"`, "equals", `"\uD800"`, true},
		{`"\ud800"`, "equals", `"\ud801"`, false},
		{`"\ud800"`, "equals", `"\ufffd"`, false},
		{`"\ud800"`, "notEquals", `"\ufffd"`, true},
		{`"\ud83d\ude00"`, "equals", `"😀"`, true},
		{`"\ud83d\ude00"`, "contains", `"\ud83d"`, false}, // a pair is one character
		{`"\ud800"`, "lessThan", `"\ud801"`, true},
		{`"\ud800"`, "lessThan", `"\ufffd"`, true},
		{`{"a":["\udc00"]}`, "equals", `{"a":["\udc01"]}`, false},
		{`{"\ud800":1}`, "equals", `{"\ud801":1}`, false},
		{`{"\ud800":1}`, "equals", `{"\ufffd":1}`, false},
		{`{"\ud800":1,"\ufffd":2}`, "equals", `{"\ufffd":2,"\uD800":1}`, true},
		{`{"\ud800":1}`, "contains", `"\ud800"`, true},
		{`{"\ud800":1}`, "contains", `"\ufffd"`, false},
		{`"a\ud800b"`, "contains", `"\ud800"`, true},
		{`"a\ud800b"`, "contains", `"\ufffd"`, false},
		{`"a\ud800b"`, "notContains", `"\ud801"`, true},
		{`["\ud800"]`, "contains", `"\ud801"`, false},
		{`"\ud800"`, "in", `["\ud801","\ufffd"]`, false},
		{`"\ud800"`, "in", `["x","\ud800"]`, true},
		{`"\ud800b"`, "startsWith", `"\ud801"`, false},
		{`"\ud800b"`, "startsWith", `"\ud800"`, true},
		{`"b\udfff"`, "endsWith", `"\ufffd"`, false},
		{`"\ud800"`, "matches", `"^\ufffd$"`, true},
		{`"\ud800"`, "matches", `"^.$"`, true},
		{`"a\u002fb"`, "matches", `"^a/b$"`, true},
		{`"abc"`, "matches", `"^b"`, false},
		{`12`, "matches", `"1"`, false},
		{`0`, "exists", ``, true},
		{`null`, "exists", ``, false},
		{``, "exists", ``, false},
		{`null`, "notExists", ``, true},
		{`""`, "isEmpty", ``, true},
		{`[]`, "isEmpty", ``, true},
		{`{}`, "isEmpty", ``, true},
		{`null`, "isEmpty", ``, true},
		{`0`, "isEmpty", ``, false},
		{`false`, "isEmpty", ``, false},
		{`[null]`, "isNotEmpty", ``, true},
		{`true`, "isTrue", ``, true},
		{`"true"`, "isTrue", ``, true},
		{`1`, "isTrue", ``, false},
		{`"false"`, "isFalse", ``, true},
		{`null`, "isFalse", ``, false},
	} {
		var right []byte
		if tc.right != "" {
			right = []byte(tc.right)
		}
		var left []byte
		if tc.left != "" {
			left = []byte(tc.left)
		}
		if got, err := Eval([]byte(tc.op), left, right); got != tc.want || err != nil {
			t.Errorf("%s %s %s = %v, %v", tc.left, tc.op, tc.right, got, err)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for op, right := range map[string]string{"matches": `"("`, "resembles": `"x"`, "": `1`} {
		if _, err := Eval([]byte(op), []byte(`"x"`), []byte(right)); err == nil {
			t.Errorf("%q %s: no error", op, right)
		}
	}
}

// genNumber draws JSON numbers of all shapes.
func genNumber(t *rapid.T, label string) string {
	n := rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?`).Draw(t, label)
	if rapid.IntRange(0, 9).Draw(t, label+" is long") == 0 {
		zeros := strings.Repeat("0", rapid.IntRange(0, 500).Draw(t, label+" zeros"))
		if !strings.Contains(n, ".") && strings.Trim(n, "-") != "0" {
			n += zeros + rapid.StringMatching(`(\.[0-9]{1,3})?`).Draw(t, label+" end")
		} else if strings.Contains(n, ".") {
			n += zeros + "1"
		}
	}
	if rapid.Bool().Draw(t, label+" has an exponent") {
		n += rapid.StringMatching(`[eE][+-]?[01]?[0-9]{1,3}`).Draw(t, label+" exponent")
	}
	return n
}

func TestNumbersCompareLikeRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genNumber(t, "a"), genNumber(t, "b")
		if rapid.IntRange(0, 3).Draw(t, "near") == 0 && strings.Contains(a, ".") && !strings.ContainsAny(a, "eE") {
			b = a + rapid.StringMatching(`[01]{1,3}`).Draw(t, "more")
		}
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		if got := compareNumbers([]byte(a), []byte(b)); got != ra.Cmp(rb) {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, ra.Cmp(rb))
		}
	})
}

func TestEqualIsReflexiveAndSymmetric(t *testing.T) {
	values := []string{`null`, `true`, `1`, `"1"`, `"a"`, `[]`, `[1]`, `{}`, `{"a":1}`, `{"a":{}}`, `1e999`, `"\ud800"`, `"\ufffd"`, `{"\ud800":1}`}
	for _, a := range values {
		if !Equal([]byte(a), []byte(a)) {
			t.Errorf("%s is not equal to itself", a)
		}
		for _, b := range values {
			if Equal([]byte(a), []byte(b)) != Equal([]byte(b), []byte(a)) {
				t.Errorf("%s and %s: equal one way only", a, b)
			}
		}
	}
}

func FuzzEval(f *testing.F) {
	ops := strings.Fields("equals notEquals greaterThan lessOrEqual contains in startsWith matches isEmpty isTrue")
	f.Add(0, `1`, `"1e5"`)
	f.Add(4, `[1,{"a":2}]`, `{"a":2.0}`)
	f.Add(7, `"a"`, `"(a|b)*"`)
	f.Fuzz(func(t *testing.T, op int, left, right string) {
		if rawjson.Check([]byte(left), 64) != nil || rawjson.Check([]byte(right), 64) != nil {
			return
		}
		l, _ := rawjson.AppendCanonical(nil, []byte(left), 64)
		r, _ := rawjson.AppendCanonical(nil, []byte(right), 64)
		_, _ = Eval([]byte(ops[uint(op)%uint(len(ops))]), l, r)
		eq, _ := Eval([]byte("equals"), l, r)
		if ne, _ := Eval([]byte("notEquals"), l, r); eq == ne {
			t.Errorf("%s and %s are both equal and unequal", l, r)
		}
		if lt, _ := Eval([]byte("lessThan"), l, r); lt && eq {
			t.Errorf("%s is less than and equal to %s", l, r)
		}
	})
}

// Numbers that are compared without memory compare as those that are compared digit by digit.
func TestShortNumbersCompareAsAll(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,9})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := []byte(number.Draw(t, "a")), []byte(number.Draw(t, "b"))
		if rapid.Bool().Draw(t, "near") {
			b = append(bytes.Clone(a), "0"...)
			if !bytes.Contains(a, []byte(".")) {
				b = append(bytes.Clone(a), ".00"...)
			}
		}
		da, db := parse(a), parse(b)
		if got, want := compareNumbers(a, b), compareDecimals(&da, &db); got != want {
			t.Fatalf("%s and %s: %d, want %d", a, b, got, want)
		}
	})
}
