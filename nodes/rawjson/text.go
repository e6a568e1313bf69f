package rawjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// AppendString appends the text of the JSON string v (with its quotes), unescaped, to dst. A lone
// half of a surrogate pair becomes U+FFFD; see [Exact]. When v is not a string, nothing is
// appended.
func AppendString(dst, v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return dst
	}
	return AppendUnescaped(dst, v[1:len(v)-1])
}

// Text is [AppendString] without a copy where the text has no escapes: then it is a view into v. It
// is nil when v is not a string.
func Text(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	if raw := v[1 : len(v)-1]; !hasEscape(raw) {
		return raw
	}
	return AppendString([]byte{}, v)
}

// AppendQuoted appends s as a JSON string with quotes. It escapes only what JSON requires (the
// quote, the backslash, control characters). Each byte that is not part of valid UTF-8 becomes
// U+FFFD.
func AppendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped is [AppendQuoted] without the quotes, for building one string from several parts.
func AppendEscaped(dst, s []byte) []byte { return appendEscaped(dst, s, false) }

func appendEscaped(dst, s []byte, exact bool) []byte {
	const hex = "0123456789abcdef"
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i = skipPlain(s, i+1)
			continue
		}
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeRune(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			if c < 0x20 {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
			} else if r := halfAt(s[i:]); exact && r > 0 {
				dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&0xF], hex[r>>4&0xF], hex[r&0xF])
				n = halfSize
			} else {
				dst = utf8.AppendRune(dst, utf8.RuneError)
			}
		}
		i += n
		done = i
	}
	return append(dst, s[done:]...)
}

// hasEscape reports whether the text between a string's quotes holds an escape.
func hasEscape(raw []byte) bool {
	for i := skipPlain(raw, 0); i < len(raw); i = skipPlain(raw, i+1) {
		if raw[i] == '\\' {
			return true
		}
	}
	return false
}

// AppendUnescaped is [AppendString] for the text between the quotes, such as the keys that
// [Members] passes.
func AppendUnescaped(dst, raw []byte) []byte { return appendUnescaped(dst, raw, false) }

func appendUnescaped(dst, raw []byte, exact bool) []byte {
	done := 0
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			i++
			continue
		}
		dst = append(dst, raw[done:i]...)
		if i+1 == len(raw) {
			return dst
		}
		switch c := raw[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n := unescapedRune(raw[i:])
			if exact && utf16.IsSurrogate(r) {
				dst = appendHalf(dst, r)
			} else {
				dst = utf8.AppendRune(dst, r)
			}
			i += n
			done = i
			continue
		default:
			dst = append(dst, c)
		}
		i += 2
		done = i
	}
	return append(dst, raw[done:]...)
}

// unescapedRune decodes the \u escape, or the two of a surrogate pair, that raw begins with, and
// returns its length. A lone half of a pair is returned as it is.
func unescapedRune(raw []byte) (rune, int) {
	r := hexRune(raw)
	if r < 0 {
		return utf8.RuneError, min(6, len(raw))
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if pair := utf16.DecodeRune(r, hexRune(raw[6:])); pair != utf8.RuneError {
		return pair, 12
	}
	return r, 6
}

// hexRune decodes the \u escape that raw begins with, or returns -1.
func hexRune(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range raw[2:6] {
		d, ok := hexDigit(c)
		if !ok {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
