package rawjson

import "unicode/utf8"

// Exact is [Text] for comparing: two strings have the same exact text only if they have the same
// characters. A lone half of a surrogate pair is no character and has no UTF-8. It becomes the
// three bytes that WTF-8 (https://simonsapin.github.io/wtf-8/) defines for it. For all other
// strings the two texts are the same. Exact texts order by code point. Keys are compared by their
// exact texts.
func Exact(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	raw := v[1 : len(v)-1]
	if !hasEscape(raw) {
		return raw
	}
	return AppendExact([]byte{}, raw)
}

// AppendExact appends the exact text of raw, the text between the quotes, such as the keys that
// [Members] passes.
func AppendExact(dst, raw []byte) []byte { return appendUnescaped(dst, raw, true) }

// AppendExactEscaped is [AppendEscaped] for exact texts: half of a surrogate pair becomes its
// escape.
func AppendExactEscaped(dst, s []byte) []byte { return appendEscaped(dst, s, true) }

// halfSize is the number of bytes of half of a surrogate pair.
const halfSize = 3

// appendHalf appends half of a surrogate pair, U+D800 to U+DFFF, encoded like UTF-8.
func appendHalf(dst []byte, r rune) []byte {
	return append(dst, 0xED, utf8.RuneSelf|byte(r>>6)&0x3F, utf8.RuneSelf|byte(r)&0x3F)
}

// halfAt decodes the half of a surrogate pair that s begins with, or returns 0.
func halfAt(s []byte) rune {
	if len(s) < halfSize || s[0] != 0xED || s[1]&0xE0 != 0xA0 || s[2]&0xC0 != 0x80 {
		return 0
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F)
}
