package doctest

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGoWords reports words in Go files that are not the project's: docs/glossary.md has the ones
// to use. The words are in a file, so that this one does not have them. One more stands only behind
// a hyphen, as in "in-flight".
func TestGoWords(t *testing.T) {
	words := strings.Fields(read(t, "internal/doctest/testdata/words-not-in-go.txt"))
	unwanted := regexp.MustCompile(`\b(` + strings.Join(words, "|") + `)\b|(?:^|[^-\w])` + "fli" + `ghts?\b`)
	walk(t, func(name string) {
		if filepath.Ext(name) != ".go" {
			return
		}
		n := 0
		for line := range strings.Lines(read(t, name)) {
			n++
			if found := unwanted.FindString(strings.ReplaceAll(line, "oras.land/", "")); found != "" {
				t.Errorf("%s:%d: %q is not a word to use", name, n, strings.TrimSpace(found))
			}
		}
	})
}
