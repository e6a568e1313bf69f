package reference

import (
	"strings"

	"pgregory.net/rapid"
)

// text draws a JSON string: few characters, so that texts often have the same beginnings, and each
// kind of character and escape.
func text(n int) *rapid.Generator[string] {
	parts := rapid.SampledFrom([]string{
		"a", "b", "a", "b", " ", ".", "[", "]", "0", "é", "€", "😀", `\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0000`, `\u001f`,
		`\u0061`, `\u00E9`, `\u20ac`, `\ud83d\ude00`, `\uD83D`, `\ude00`, `\udbff\udbff`, `\ufffd`, "\x7f", "abcdefgh", "{", "}", ",", ":",
	})
	return rapid.Custom(func(t *rapid.T) string {
		return `"` + strings.Join(rapid.SliceOfN(parts, 0, n).Draw(t, "parts"), "") + `"`
	})
}

var numbers = []string{
	"0", "-0", "1", "-1", "10", "1.0", "1.50", "1e2", "100", "1E+2", "-0.0", "123456789012345678901234567890", "1e400", "-1e-400", "1e999999999999", "0.1", "9007199254740993",
}

// value draws a JSON value with keys that paths lead to.
func value(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		most := 7
		if depth == 0 {
			most = 4
		}
		switch rapid.IntRange(0, most).Draw(t, "kind") {
		case 0:
			return rapid.SampledFrom([]string{"null", "true", "false", `"true"`, `"false"`}).Draw(t, "literal")
		case 1, 2:
			return rapid.SampledFrom(numbers).Draw(t, "number")
		case 3, 4:
			return text(6).Draw(t, "text")
		case 5:
			return "[" + strings.Join(rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "elements"), ",") + "]"
		}
		keys := rapid.SliceOfN(key, 0, 4).Draw(t, "keys")
		for i, k := range keys {
			keys[i] = k + ":" + value(depth-1).Draw(t, "member")
		}
		return "{" + strings.Join(keys, ",") + "}"
	})
}

var key = rapid.OneOf(rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `""`, `"a b"`, `"\ud800"`, `"\ufffd"`}), text(2))

// path draws the text of a path, in a JSON string.
var path = rapid.Custom(func(t *rapid.T) string {
	step := rapid.OneOf(
		rapid.SampledFrom([]string{
			"a", "b", "c", ".a", ".b", ".c", ".a", "[0]", "[1]", "[0]", "[ 2 ]", `[\"a\"]`, `[\"\\u0061\"]`, `[ \"a b\" ]`, `[\"\"]`, `[\"\\ud800\"]`,
			`.\ud800`, `[\"\ud800\"]`, "[2147483647]", "[2147483648]", "[99999999999999999999]", `[\"\\x\"]`, `[\"a]`, "[", "]", ".", "..", ".é", `[\"\\\\\"]`, `[\"\\\"\"]`, `[\"\n\"]`,
		}),
		rapid.Map(text(3), func(s string) string { return s[1 : len(s)-1] }))
	return `"` + strings.Join(rapid.SliceOfN(step, 0, 5).Draw(t, "steps"), "") + `"`
})

// odd draws what a template can put anywhere.
func odd(usual *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 30).Draw(t, "odd") == 0 {
			return value(1).Draw(t, "other")
		}
		return usual.Draw(t, "usual")
	})
}

var operation = rapid.Custom(func(t *rapid.T) string {
	member := func(name string, g *rapid.Generator[string]) string { return `,"` + name + `":` + odd(g).Draw(t, name) }
	switch op := rapid.SampledFrom([]string{`"set"`, `"set"`, `"set"`, `"delete"`, `"rename"`, `"pick"`, `"setGlobal"`, `"other"`}).Draw(t, "op"); op {
	case `"set"`:
		return `{"op":` + op + member("path", path) + member("value", value(2)) + "}"
	case `"rename"`:
		return `{"op":` + op + member("path", path) + member("to", key) + "}"
	case `"pick"`:
		return `{"op":` + op + member("paths", rapid.Map(rapid.SliceOfN(odd(path), 0, 4), list)) + "}"
	case `"setGlobal"`:
		return `{"op":` + op + member("key", key) + member("value", value(2)) + "}"
	default:
		return `{"op":` + op + member("path", path) + "}"
	}
})

func list(values []string) string { return "[" + strings.Join(values, ",") + "]" }

var operators = rapid.SampledFrom([]string{
	`"equals"`, `"notEquals"`, `"greaterThan"`, `"greaterOrEqual"`, `"lessThan"`, `"lessOrEqual"`, `"contains"`, `"notContains"`, `"startsWith"`, `"endsWith"`,
	`"matches"`, `"in"`, `"exists"`, `"notExists"`, `"isEmpty"`, `"isNotEmpty"`, `"isTrue"`, `"isFalse"`, `"\u0065quals"`, `"other"`, `""`,
})
