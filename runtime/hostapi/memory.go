package hostapi

import "github.com/tetratelabs/wazero/api"

// Memory describes where a guest's memory lies within its instrumented module's, and how writes to
// it are tracked; see package instrument. The zero value describes a module without write tracking.
type Memory struct {
	Base    uint32 // the guest's address 0 within the module's memory; 0 = writes are not tracked
	Granule uint8  // binary logarithm of the bytes that one mark covers; used if Base is not 0
}

// Read returns n bytes at the guest's address ptr, or false if they lie outside of the memory. The
// caller must not write to them. They are valid until the guest continues.
func (m Memory) Read(module api.Module, ptr, n uint32) ([]byte, bool) {
	if ptr+m.Base < ptr {
		return nil, false
	}
	return module.Memory().Read(ptr+m.Base, n)
}

// Writable is Read for bytes that the caller writes: it marks them as dirty.
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

// Write copies b to the guest's address ptr. It returns false if b does not fit there.
func (m Memory) Write(module api.Module, ptr uint32, b []byte) bool {
	to, ok := m.Writable(module, ptr, uint32(len(b)))
	return ok && copy(to, b) == len(b)
}
