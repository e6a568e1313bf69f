package rawjson_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// spell writes a path with every key in brackets and quotes.
func spell(p rawjson.Path) string {
	var b strings.Builder
	for _, s := range p {
		if s.IsIndex() {
			b.WriteString(s.String())
		} else {
			b.WriteString(`["` + string(rawjson.AppendExactEscaped(nil, []byte(s.Key))) + `"]`)
		}
	}
	return b.String()
}

// TestPaths has what both forms of a path read alike, and where they differ.
func TestPaths(t *testing.T) {
	const no = "an error"
	for _, c := range []struct{ text, parsed, cut, rest string }{
		{`a`, `["a"]`, `["a"]`, ``},
		{`a.b[0]["any key"]`, `["a"]["b"][0]["any key"]`, `["a"]["b"][0]["any key"]`, ``},
		{`[0][ 1 ]`, `[0][1]`, `[0][1]`, ``},
		{`[ "a.b" ].c`, `["a.b"]["c"]`, `["a.b"]["c"]`, ``},
		{`["\ud800"]`, `["\ud800"]`, `["\ud800"]`, ``},
		{`é-_$@1`, `["é-_$@1"]`, `["é-_$@1"]`, ``},
		{`[2147483647]`, `[2147483647]`, `[2147483647]`, ``},
		// a key with spaces
		{`a b.c`, `["a b"]["c"]`, `["a b"]["c"]`, ``},
		{`a  b`, `["a  b"]`, `["a  b"]`, ``},
		// white space around a step
		{` a . b `, `[" a "][" b "]`, `["a"]["b"]`, ``},
		{"a\t.b", `["a\t"]["b"]`, `["a"]["b"]`, ``},
		{"a\tb", `["a\tb"]`, `["a"]`, `b`},
		// other characters in a key
		{`xml:lang`, `["xml:lang"]`, `["xml"]`, `:lang`},
		{`a | upper`, `["a | upper"]`, `["a"]`, `| upper`},
		{`a}}`, `["a}}"]`, `["a"]`, `}}`},
		{`a }}b`, `["a }}b"]`, `["a"]`, `}}b`},
		// behind a path
		{`a]`, no, `["a"]`, `]`},
		{`a[0]b`, no, `["a"][0]`, `b`},
		{`["a"] x`, no, `["a"]`, `x`},
		// no path
		{``, no, no, ``},
		{`.`, no, no, ``},
		{`.a`, no, no, ``},
		{`a.`, no, no, ``},
		{`a..b`, no, no, ``},
		{`a[`, no, no, ``},
		{`a[]`, no, no, ``},
		{`a[-1]`, no, no, ``},
		{`a[1`, no, no, ``},
		{`a["b`, no, no, ``},
		{`a["b\"]`, no, no, ``},
		{`a["\x"]`, no, no, ``},
		{`a[2147483648]`, no, no, ``},
	} {
		got := no
		p, err := rawjson.ParsePath(c.text)
		if err == nil {
			got = spell(p)
		} else if bad := (*rawjson.PathError)(nil); !errors.As(err, &bad) || bad.Offset > len(c.text) || bad.Reason == "" {
			t.Errorf("%q: %#v", c.text, err)
		}
		if got != c.parsed {
			t.Errorf("%q is parsed to %s, want %s", c.text, got, c.parsed)
		}
		got = no
		p, end, bad := rawjson.CutPath(c.text)
		if bad == nil {
			got = spell(p)
			if rest := c.text[end:]; rest != c.rest {
				t.Errorf("behind %q is %q, want %q", c.text, rest, c.rest)
			}
		}
		if got != c.cut {
			t.Errorf("%q begins with %s, want %s", c.text, got, c.cut)
		}
	}
}

func TestIsPlainKey(t *testing.T) {
	for key, want := range map[string]bool{"a": true, "é-_$@1": true, "": false, "a b": false, "a.b": false, "\xff": false} {
		if rawjson.IsPlainKey(key) != want {
			t.Errorf("%q: %t", key, !want)
		}
	}
}

// FuzzPaths wants that what is read, spelled again, reads the same in both forms.
func FuzzPaths(f *testing.F) {
	for _, text := range []string{`a.b[0]["x y"]`, ` a . b [ 1 ] `, `["\ud800"]`, `a b`, `a]`, `[`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		same := func(p rawjson.Path) {
			spelled := spell(p)
			q, err := rawjson.ParsePath(spelled)
			if err != nil || spell(q) != spelled {
				t.Fatalf("%q became %s: %v", text, spelled, err)
			}
			if q, end, bad := rawjson.CutPath(spelled); bad != nil || end != len(spelled) || spell(q) != spelled {
				t.Fatalf("%q became %s: %v", text, spelled, bad)
			}
		}
		if p, err := rawjson.ParsePath(text); err == nil {
			same(p)
		}
		if p, end, err := rawjson.CutPath(text); err == nil {
			if end > len(text) {
				t.Fatal(end)
			}
			same(p)
		} else if err.Offset > len(text) {
			t.Fatal(err.Offset)
		}
	})
}
