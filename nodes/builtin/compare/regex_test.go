package compare

import (
	"fmt"
	"os/exec"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

// The results of regex_match.
const (
	no = iota
	yes
	badPattern
)

// wantMatch is what package regexp says.
func wantMatch(pattern, text string) uint32 {
	re, err := regexp.Compile(pattern)
	switch {
	case err != nil:
		return badPattern
	case re.MatchString(text):
		return yes
	}
	return no
}

func (g *guest) checkMatch(pattern, text string) {
	g.tb.Helper()
	if got, want := g.call("match", pattern, text), wantMatch(pattern, text); got != want {
		g.tb.Errorf("match(%q, %q) = %d, want %d", pattern, text, got, want)
	}
}

// TestSyntax takes all pieces of the syntax, each alone and each pair of them, with texts that have
// one code point and more.
func TestSyntax(t *testing.T) {
	g := newGuest(t)
	all := strings.Join(texts, "")
	for _, first := range pieces {
		for _, text := range append(texts, "", all) {
			g.checkMatch(first, text)
			g.checkMatch("^(?:"+first+")$", text)
		}
		for _, second := range pieces {
			g.checkMatch(first+second, all)
			g.checkMatch("^"+first+second+"$", "ab")
		}
	}
}

func TestPatternsLikeGo(t *testing.T) {
	g := newGuest(t)
	patterns, subjects := rapid.OneOf(pattern(), valid(4)), text()
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			pattern, text := patterns.Draw(t, "pattern"), subjects.Draw(t, "text")
			if got, want := g.call("match", pattern, text), wantMatch(pattern, text); got != want {
				t.Fatalf("match(%q, %q) = %d, want %d", pattern, text, got, want)
			}
		}
	})
}

func FuzzMatch(f *testing.F) {
	g := newGuest(f)
	for _, piece := range pieces {
		f.Add(piece, "aKſ9\n")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		got, err := g.try("match", pattern, text)
		if want := wantMatch(pattern, text); err != nil || got != want {
			t.Fatalf("match(%q, %q) = %d, %v, want %d", pattern, text, got, err, want)
		}
	})
}

// TestProperties compares each \p{name} with Go on all code points, with and without (?i).
func TestProperties(t *testing.T) {
	g := newGuest(t)
	names := []string{"Any", "Assigned", "ASCII"}
	for name := range unicode.Categories {
		names = append(names, name)
	}
	for name := range unicode.Scripts {
		names = append(names, name)
	}
	for _, name := range names {
		for _, pattern := range []string{`\p{` + name + `}`, `(?i)[^\p{` + name + `}]`} {
			class, err := syntax.Parse(pattern, syntax.Perl)
			if err != nil {
				if got := g.call("match", pattern, ""); got != badPattern {
					t.Errorf("match(%q) = %d, want an error", pattern, got)
				}
				continue
			}
			in, others := split(class)
			if got := g.call("match", "^"+pattern+"*$", in); got != yes {
				t.Errorf("not all code points that match %q do", pattern)
			}
			if got := g.call("match", pattern, others); got != no {
				t.Errorf("a code point that does not match %q does", pattern)
			}
		}
	}
	for alias := range unicode.CategoryAliases {
		for _, pattern := range []string{`\p{` + alias + `}`, `\P{` + strings.ToUpper(alias) + `}`, `\p{^` + strings.ReplaceAll(alias, "_", " - ") + `}`} {
			for _, r := range texts {
				g.checkMatch(pattern, r)
			}
		}
	}
}

// split makes a text of all code points that match, and one of all others. It leaves out most of
// the planes that have no characters.
func split(class *syntax.Regexp) (in, others string) {
	ranges := class.Rune
	switch class.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, unicode.MaxRune}
	case syntax.OpLiteral:
		ranges = []rune{class.Rune[0], class.Rune[0]}
	}
	var matching, rest strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		switch r {
		case 0xd800:
			r = 0xe000 // surrogates are not in UTF-8
		case 0x32500:
			r = 0xdff00
		case 0xe0300:
			r = 0xeff00
		case 0xf0100:
			r = 0x10ff00
		}
		for len(ranges) > 0 && r > ranges[1] {
			ranges = ranges[2:]
		}
		if len(ranges) > 0 && r >= ranges[0] {
			matching.WriteRune(r)
		} else {
			rest.WriteRune(r)
		}
	}
	return matching.String(), rest.String()
}

