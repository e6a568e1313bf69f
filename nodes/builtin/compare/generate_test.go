package compare

import (
	"strings"

	"pgregory.net/rapid"
)

// each is how many cases a check of rapid makes: one takes microseconds.
const each = 30

// pieces are what patterns are put together from: all of the syntax, right and wrong.
var pieces = []string{
	"a", "b", "c", "k", "s", "K", "é", "ſ", "\u212a", "σ", "ς", "Ω", "中", "𐐀", "1", "_", " ", "-", ",", "\n", "\ufffd", "\xff", "\xe2\x82",
	".", "^", "$", "|", "|", "|", "(", "(", ")", ")", "(?:", "*", "+", "?", "*?", "+?", "??", "**",
	"{0}", "{0,}", "{1}", "{2}", "{2,}", "{1,3}", "{0,2}?", "{,3}", "{3,1}", "{1000}", "{1001}", "{02}", "{99999999999}", "{", "}",
	"(?i)", "(?i:", "(?s)", "(?m)", "(?U)", "(?-i)", "(?i-s:", "(?ms)", "(?)", "(?-)", "(?P<n>", "(?<n>", "(?P<n", "(?P=n)", "(?=", "(?#", "(?i",
	"[abc]", "[^abc]", "[a-k]", "[]a]", "[^]a]", "[a-]", "[-a]", "[a-c-e]", "[z-a]", "[", "]", "[^", "[[:alpha:]]", "[[:^space:]x]", "[[:word:]-]",
	"[[:nope:]]", "[:alpha:]", "[[:punct:]", `[\d\s]`, `[^\w]`, `[\pL0-9]`, `[\n-\r]`, `[^\x00-\x{10ffff}]`, `[\b]`, "[α-ω]", "[𐐀-𐐧]", "[ -~é]",
	`\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `\b`, `\B`, `\A`, `\z`, `\Z`, `\C`, `\Q`, `\E`, `\Qa.b\E`, `\`, `\\`, `\.`, `\_`, `\é`, `\q`,
	`\a\f\n\r\t\v`, `\0`, `\1`, `\12`, `\123`, `\777`, `\8`, `\x41`, `\x4`, `\x{}`, `\x{1F600}`, `\x{110000}`, `\x{z}`, `\xé`,
	`\pL`, `\PL`, `\pN`, `\p{Greek}`, `\P{Greek}`, `\p{^Greek}`, `\p{Lu}`, `\p{Ll}`, `\p{LC}`, `\p{upper case letter}`, `\p{Uppercase_Letter}`,
	`\p{Nope}`, `\p{}`, `\p`, `\p{`, `\p{^}`, `\pX`, `\p{Any}`, `\p{assigned}`, `\p{ASCII}`, `\p{Lm}`, `\p{M}`, `\p{Common}`, `\p{Old_Italic}`,
}

// texts are what texts are put together from.
var texts = []string{
	"a", "b", "c", "k", "s", "A", "K", "S", "é", "É", "ſ", "\u212a", "σ", "ς", "Σ", "ω", "Ω", "\u2126", "中", "𐐀", "𐐨", "1", "9", "_", " ", "-", ".", ",",
	"\n", "\t", "\v", "\x00", "\ufffd", "\xff", "\xe2\x82", "\xed\xa0\x80", "\u0345", "ι", "Ι", "\u1fbe", "µ", "μ", "😀", "aa", "abc", "\\", "{", "}", "]",
}

func pattern() *rapid.Generator[string] { return joined(pieces, 12) }

func text() *rapid.Generator[string] { return joined(texts, 10) }

func joined(of []string, most int) *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(of), 0, most), func(parts []string) string { return strings.Join(parts, "") })
}

// valid makes patterns that are valid, and deeper than pattern does.
func valid(depth int) *rapid.Generator[string] {
	atom := rapid.SampledFrom([]string{
		"a", "b", "c", "ab", "abc", "k", "é", ".", "[ab]", "[^a]", `\d`, `\w`, `\b`, `\B`, "^", "$", `\A`, `\z`, `\pL`, `\p{Lu}`, "(?i)", "(?s)", "(?m)",
		"(?U)", "(?-i)", "[a-k]", "s", "", `\n`, "(?i:k)", "(?i:a)b", "x{2}",
	})
	if depth == 0 {
		return atom
	}
	inner := valid(depth - 1)
	return rapid.OneOf(
		atom,
		rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(inner, 1, 5).Draw(t, "alternatives"), "|")
		}),
		rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(inner, 1, 4).Draw(t, "parts"), "") }),
		rapid.Custom(func(t *rapid.T) string {
			open := rapid.SampledFrom([]string{"(", "(?:", "(?i:", "(?P<n>"}).Draw(t, "open")
			times := rapid.SampledFrom([]string{"", "*", "+", "?", "*?", "{2}", "{0,2}", "{2,}", "{0}", "{3}?"}).Draw(t, "times")
			return open + inner.Draw(t, "inner") + ")" + times
		}),
	)
}
