package rawjson

import (
	"math/bits"
	"unicode/utf8"
)

// plain reports which bytes of a string mean themselves: ASCII without the quote, the backslash and
// control characters.
var plain = func() (table [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// skipPlain returns the index of the first byte from i on that is not plain, or len(b). Most bytes
// are plain, so it tests eight at once.
func skipPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if other := notPlain(word(b[i:])); other != 0 {
			return i + bits.TrailingZeros64(other)/8
		}
	}
	for i < len(b) && plain[b[i]] {
		i++
	}
	return i
}

// notPlain sets the high bit of each of eight bytes that is not plain. A byte that is too small
// borrows from the one above, whose bit may then be wrong: only the lowest set bit counts.
func notPlain(w uint64) uint64 {
	const each = 0x0101010101010101
	control := w - 0x20*each
	quote := (w ^ '"'*each) - each
	backslash := (w ^ '\\'*each) - each
	return (w | control | quote | backslash) & (0x80 * each)
}

// word is binary.LittleEndian.Uint64, one load: that package would link package reflect into every
// guest.
func word(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
