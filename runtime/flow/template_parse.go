package flow

import (
	"strings"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// part is a piece of a string that may hold templates: literal text, or the path of a template.
type part struct {
	text string
	path rawjson.Path // nil = literal text
	at   int          // where the path begins in the string, in bytes
}

// column returns the character, from 1, at byte at of s.
func column(s string, at int) int { return utf8.RuneCountInString(s[:at]) + 1 }

// parseText splits a string into its parts. An empty string has none; neighboring literal parts are
// possible.
func parseText(s string) ([]part, *rawjson.PathError) {
	var parts []part
	literal := func(t string) {
		if t != "" {
			parts = append(parts, part{text: t})
		}
	}
	done := 0
	for {
		open := strings.Index(s[done:], "{{")
		if open < 0 {
			literal(s[done:])
			return parts, nil
		}
		open += done
		if open > done && s[open-1] == '\\' {
			literal(s[done : open-1])
			literal("{{")
			done = open + 2
			continue
		}
		literal(s[done:open])
		at := open + 2
		path, n, err := rawjson.CutPath(s[at:])
		if err != nil {
			err.Offset += at
			return nil, err
		}
		if !strings.HasPrefix(s[at+n:], "}}") {
			return nil, rawjson.Expected(`"}}" or another step of the path`, s, at+n)
		}
		at += len(s[at:at+n]) - len(strings.TrimLeft(s[at:at+n], " \t\r\n"))
		parts = append(parts, part{path: path, at: at})
		done = open + 2 + n + 2
	}
}

// parsePath parses a string that is a path, as it stands in a template, and nothing else.
func parsePath(s string) (rawjson.Path, *rawjson.PathError) {
	path, n, err := rawjson.CutPath(s)
	if err == nil && n < len(s) {
		err = rawjson.Expected("another step of the path", s, n)
	}
	return path, err
}
