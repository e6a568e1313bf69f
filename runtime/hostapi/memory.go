package hostapi

import "github.com/tetratelabs/wazero/api"

// Memory is how a guest's memory lies in that of its module, and how writes to it are marked: see
// package instrument. The zero value is that of a module as it came.
type Memory struct {
	Base    uint32 // of the module's memory is what the guest knows as 0; 0 = there are no marks
	Granule uint8  // with a Base: the binary logarithm of the bytes that one mark is for
}

// Read returns n bytes at ptr as the guest sees it, which the caller must not write to and has
// until the guest goes on; false = they lie outside of the memory.
func (m Memory) Read(module api.Module, ptr, n uint32) ([]byte, bool) {
	if ptr+m.Base < ptr {
		return nil, false
	}
	return module.Memory().Read(ptr+m.Base, n)
}

// Writable is Read for bytes that the caller writes to: they are marked.
func (m Memory) Writable(module api.Module, ptr, n uint32) ([]byte, bool) {
	b, ok := m.Read(module, ptr, n)
	if ok && m.Base > 0 && n > 0 {
		marks, _ := module.Memory().Read(0, m.Base)
		for i := ptr >> m.Granule; i <= (ptr+n-1)>>m.Granule; i++ {
			marks[i] = 1
		}
	}
	return b, ok
}

// Write copies b to ptr as the guest sees it; false = there is no room for it.
func (m Memory) Write(module api.Module, ptr uint32, b []byte) bool {
	to, ok := m.Writable(module, ptr, uint32(len(b)))
	return ok && copy(to, b) == len(b)
}
