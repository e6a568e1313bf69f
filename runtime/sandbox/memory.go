package sandbox

import (
	"errors"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// maxMemory is the most memory a module can be given: less than there can be by the page of marks,
// and by one more because the whole of it is what a guest asks for to yield.
const maxMemory = 4<<30 - instrument.Base - wasmPage

// memory is the linear memory of one instance, limited for itself: the limit of wazero's
// configuration is one for all modules. It implements experimental.LinearMemory.
type memory struct {
	region    region
	limit     uint64 // bytes, those of the marks among them
	size      uint64 // bytes that the guest has
	high      uint64 // the most bytes that it has had since it was put back
	forced    bool   // the next Reallocate gives size, whatever is asked for
	refused   error  // why the guest did not get what it wanted; nil = it has
	meter     meter
	footprint footprint
}

// region is where a memory lies. It never shows a byte that was not written to it, or is its
// image's.
type region interface {
	// bytes returns the region's first size bytes, more than before if need be. Beyond what was
	// handed out before they are zero. nil means that the system has no memory.
	bytes(size uint64) []byte
	// restore makes the region what its image is, zero beyond it. No more than the first high bytes
	// have been handed out since it was made or restored. After an error the region can only be
	// freed.
	restore(high uint64) error
	// trim gives memory back that the region holds beside its image. It is called after restore;
	// what bytes returned before is no part of the region then.
	trim()
	// free ends the region: nobody uses its bytes any more.
	free()
}

// Allocate implements experimental.MemoryAllocator; an instance has one memory.
func (m *memory) Allocate(uint64, uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory; nil makes the guest's memory.grow answer -1.
// What it returns is the guest's memory from then on, also when it is smaller than before.
func (m *memory) Reallocate(size uint64) []byte {
	switch {
	case m.forced:
		return m.region.bytes(m.size)
	case size == 4<<30 && m.meter.yields():
		m.meter.yield()
		return nil
	// who goes on asking gets no more of the host's time
	case errors.Is(m.refused, errShareMemory), errors.Is(m.refused, errBudgetMemory):
		return nil
	case size > m.limit:
		m.refused = errNodeMemory
		return nil
	}
	if err := m.footprint.extend(size); err != nil {
		m.refused = err
		return nil
	}
	b := m.region.bytes(size)
	if b == nil {
		m.refused = errNodeMemory
		return nil
	}
	m.size = size
	m.high = max(m.high, size)
	return b
}

// Free implements experimental.LinearMemory. The region is freed by the instance's owner, who knows
// that nobody reads an answer in it any more.
func (m *memory) Free() {}

// heapRegion is a region in Go's memory, which works everywhere: it is put back by copying the whole
// image.
type heapRegion struct {
	buf   []byte
	snapshot []byte
}

func (h *heapRegion) bytes(size uint64) []byte {
	if size > uint64(len(h.buf)) {
		larger := make([]byte, max(size, uint64(len(h.buf)+len(h.buf)/4)))
		copy(larger, h.buf)
		h.buf = larger
	}
	return h.buf[:size:size]
}

func (h *heapRegion) restore(high uint64) error {
	n := copy(h.bytes(max(high, uint64(len(h.snapshot)))), h.snapshot)
	clear(h.buf[n:max(high, uint64(n))])
	return nil
}

func (h *heapRegion) trim() {
	if len(h.buf) > len(h.snapshot) {
		h.buf = append([]byte(nil), h.buf[:len(h.snapshot)]...)
	}
}

func (h *heapRegion) free() { h.buf = nil }
