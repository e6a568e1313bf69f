// Package rawjson works on JSON as text (RFC 8259): it checks values, brings them into one
// canonical form, finds members and elements, parses paths, and reads and writes strings. Values
// stay raw bytes, so the digits of numbers, the order of keys and the spelling of escapes survive,
// and passing a value on costs nothing.
//
// It is a stable API for node authors and other packages.
//
// [Check] and [AppendCanonical] take untrusted bytes. All other functions take one valid value, as
// these two accept it. On other bytes their results are meaningless, but nothing panics or runs
// without end.
//
// It is not an encoder or decoder: there is no reflection and no mapping to Go types. Host and
// guests share it, so it imports only small packages of the standard library, and the common paths
// allocate nothing.
//
// All functions are safe for concurrent use. Results documented as views alias their argument; they
// are plain subslices of it, so their capacity tells where they stand.
package rawjson

// Kind is the kind of a JSON value.
type Kind byte

// The kinds of JSON values.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Object
	Array
)

// SyntaxError reports where a text stops being one acceptable JSON value.
type SyntaxError struct {
	Offset int    // bytes before the offending one
	Reason string // fixed text, never input
}

// Error returns the reason alone.
func (e *SyntaxError) Error() string { return e.Reason }

// KindOf returns the kind of v, a valid value without leading white space, by its first byte. It is
// Invalid when v is empty or no value begins with that byte.
func KindOf(v []byte) Kind {
	if len(v) == 0 {
		return Invalid
	}
	switch c := v[0]; c {
	case 'n':
		return Null
	case 'f':
		return False
	case 't':
		return True
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	default:
		if c == '-' || isDigit(c) {
			return Number
		}
		return Invalid
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
