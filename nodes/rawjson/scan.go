package rawjson

import "unicode/utf8"

// The reasons of a SyntaxError.
const (
	reasonEmpty      = "no value"
	reasonEnd        = "unexpected end"
	reasonUnexpected = "unexpected character"
	reasonBOM        = "byte order mark"
	reasonTrailing   = "text after the value"
	reasonDepth      = "nested too deep"
	reasonNumber     = "invalid number"
	reasonControl    = "control character in a string"
	reasonEscape     = "invalid escape in a string"
	reasonUTF8       = "invalid UTF-8"
)

// Check reports whether b is exactly one JSON value in UTF-8 without a byte order mark, at most
// maxDepth objects and arrays deep (a scalar is 0 deep). White space around the value is allowed.
// The error is a *SyntaxError.
func Check(b []byte, maxDepth int) error {
	s := scanner{b: b, maxDepth: maxDepth}
	return s.scan()
}

// scanner walks once over b. Its methods take the index of a token and return the index behind it,
// or -1 after fail. They recurse once for each level of nesting, so maxDepth bounds the stack.
type scanner struct {
	b        []byte
	maxDepth int
	at       int    // where it failed
	reason   string // why
	escapes  int    // that were passed
	writes   bool   // whether canon is used
	canon    canon  // the canonical form, written meanwhile
}

func (s *scanner) scan() error {
	i := s.space(0)
	switch {
	case i == len(s.b):
		s.fail(i, reasonEmpty)
	case len(s.b) >= 3 && s.b[0] == 0xEF && s.b[1] == 0xBB && s.b[2] == 0xBF:
		s.fail(0, reasonBOM)
	default:
		if i = s.value(i, 0); i < 0 {
			break
		}
		if i = s.space(i); i < len(s.b) {
			s.fail(i, reasonTrailing)
		}
	}
	if s.reason != "" {
		return &SyntaxError{Offset: s.at, Reason: s.reason}
	}
	return nil
}

func (s *scanner) fail(at int, reason string) int {
	s.at, s.reason = at, reason
	return -1
}

// unexpected fails at i with the reason for an unexpected byte or the end.
func (s *scanner) unexpected(i int) int {
	if i >= len(s.b) {
		return s.fail(len(s.b), reasonEnd)
	}
	return s.fail(i, reasonUnexpected)
}

// has reports whether c stands at i.
func (s *scanner) has(i int, c byte) bool { return i < len(s.b) && s.b[i] == c }

func (s *scanner) space(i int) int {
	end := skipSpace(s.b, i)
	if end > i && s.writes {
		s.canon.leaveOut(s.b, i, end)
	}
	return end
}

func (s *scanner) value(i, depth int) int {
	if i >= len(s.b) {
		return s.unexpected(i)
	}
	switch c := s.b[i]; c {
	case '{':
		return s.object(i, depth)
	case '[':
		return s.array(i, depth)
	case '"':
		return s.text(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || isDigit(c) {
			return s.number(i)
		}
		return s.unexpected(i)
	}
}

func (s *scanner) object(i, depth int) int {
	if depth >= s.maxDepth {
		return s.fail(i, reasonDepth)
	}
	i = s.space(i + 1)
	if s.has(i, '}') {
		return i + 1
	}
	var base int
	if s.writes {
		base = len(s.canon.members(0))
	}
	for {
		if !s.has(i, '"') {
			return s.unexpected(i)
		}
		key, escapes := i, s.escapes
		if i = s.text(i); i < 0 {
			return -1
		}
		if s.writes {
			s.canon.member(s.b, key, i, s.escapes > escapes)
		}
		if i = s.space(i); !s.has(i, ':') {
			return s.unexpected(i)
		}
		if i = s.value(s.space(i+1), depth+1); i < 0 {
			return -1
		}
		i = s.space(i)
		switch {
		case s.has(i, ','):
			i = s.space(i + 1)
		case s.has(i, '}'):
			if s.writes {
				s.canon.endObject(s.b, base)
			}
			return i + 1
		default:
			return s.unexpected(i)
		}
	}
}

func (s *scanner) array(i, depth int) int {
	if depth >= s.maxDepth {
		return s.fail(i, reasonDepth)
	}
	i = s.space(i + 1)
	if s.has(i, ']') {
		return i + 1
	}
	for {
		if i = s.value(i, depth+1); i < 0 {
			return -1
		}
		i = s.space(i)
		switch {
		case s.has(i, ','):
			i = s.space(i + 1)
		case s.has(i, ']'):
			return i + 1
		default:
			return s.unexpected(i)
		}
	}
}

func (s *scanner) literal(i int, word string) int {
	for j := range len(word) {
		if !s.has(i+j, word[j]) {
			return s.unexpected(i + j)
		}
	}
	return i + len(word)
}

// number follows the grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func (s *scanner) number(i int) int {
	if s.b[i] == '-' {
		i++
	}
	if s.has(i, '0') {
		i++
		if i < len(s.b) && isDigit(s.b[i]) {
			return s.fail(i, reasonNumber)
		}
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if s.has(i, '.') {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if s.has(i, 'e') || s.has(i, 'E') {
		i++
		if s.has(i, '+') || s.has(i, '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits skips one digit or more.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.b) && isDigit(s.b[i]) {
		i++
	}
	switch {
	case i > start:
		return i
	case i == len(s.b):
		return s.fail(i, reasonEnd)
	default:
		return s.fail(i, reasonNumber)
	}
}

// text skips the string whose opening quote is at i.
func (s *scanner) text(i int) int {
	b := s.b
	for i++; i < len(b); {
		switch c := b[i]; {
		case plain[c]:
			i = skipPlain(b, i+1)
		case c == '"':
			return i + 1
		case c == '\\':
			s.escapes++
			if i = s.escape(i); i < 0 {
				return -1
			}
		case c < 0x20:
			return s.fail(i, reasonControl)
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return s.fail(i, reasonUTF8)
			}
			i += n
		}
	}
	return s.fail(len(b), reasonEnd)
}

// escape skips the escape whose backslash is at i. Like the grammar, it allows a \u escape of half
// a surrogate pair; AppendString reads it as U+FFFD.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.b) {
		return s.fail(len(s.b), reasonEnd)
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(s.b) {
				return s.fail(len(s.b), reasonEnd)
			}
			if _, ok := hexDigit(s.b[j]); !ok {
				return s.fail(j, reasonEscape)
			}
		}
		return i + 6
	default:
		return s.fail(i+1, reasonEscape)
	}
}