// TestFolding compares what (?i) takes for the same, for each code point that is not alone.
func TestFolding(t *testing.T) {
	g := newGuest(t)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		next := unicode.SimpleFold(r)
		if next == r {
			continue
		}
		for _, pattern := range []string{string(r), "[" + string(r) + "]", "[^" + string(r) + "]", "[" + string(r-1) + "-" + string(r+1) + "]"} {
			for _, text := range []rune{r, next, unicode.SimpleFold(next), r + 1, r - 1} {
				g.checkMatch("(?i)"+pattern, string(text))
			}
		}
	}
}

// TestBounds takes patterns around each bound of package regexp.
func TestBounds(t *testing.T) {
	g := newGuest(t)
	for n := 990; n <= 1005; n++ {
		for name, pattern := range map[string]string{
			"groups":       strings.Repeat("(", n) + "a" + strings.Repeat(")", n),
			"stars":        strings.Repeat("(?:", n) + "a" + strings.Repeat(")*", n),
			"alternatives": strings.Repeat("(?:x|y", n) + "a" + strings.Repeat(")", n),
			"repetition":   fmt.Sprintf("a{%d}", n),
			"product":      fmt.Sprintf("(?:a{%d}b?){%d}", n/30, 30),
		} {
			if got, want := g.call("match", pattern, "aaa"), wantMatch(pattern, "aaa"); got != want {
				t.Errorf("%s of %d = %d, want %d", name, n, got, want)
			}
		}
	}
	// What alternatives begin with is taken out, which makes a tree higher.
	for n := 480; n <= 510; n++ {
		var prefixes []string
		for i := 1; i <= 2*n; i += 2 {
			prefixes = append(prefixes, strings.Repeat("a", i))
		}
		for name, pattern := range map[string]string{
			"prefixes": strings.Join(prefixes, "|"),
			"classes":  strings.Repeat(".a", n) + "b|" + strings.Repeat(".a", n) + "c",
		} {
			if got, want := g.call("match", pattern, "aaa"), wantMatch(pattern, "aaa"); got != want {
				t.Errorf("%s of %d = %d, want %d", name, n, got, want)
			}
		}
	}
	// The size is bounded once it is measured, which begins with many nodes or repetitions.
	for _, pattern := range []string{
		"((a{100}){100}){100}", "((a{10}){10}){10}", "(?:(?:a{10}){10}){11}", "(?:" + strings.Repeat("a.", 1600) + "){1000}",
		"(?:" + strings.Repeat("a.", 1700) + "){1000}", "(?:" + strings.Repeat("(ab)", 500) + "){1000}", "(?:" + strings.Repeat("(ab)", 1200) + "){1000}",
		strings.Repeat("a", 100_000), strings.Repeat("a|", 100_000), strings.Repeat(`\pL`, 5000), strings.Repeat(`[^\pL]`, 5000),
	} {
		if got, want := g.call("match", pattern, "aaa"), wantMatch(pattern, "aaa"); got != want {
			t.Errorf("match(%.50q of %d bytes) = %d, want %d", pattern, len(pattern), got, want)
		}
	}
}

// TestLinear checks that no pattern takes more than linear time, with what makes others slow. The
// time per byte may be 10 times as long in a text that is 16 times as long.
func TestLinear(t *testing.T) {
	g := newGuest(t)
	for _, pattern := range []string{"(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)(.*)[b]", "a{0,500}a{500}b", "(?i)(ſ|a)*b", "(^|a)+b", `\b(a+)+\b!`, `[^b]*\z!`} {
		took := func(n int) time.Duration {
			text := strings.Repeat("a", n)
			best := time.Hour
			for range 3 {
				start := time.Now()
				g.call("match", pattern, text)
				best = min(best, time.Since(start))
			}
			return best
		}
		short, long := took(1<<11), took(1<<15)
		if long > 160*short {
			t.Errorf("%s: %v for 2 KiB, %v for 32 KiB", pattern, short, long)
		}
	}
}

// TestTables checks that the tables are those of this version of Go.
func TestTables(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../regex/tables.go", "-check").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestMemory checks what a match leaves behind: nothing.
func TestMemory(t *testing.T) {
	g := newGuest(t)
	if _, err := g.try("match", "a", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	before, _ := g.run("used")
	if got := g.call("match", `(?i)^[\pL\d]{1,100}(a|b|c)*$`, strings.Repeat("x", 1<<20)); got != no {
		t.Fatalf("match = %d", got)
	}
	if after, _ := g.run("used"); after > before+64 {
		t.Errorf("%d bytes are taken, %d by a pattern of one byte", after, before)
	}
}
