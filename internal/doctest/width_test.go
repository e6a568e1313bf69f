package doctest

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxWidth is how many columns a Go comment and a line of Markdown prose may have. A tab counts as
// four.
const maxWidth = 100

// unbreakable is what nobody can wrap: long addresses, and comments that tools read.
var unbreakable = regexp.MustCompile(`https?://\S{50,}|\]\(\S{60,}\)|^\s*//(go:|nolint|\t)`)

// goComment finds a comment that stands alone, or behind code.
var goComment = regexp.MustCompile(`^\s*//|[^:"'` + "`" + `/]// `)

func TestWidth(t *testing.T) {
	walk(t, func(name string) {
		markdown := filepath.Ext(name) == ".md"
		if !markdown && filepath.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			return
		}
		n, fenced := 0, false
		for line := range strings.Lines(read(t, name)) {
			n++
			line = strings.TrimRight(line, "\n")
			prose := goComment.MatchString(line)
			if markdown {
				trimmed := strings.TrimLeft(line, " ")
				if strings.HasPrefix(trimmed, "```") {
					fenced = !fenced
				}
				prose = !fenced && !strings.HasPrefix(trimmed, "|")
			}
			width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
			if prose && width > maxWidth && !unbreakable.MatchString(line) {
				t.Errorf("%s:%d: %d columns, more than %d", name, n, width, maxWidth)
			}
		}
	})
}
