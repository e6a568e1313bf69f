package sandbox

import (
	"encoding/binary"
	"math/bits"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// maxCopyBack is how many dirty bytes are copied back from the snapshot at most. Their pages stay
// with the instance, so that the next call writes to them without a page fault. If a call has
// written more, all of the memory is released, so that one large call does not make the instance
// large.
const maxCopyBack = 1 << 20

// dirtyRanges iterates over the parts of a memory that the write barrier has marked.
type dirtyRanges struct {
	marks   []byte // one for each granule of the memory
	at      int    // index of the next mark
	base    uint64
	granule uint8
	size    uint64 // bytes of the memory
}

func newDirtyRanges(layout hostapi.Memory, memory []byte) dirtyRanges {
	base, granule, size := uint64(layout.Base), layout.Granule, uint64(len(memory))
	n := min((size-base+1<<granule-1)>>granule, base)
	return dirtyRanges{memory[:(n+7)&^7], 0, base, granule, size}
}

// next returns the next dirty range with its marks. ok is false after the last one.
func (w *dirtyRanges) next() (from, to uint64, marks []byte, ok bool) {
	for w.at < len(w.marks) {
		if w.at&7 == 0 {
			w.at += leadingClean(w.marks[w.at:])
			if w.at == len(w.marks) {
				break
			}
		}
		word := binary.LittleEndian.Uint64(w.marks[w.at&^7:]) >> (8 * (w.at & 7))
		if word == 0 {
			w.at = w.at&^7 + 8
			continue
		}
		w.at += bits.TrailingZeros64(word) / 8
		first := w.at
		for w.at < len(w.marks) && w.marks[w.at] != 0 {
			w.at++
		}
		from = min(w.base+uint64(first)<<w.granule, w.size)
		return from, min(w.base+uint64(w.at)<<w.granule+instrument.Beyond, w.size), w.marks[first:w.at], true
	}
	return 0, 0, nil, false
}

// restoreDirty copies the dirty ranges of memory back from the snapshot, clears those beyond it,
// clears the marks, and adds the pages written to p. It returns false if there is too much to copy;
// the state of memory is unknown then.
func restoreDirty(layout hostapi.Memory, memory, snapshot []byte, p *pageSet) bool {
	w := newDirtyRanges(layout, memory)
	copied := 0
	for from, to, marks, ok := w.next(); ok; from, to, marks, ok = w.next() {
		clear(marks)
		part := memory[from:to]
		if copied += len(part); copied > maxCopyBack {
			return false
		}
		p.add(from, to)
		if from < uint64(len(snapshot)) {
			part = part[copy(part, snapshot[from:]):]
		}
		clear(part)
	}
	return true
}

// countDirtyPages adds the pages that were written so far to p.
func countDirtyPages(layout hostapi.Memory, memory []byte, p *pageSet) {
	w := newDirtyRanges(layout, memory)
	for from, to, _, ok := w.next(); ok; from, to, _, ok = w.next() {
		p.add(from, to)
	}
}

// leadingClean returns how many marks at the beginning are zero, in whole words. Nearly all marks
// are zero: this is where a reset spends most of its time.
func leadingClean(marks []byte) int {
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
