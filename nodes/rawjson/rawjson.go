// Package rawjson works on JSON as text. See doc in owner files.
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

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset int    // bytes before the offending one
	Reason string // fixed text, never input
}

func (e *SyntaxError) Error() string { return e.Reason }

// KindOf tells the kind of v, a valid value without leading white space, by its first byte.
func KindOf(v []byte) Kind { panic("stub") }

// Check reports whether b is exactly one JSON value in UTF-8 without a BOM, at most maxDepth deep.
func Check(b []byte, maxDepth int) error { panic("stub") }

// AppendCanonical checks b like Check and appends it to dst: compact, of repeated keys only the last
// (at the last one's place), all else byte for byte (key order, digits, escapes).
func AppendCanonical(dst, b []byte, maxDepth int) ([]byte, error) { panic("stub") }

// Get returns the value of key in the object v (valid JSON), or nil.
func Get(v []byte, key string) []byte { panic("stub") }

// Index returns element i of the array v (valid JSON), or nil.
func Index(v []byte, i int) []byte { panic("stub") }

// Members calls fn for each member of the object v in order until fn returns false. key is the raw text between the
// quotes, value the raw value; both are views into v.
func Members(v []byte, fn func(key, value []byte) bool) { panic("stub") }

// Elements calls fn for each element of the array v in order until fn returns false.
func Elements(v []byte, fn func(value []byte) bool) { panic("stub") }

// AppendString appends the text of the JSON string v (with its quotes), unescaped, to dst. Lone surrogates give U+FFFD.
func AppendString(dst, v []byte) []byte { panic("stub") }

// AppendQuoted appends s as a JSON string with quotes; only what JSON requires is escaped, invalid UTF-8 gives U+FFFD.
func AppendQuoted(dst, s []byte) []byte { panic("stub") }
