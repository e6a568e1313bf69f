package instrument

import "math/bits"

const (
	// Base is the address at which the memory of a module with dirty tracking begins. One page of
	// marks precedes it.
	Base = 1 << 16
	// Beyond is how many bytes after a granule its mark also covers.
	Beyond = 256

	// MaxUnmarked is how many written granules may be unmarked while a guest yields or calls the
	// host: those of the basic block that it is in.
	MaxUnmarked = 2 * maxUnmarkedSpans

	// minGranule keeps Beyond small in proportion to a granule.
	minGranule = 9
)

// Granule returns the binary logarithm of the smallest granule with which the page of marks covers
// a memory of limit bytes.
func Granule(limit uint64) uint8 {
	if limit == 0 {
		return minGranule
	}
	return max(minGranule, uint8(bits.Len64((limit-1)/Base)))
}

// tracksWrites reports whether the module gets a write barrier.
func (m *module) tracksWrites() bool { return m.Granule > 0 }

// span is a range that a basic block has written, relative to a known operand.
type span struct {
	address  operand
	from, to uint32
}

const (
	maxUnmarkedSpans = 16      // spans
	maxOffset        = 1 << 30 // of a span
)

// offset reads the immediates of a load or store and adds Base to its offset. An offset that
// exceeds all memory still does.
func (m *module) offset(r *reader, f *function) (offset uint32) {
	r.u32() // alignment
	at := r.i
	offset = r.u32()
	if m.tracksWrites() {
		f.edits = append(f.edits, edit{at: at, end: r.i, kind: moveOffset, value: offset})
	}
	return offset
}

// load reads the immediates of a load.
func (m *module) load(r *reader, f *function) {
	m.offset(r, f)
	f.flow.access()
	f.change(1, 1)
}

// store reads the immediates of a store of size bytes whose opcode is at at. For a lane of a
// vector, the lane's number follows.
func (m *module) store(r *reader, f *function, at int, value temp, size uint32) {
	address := f.pop(2)
	f.flow.access()
	if m.tracksWrites() && !address.known {
		f.edits = append(f.edits, edit{at: at, end: at, kind: saveAddress, value: uint32(value)})
		f.temps |= 1<<value | 1<<tempAddress
	}
	offset := m.offset(r, f)
	if value == tempV128 && size < 16 {
		r.byte()
	}
	end := offset + size
	if end >= size && end <= Beyond { // the mark of the address itself covers it
		offset = 0
	}
	if m.tracksWrites() { // writing the mark is an access as well
		f.flow.access()
	}
	switch {
	case !m.tracksWrites():
	case address.known && offset < maxOffset:
		f.wrote(r.i, span{address, offset, end})
	case address.known:
		f.edits = append(f.edits, edit{at: r.i, end: r.i, kind: markLocal, operand: address, value: offset})
	default:
		f.edits = append(f.edits, edit{at: r.i, end: r.i, kind: markSaved, value: offset})
	}
}

// wrote records the span that an instruction ending at at has written. It is marked at the end of
// the basic block, or before the variable gets another value.
func (f *function) wrote(at int, s span) {
	for i, p := range f.unmarked {
		from, to := min(p.from, s.from), max(p.to, s.to)
		if p.address == s.address && to-from <= Beyond {
			f.unmarked[i] = span{s.address, from, to}
			return
		}
	}
	if len(f.unmarked) == maxUnmarkedSpans {
		f.flush(at)
	}
	f.unmarked = append(f.unmarked, s)
}

// flush marks, at at, everything that was written before.
func (f *function) flush(at int) {
	for _, s := range f.unmarked {
		f.edits = append(f.edits, edit{at: at, end: at, kind: markLocal, operand: s.address, value: s.from})
	}
	f.unmarked = f.unmarked[:0]
}

// assign handles an instruction at at that gives a variable another value.
func (f *function) assign(at int, local uint32) {
	rest := f.unmarked[:0]
	for _, s := range f.unmarked {
		if s.address.local == local {
			f.edits = append(f.edits, edit{at: at, end: at, kind: markLocal, operand: s.address, value: s.from})
			continue
		}
		rest = append(rest, s)
	}
	f.unmarked = rest
	f.operands.forget(local)
}

// branch ends a basic block at at.
func (f *function) branch(at int) {
	f.flush(at)
	f.operands = f.operands[:0]
}

