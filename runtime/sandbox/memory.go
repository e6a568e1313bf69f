package sandbox

import (
	"errors"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// maxMemory is the maximum memory of a module. It is less than WebAssembly's 4 GiB by the page of
// dirty marks, and by one more page because a guest yields by asking for all of it.
const maxMemory = 4<<30 - instrument.Base - wasmPage

// memory is the linear memory of one instance, with its own limit: wazero's configuration has only
// one limit for all modules. It implements experimental.LinearMemory.
type memory struct {
	region    region
	limit     uint64 // bytes, including the dirty marks
	size      uint64 // bytes that the guest has
	high      uint64 // the maximum of size since the last reset
	forced    bool   // the next Reallocate returns size bytes, whatever is asked for
	refused   error  // why the guest did not get memory; nil = it got all that it asked for
	meter     meter
	footprint footprint
}

// region holds the bytes of a memory. All its bytes were written to it, come from its snapshot, or
// are zero.
type region interface {
	// bytes returns the region's first size bytes and grows the region if necessary. New bytes are
	// zero. nil means that the system has no memory.
	bytes(size uint64) []byte
	// restore resets the region to its snapshot, followed by zeros. At most the first high bytes
	// have been handed out since the region was made or restored. After an error the region can
	// only be freed.
	restore(high uint64) error
	// trim releases memory that the region holds beyond its snapshot. It is called after restore.
	// Slices that bytes returned earlier are invalid then.
	trim()
	// free releases the region. Nothing may use its bytes any more.
	free()
}

// Allocate implements experimental.MemoryAllocator; an instance has one memory.
func (m *memory) Allocate(uint64, uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. nil makes the guest's memory.grow return -1.
// Otherwise the result becomes the guest's memory, even if it is smaller than before.
func (m *memory) Reallocate(size uint64) []byte {
	switch {
	case m.forced:
		return m.region.bytes(m.size)
	case size == 4<<30 && m.meter.yields():
		m.meter.yield()
		return nil
	// a guest that keeps asking gets no more of the host's time
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

// Free implements experimental.LinearMemory. It does nothing: the instance's owner frees the
// region, since only the owner knows when results in it have been read.
func (m *memory) Free() {}

// heapRegion is a region in Go's heap, which works on all systems. It is restored by copying the
// whole snapshot.
type heapRegion struct {
	buf      []byte
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
