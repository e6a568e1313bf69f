package rawjson

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Path leads to a value within a value. As text it is written like a.b[0]["any key"], see
// [ParsePath] and [CutPath].
type Path []Step

// Step is one step of a path: into the member Key of an object or, when Index >= 0, into an element
// of an array.
type Step struct {
	Key   string // exact, see [Exact]
	Index int    // -1 = into a member
}

// IsIndex reports whether the step leads into an array.
func (s *Step) IsIndex() bool { return s.Index >= 0 }

// String returns the key, or the index in brackets, for messages.
func (s Step) String() string {
	if s.IsIndex() {
		return "[" + strconv.Itoa(s.Index) + "]"
	}
	return s.Key
}

// Of follows the step into v. The result is a view, or nil when nothing is there.
func (s *Step) Of(v []byte) []byte {
	if s.IsIndex() {
		return Index(v, s.Index)
	}
	return Get(v, s.Key)
}

// PathError reports where a text stops being a path.
type PathError struct {
	Offset int    // in bytes
	Reason string // it quotes at most one character of the text
}

// Error returns the reason alone.
func (e *PathError) Error() string { return e.Reason }

// ParsePath parses a text that is one path:
//
//	path = ( name | index | key ) { "." name | index | key }
//	index = "[" digits "]"
//	key = "[" JSON string "]"
//
// A name is every character up to the next dot or bracket, white space included. White space is
// ignored only inside brackets. The error is a *[PathError].
func ParsePath(text string) (Path, error) {
	p := pathParser{text: text, name: (*pathParser).anyName}
	path, err := p.path()
	if err == nil && p.i < len(text) {
		err = p.unexpected("another step of the path")
	}
	if err != nil {
		return nil, err
	}
	return path, nil
}

// CutPath parses the path that text begins with, as in a template, and returns the index behind it.
// The grammar is that of [ParsePath], but what follows the path must not become a part of it, and a
// mistake must show: a name consists of letters, digits, and the characters _ - $ @, with spaces
// between them. Other keys need the form ["key"]. White space around names and brackets is ignored.
func CutPath(text string) (path Path, end int, err *PathError) {
	p := pathParser{text: text, name: (*pathParser).plainName, spaced: true}
	p.space()
	path, err = p.path()
	return path, p.i, err
}

// Expected returns the error for a text that goes on, behind the path that [CutPath] has read, with
// something other than want.
func Expected(want, text string, offset int) *PathError {
	p := pathParser{text: text, i: offset}
	return p.unexpected(want)
}

// IsPlainKey reports whether a key may stand in every path without brackets. Keys with spaces may,
// too, but are better read in brackets.
func IsPlainKey(key string) bool {
	for _, r := range key {
		if !isKeyRune(r) {
			return false
		}
	}
	return key != ""
}

// isKeyRune reports whether r may stand in a name of a template.
func isKeyRune(r rune) bool {
	return r == '_' || r == '-' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// maxIndex is the largest index that a path can have.
const maxIndex = 1<<31 - 1

// pathParser is the one parser of paths. How names are read is a field, so that guests that use
// ParsePath alone do not link the tables of package unicode.
type pathParser struct {
	text   string
	i      int
	name   func(p *pathParser) // advances to the end of a name
	spaced bool                // white space around steps is ignored
}

func (p *pathParser) path() (Path, *PathError) {
	var path Path
	for {
		var s Step
		var err *PathError
		switch {
		case p.take('['):
			s, err = p.bracket()
		case len(path) == 0:
			s, err = p.member("a path")
		case p.take('.'):
			if p.spaced {
				p.space()
			}
			s, err = p.member("a key")
		default:
			return path, nil
		}
		if err != nil {
			return nil, err
		}
		path = append(path, s)
		if p.spaced {
			p.space()
		}
	}
}

// member reads a name.
func (p *pathParser) member(want string) (Step, *PathError) {
	start := p.i
	if p.name(p); p.i == start {
		return Step{}, p.unexpected(want)
	}
	return Step{Key: p.text[start:p.i], Index: -1}, nil
}

// anyName advances to the next dot or bracket.
func (p *pathParser) anyName() {
	for p.i < len(p.text) && p.text[p.i] != '.' && p.text[p.i] != '[' && p.text[p.i] != ']' {
		p.i++
	}
}

// plainName advances to the end of a name of a template.
func (p *pathParser) plainName() {
	start := p.i
	for i := start; i < len(p.text); {
		r, n := utf8.DecodeRuneInString(p.text[i:])
		switch {
		case isKeyRune(r):
			i += n
			p.i = i
		case r == ' ' && i > start: // within the name, if more of it follows
			i++
		default:
			return
		}
	}
}

// bracket reads the rest of a step behind its opening bracket.
func (p *pathParser) bracket() (Step, *PathError) {
	p.space()
	s := Step{Index: -1}
	start := p.i
	if p.take('"') {
		for p.i < len(p.text) && p.text[p.i] != '"' {
			if p.text[p.i] == '\\' {
				p.i++
			}
			p.i++
		}
		if !p.take('"') {
			return s, &PathError{start, "a key whose closing quote is missing"}
		}
		key := []byte(p.text[start:p.i])
		if Check(key, 0) != nil {
			return s, &PathError{start, "a key that is not a valid JSON string"}
		}
		s.Key = string(Exact(key))
	} else {
		var n int64
		for ; p.i < len(p.text) && isDigit(p.text[p.i]); p.i++ {
			n = min(10*n+int64(p.text[p.i]-'0'), maxIndex+1)
		}
		switch {
		case p.i == start:
			return s, p.unexpected("an index such as 0 or a key in double quotes")
		case n > maxIndex:
			return s, &PathError{start, "an index that is too large"}
		}
		s.Index = int(n)
	}
	p.space()
	if !p.take(']') {
		return s, p.unexpected(`"]"`)
	}
	return s, nil
}

func (p *pathParser) space() {
	for p.i < len(p.text) && isSpace(p.text[p.i]) {
		p.i++
	}
}

// take advances over c if it is next.
func (p *pathParser) take(c byte) bool {
	if p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *pathParser) unexpected(want string) *PathError {
	got := "the end"
	if p.i < len(p.text) {
		_, n := utf8.DecodeRuneInString(p.text[p.i:])
		got = string(AppendQuoted(nil, []byte(p.text[p.i:p.i+n])))
	}
	return &PathError{p.i, got + " where " + want + " should stand"}
}
