package doctest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notProse matches code spans and targets of links: names in them are not the page's to choose.
var notProse = regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)")

// betterWords maps words that pages must not use to the ones to use instead: that of the glossary,
// or the US spelling.
var betterWords = map[string]string{
	"behaviours?":     "behavior",
	"burns?|burnt":    "use (of fuel)",
	"cancelled":       "canceled",
	"colours?":        "color",
	"dialled":         "dialed",
	"favours?":        "favor",
	"licences?":       "license",
	"mends?|mended":   "fix, retry",
	"refuse[sd]?":     "reject",
	"secret handles?": "secret reference",
	"tells whether":   "reports whether",
}

// TestWords reports words of betterWords in the pages for users.
func TestWords(t *testing.T) {
	for _, p := range pages(t) {
		ofUsers := strings.HasPrefix(p.name, "docs/") ||
			slices.Contains([]string{"README.md", "RATIONALE.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"}, p.name)
		if !ofUsers {
			continue
		}
		text := notProse.ReplaceAllString(fenced.ReplaceAllString(p.text, ""), "")
		for words, better := range betterWords {
			for _, found := range regexp.MustCompile(`(?i)\b(`+words+`)\b`).FindAllString(text, -1) {
				t.Errorf("%s: %q is not the word to use: %s", p.name, found, better)
			}
		}
	}
}
