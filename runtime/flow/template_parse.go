package flow

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// step is one step of a path: into a member, or into an element when index >= 0.
type step struct {
	key   string // exact, see rawjson.Exact
	index int
}

// String is the step as a message names it.
func (s step) String() string {
	if s.index >= 0 {
		return "[" + strconv.Itoa(s.index) + "]"
	}
	return s.key
}

// follow walks from v along steps; found is nil when something on the way is missing. walked is how
// many bytes it has read.
func follow(v []byte, steps []step) (found []byte, walked int) {
	for i := range steps {
		in := v
		if s := &steps[i]; s.index >= 0 {
			v = rawjson.Index(in, s.index)
		} else {
			v = rawjson.Get(in, s.key)
		}
		if v == nil {
			return nil, walked + len(in)
		}
		walked += cap(in) - cap(v) + len(v) // a view ends where the memory of its value does
	}
	return v, walked
}

// part is a piece of a string that may hold templates: literal text, or the path of a template.
type part struct {
	text  string
	steps []step // nil = literal text
	at    int    // where the path begins in the string, in bytes
}

// malformed says why a template cannot be read, and where.
type malformed struct {
	at     int // byte of the string
	reason string
}

// column is the character, from 1, at byte at of s.
func column(s string, at int) int { return utf8.RuneCountInString(s[:at]) + 1 }

// parseText splits a string into its parts. An empty string has none; neighbouring literal parts
// are possible.
func parseText(s string) ([]part, *malformed) {
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
		p := pathParser{s: s, i: open + 2}
		at := p.space()
		steps, err := p.path()
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(s[p.i:], "}}") {
			return nil, p.unexpected(`"}}" or another step of the path`)
		}
		parts = append(parts, part{steps: steps, at: at})
		done = p.i + 2
	}
}

// parsePath reads a string that is a path and nothing else.
func parsePath(s string) ([]step, *malformed) {
	p := pathParser{s: s}
	p.space()
	steps, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.i < len(s) {
		return nil, p.unexpected("another step of the path")
	}
	return steps, nil
}

// pathParser reads paths: name { "." name | "[" digits "]" | "[" JSON string "]" }, with white
// space between the parts.
type pathParser struct {
	s string
	i int
}

func (p *pathParser) space() int {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
	return p.i
}

// take passes over c if it is next.
func (p *pathParser) take(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *pathParser) unexpected(want string) *malformed {
	got := "the end"
	if p.i < len(p.s) {
		_, n := utf8.DecodeRuneInString(p.s[p.i:])
		got = strconv.Quote(p.s[p.i : p.i+n])
	}
	return &malformed{p.i, fmt.Sprintf("%s where %s should stand", got, want)}
}

func (p *pathParser) path() ([]step, *malformed) {
	var steps []step
	for {
		var s step
		var err *malformed
		switch {
		case p.take('['):
			s, err = p.bracket()
		case len(steps) == 0:
			s, err = p.name("a path")
		case p.take('.'):
			p.space()
			s, err = p.name("a key")
		default:
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		p.space()
	}
}

func (p *pathParser) name(want string) (step, *malformed) {
	start := p.i
	for p.i < len(p.s) {
		r, n := utf8.DecodeRuneInString(p.s[p.i:])
		if !isKeyRune(r) {
			break
		}
		p.i += n
	}
	if p.i == start {
		return step{}, p.unexpected(want)
	}
	return step{key: p.s[start:p.i], index: -1}, nil
}

// isKeyRune tells whether r may stand in a key that is written without brackets.
func isKeyRune(r rune) bool {
	return r == '_' || r == '-' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// bracket reads what follows an opening bracket.
func (p *pathParser) bracket() (step, *malformed) {
	p.space()
	s := step{index: -1}
	start := p.i
	if p.take('"') {
		for p.i < len(p.s) && p.s[p.i] != '"' {
			if p.s[p.i] == '\\' {
				p.i++
			}
			p.i++
		}
		if !p.take('"') {
			return s, &malformed{start, "a key whose closing quote is missing"}
		}
		quoted := []byte(p.s[start:p.i])
		if rawjson.Check(quoted, 0) != nil {
			return s, &malformed{start, "a key that is no valid JSON string"}
		}
		s.key = string(rawjson.Exact(quoted))
	} else {
		for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
			p.i++
		}
		if p.i == start {
			return s, p.unexpected("an index such as 0 or a key in double quotes")
		}
		n, err := strconv.ParseInt(p.s[start:p.i], 10, 32)
		if err != nil {
			return s, &malformed{start, "an index that is too large"}
		}
		s.index = int(n)
	}
	p.space()
	if !p.take(']') {
		return s, p.unexpected(`"]"`)
	}
	return s, nil
}
