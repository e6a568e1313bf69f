package sandbox

import "github.com/tetratelabs/wazero/experimental"

// memory is the linear memory of one instance, limited for itself: the limit of wazero's configuration is one for all modules.
// It implements experimental.LinearMemory with plain Go memory, which works everywhere.
type memory struct {
	buf     []byte
	limit   uint64
	refused bool // the guest wanted more than the limit
}

// Allocate implements experimental.MemoryAllocator; an instance has one memory.
func (m *memory) Allocate(uint64, uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory; nil makes the guest's memory.grow answer -1.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.buf)) {
		larger := make([]byte, size, min(max(size, 2*uint64(cap(m.buf))), m.limit))
		copy(larger, m.buf)
		m.buf = larger
	}
	m.buf = m.buf[:size]
	return m.buf
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.buf = nil }