// temp is a variable that is added to a function that needs it.
type temp uint8

const (
	tempLength temp = iota
	tempAddress
	tempTo
	tempFrom
	tempSum
	tempI32
	tempI64
	tempF32
	tempF64
	tempV128
)

var tempKinds = [...]byte{kindI32, kindI32, kindI32, kindI32, kindI32, kindI32, kindI64, kindF32, kindF64, kindV128}

// added returns the number of added variables.
func (f *function) added() uint32 { return uint32(bits.OnesCount16(f.temps)) }

// variable returns the index of an added variable.
func (f *function) variable(t temp) uint32 {
	return f.locals + uint32(bits.OnesCount16(f.temps&(1<<t-1)))
}

// stores are the types and sizes of the values that the instructions from opFirstStore on store.
var stores = [...]struct {
	value temp
	size  uint32
}{{tempI32, 4}, {tempI64, 8}, {tempF32, 4}, {tempF64, 8}, {tempI32, 1}, {tempI32, 2}, {tempI64, 1}, {tempI64, 2}, {tempI64, 4}}

// appendMark marks the granule of an operand plus an offset.
func (m *module) appendMark(b []byte, address operand, offset uint32) []byte {
	b = appendU32(append(b, opLocalGet), address.local)
	if address.wrapped {
		b = append(b, opI32WrapI64)
	}
	if offset != 0 {
		b = append(appendS32(append(b, opI32Const), int32(offset)), opI32Add)
	}
	return append(b, opI32Const, m.Granule, opI32ShrU, opI32Const, 1, opI32Store8, 0, 0)
}

// appendMoved pushes a variable's address plus Base. An address that would overflow stays beyond
// all memory.
func appendMoved(b []byte, local, sum uint32) []byte {
	b = appendU32(append(b, opLocalGet), local)
	b = append(appendS32(append(b, opI32Const), Base), opI32Add)
	b = appendU32(append(b, opLocalTee), sum)
	b = appendU32(append(b, opI32Const, 0, opLocalGet), sum)
	b = appendS32(append(b, opI32Const), Base)
	return append(b, opI32LtU, opI32Sub, opI32Or)
}

// appendBulk runs memory.copy or memory.fill with the operands on the stack and marks the range
// that it has written.
func (m *module) appendBulk(b []byte, f *function, op byte) []byte {
	length, to, from, sum := f.variable(tempLength), f.variable(tempTo), f.variable(tempFrom), f.variable(tempSum)
	for _, v := range []uint32{length, from, to} {
		b = appendU32(append(b, opLocalSet), v)
	}
	b = appendMoved(b, to, sum)
	if op == miscMemoryCopy {
		b = appendMoved(b, from, sum)
	} else {
		b = appendU32(append(b, opLocalGet), from)
	}
	b = appendU32(append(b, opLocalGet), length)
	if b = append(b, opMisc, op, 0); op == miscMemoryCopy {
		b = append(b, 0)
	}
	// One mark covers a short range. An empty range may lie behind the last mark.
	b = append(appendU32(append(b, opLocalGet), length), opI32Const, 1, opI32Sub)
	b = append(appendS32(append(b, opI32Const), Beyond), opI32LtU, opIf, blockEmpty)
	b = append(m.appendMark(b, operand{local: to}, 0), opElse)
	b = appendU32(append(b, opLocalGet), to)
	b = appendU32(append(b, opLocalGet), length)
	return append(appendU32(append(b, opCall), m.markRangeFunc()), opEnd)
}

// appendMarkRange appends the function that marks a range within the memory: (address, length).
func (m *module) appendMarkRange(bodies []byte) []byte {
	first := []byte{opLocalGet, 0, opI32Const, m.Granule, opI32ShrU}
	b := []byte{0, opBlock, blockEmpty, opLocalGet, 1, opI32Eqz, opBrIf, 0}
	b = append(append(b, first...), opI32Const, 1)
	b = append(b, opLocalGet, 0, opLocalGet, 1, opI32Add, opI32Const, 1, opI32Sub, opI32Const, m.Granule, opI32ShrU)
	b = append(append(b, first...), opI32Sub, opI32Const, 1, opI32Add)
	b = append(b, opMisc, miscMemoryFill, 0, opEnd, opEnd)
	return appendSized(append([]byte(nil), bodies...), b)
}
