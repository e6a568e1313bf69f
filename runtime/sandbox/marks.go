package sandbox

import (
	"encoding/binary"
	"math/bits"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/rewrite"
)

// keepWritten is how many bytes are copied back. Their pages stay the instance's, so that the next call writes to them without a page fault.
// When a call has written more, all of the memory is given back, so that one large call does not make the instance large.
const keepWritten = 1 << 20

// copyBack makes the parts of memory that are marked what they are in the image, zero beyond it, and takes the marks away. It is
// false when they are too many: then memory can be anything.
func copyBack(layout hostapi.Memory, memory, image []byte) bool {
	base, granule, size := uint64(layout.Base), layout.Granule, uint64(len(memory))
	n := min((size-base+1<<granule-1)>>granule, base)
	marks := memory[:(n+7)&^7]
	copied := 0
	for at := 0; at < len(marks); {
		if at&7 == 0 {
			at += unmarked(marks[at:])
			if at == len(marks) {
				break
			}
		}
		word := binary.LittleEndian.Uint64(marks[at&^7:]) >> (8 * (at & 7))
		if word == 0 {
			at = at&^7 + 8
			continue
		}
		at += bits.TrailingZeros64(word) / 8
		from := base + uint64(at)<<granule
		for at < len(marks) && marks[at] != 0 {
			marks[at] = 0
			at++
		}
		written := memory[min(from, size):min(base+uint64(at)<<granule+rewrite.Beyond, size)]
		if copied += len(written); copied > keepWritten {
			return false
		}
		if from < uint64(len(image)) {
			written = written[copy(written, image[from:]):]
		}
		clear(written)
	}
	return true
}

// unmarked is how many marks at the beginning are none, in steps of words. Nearly all are none: most of the time goes here.
func unmarked(marks []byte) int {
	at := 0
	for ; at+64 <= len(marks); at += 64 {
		b := marks[at : at+64 : at+64]
		if binary.LittleEndian.Uint64(b)|binary.LittleEndian.Uint64(b[8:])|binary.LittleEndian.Uint64(b[16:])|
			binary.LittleEndian.Uint64(b[24:])|binary.LittleEndian.Uint64(b[32:])|binary.LittleEndian.Uint64(b[40:])|
			binary.LittleEndian.Uint64(b[48:])|binary.LittleEndian.Uint64(b[56:]) != 0 {
			break
		}
	}
	for ; at < len(marks) && binary.LittleEndian.Uint64(marks[at:]) == 0; at += 8 {
	}
	return at
}
