// Package rawjson works on JSON as text (RFC 8259): it checks values, brings them into one canonical form, finds members
// and elements, and reads and writes strings. Values stay raw bytes, so the digits of numbers, the order of keys and
// the spelling of escapes survive, and passing a value on costs nothing.
//
// [Check] and [AppendCanonical] take bytes that nobody has looked at yet. Everything else takes one valid value, as these
// two let it through; on other bytes the results are meaningless but nothing panics or runs without end.
//
// It is not an encoder or decoder: there is no reflection and no mapping to Go types. Host and guests share it, so
// it imports only small packages of the standard library and allocates nothing on the usual ways.
//
// All functions are safe for concurrent use. Results that are said to be views alias their argument; they are plain
// subslices of it, so their capacity tells where they stand.
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

// SyntaxError says where a text stops being one acceptable JSON value.
type SyntaxError struct {
	Offset int    // bytes before the offending one
	Reason string // fixed text, never input
}

// Error gives the reason alone; the offset is for those who want it.
func (e *SyntaxError) Error() string { return e.Reason }

// KindOf tells the kind of v, a valid value without leading white space, by its first byte.
// It is Invalid when no value begins with that byte or v is empty.
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
