package instrument

import "fmt"

// Opcodes: https://webassembly.github.io/spec/core/binary/instructions.html
const (
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opCall         = 0x10
	opCallIndirect = 0x11
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opFirstLoad    = 0x28
	opFirstStore   = 0x36
	opI32Store8    = 0x3a
	opLastStore    = 0x3e
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Eqz       = 0x45
	opI32Ne        = 0x47
	opI32LtU       = 0x49
	opI32GeS       = 0x4e
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32And       = 0x71
	opI32Or        = 0x72
	opI32Shl       = 0x74
	opI32ShrU      = 0x76
	opI32WrapI64   = 0xa7
	opLastNumeric  = 0xc4
	opUnreachable  = 0x00
	opNop          = 0x01
	opReturn       = 0x0f
	opDrop         = 0x1a
	opSelect       = 0x1b
	opRefIsNull    = 0xd1
	opMisc         = 0xfc
	blockEmpty     = 0x40
)

// Opcodes after opMisc.
const (
	miscLastConversion = iota + 7
	miscMemoryInit
	miscDataDrop
	miscMemoryCopy
	miscMemoryFill
	miscTableInit
	miscElemDrop
	miscTableCopy
	miscTableGrow
	miscTableSize
	miscTableFill
)

// immediates reads the immediates of op, except for instructions that readInstruction treats
// separately.
func (m *module) immediates(r *reader, op byte) {
	switch {
	case op == opBr || op == opBrIf:
		r.u32()
	case op == opBrTable:
		r.each(func() { r.u32() })
		r.u32()
	case op == opSelectTyped:
		if r.byte() != 1 {
			r.fail(errUnknown)
		}
		r.kind()
	case op == opGlobalGet || op == opGlobalSet:
		r.index("global", len(m.globals))
	case op == opTableGet:
		r.u32()
	case op == opTableSet:
		m.found[setsTable] = true
		r.u32()
	case op == opElse:
	case op == opMemorySize || op == opMemoryGrow:
		r.byte()
	case op == opI32Const:
		r.signed(32)
	case op == opI64Const:
		r.signed(64)
	case op == opF32Const:
		r.take(4)
	case op == opF64Const:
		r.take(8)
	case op == opRefNull:
		m.readHeap(r)
	case op == opRefFunc:
		if f := r.index("function", len(m.functions)); int64(f) == int64(m.start) {
			m.refersToStart = true
		}
	default:
		reject(r, op)
	}
}

// reject fails unless op is a known opcode without immediates.
func reject(r *reader, op byte) {
	switch {
	case op <= opNop, op == opReturn, op == opDrop, op == opSelect:
	case op >= opI32Eqz && op <= opLastNumeric:
	case op == opRefIsNull:
	case op >= 0x06 && op <= 0x0a, op == 0x18, op == 0x19, op == 0x1f:
		r.fail(opcode(op, "exceptions"))
	case op == 0x12 || op == 0x13:
		r.fail(opcode(op, "tail calls"))
	case op == 0x14 || op == 0x15 || op >= 0xd4 && op <= 0xd6:
		r.fail(opcode(op, "typed references"))
	case op == 0xd3 || op == 0xfb:
		r.fail(opcode(op, "the garbage collection proposal"))
	case op == 0xfe:
		r.fail(opcode(op, "threads"))
	default:
		r.failf("opcode %#02x is unknown", op)
	}
}

// misc reads an instruction whose opMisc is at at. It charges for it, and moves and marks its range
// if it writes to memory. It rejects opcodes that are longer than necessary, about which wazero's
// engines disagree.
func (m *module) misc(r *reader, f *function, at int) {
	op := r.byte()
	switch op {
	case miscMemoryInit, miscDataDrop:
		m.found[namesData] = true
	case miscTableInit:
		m.found[initsTable] = true
	case miscElemDrop:
		m.found[dropsElements] = true
	case miscTableCopy:
		m.found[copiesTable] = true
	case miscTableGrow:
		m.found[growsTable] = true
	case miscTableFill:
		m.found[fillsTable] = true
	}
	switch {
	case op <= miscLastConversion:
		f.flow.instruction(heavyNumber)
		f.change(1, 1)
		return
	case op == miscMemoryInit || op == miscTableInit || op == miscTableCopy:
		r.u32()
		r.u32()
	case op == miscMemoryCopy:
		r.zeros(2)
	case op == miscMemoryFill:
		r.zeros(1)
	case op <= miscTableFill:
		r.u32()
	case op >= 0x80:
		r.fail(errLEB128)
	default:
		r.failf("opcode %#02x %d is unknown", opMisc, op)
	}
	switch op {
	case miscMemoryInit, miscMemoryCopy, miscMemoryFill:
		f.pop(3)
		f.flow.bulk()
		m.chargeByLength(f, at, chargeBytes)
	case miscTableInit, miscTableCopy, miscTableFill:
		f.pop(3)
		f.flow.bulk()
		m.chargeByLength(f, at, chargeElements)
	case miscTableGrow:
		f.change(2, 1)
		f.flow.bulk()
		m.chargeByLength(f, at, chargeElements)
	case miscTableSize:
		f.push(operand{})
	}
	if m.tracksWrites() && (op == miscMemoryCopy || op == miscMemoryFill) {
		f.edits = append(f.edits, edit{at: at, end: r.i, kind: moveBulk, value: uint32(op)})
		f.temps |= 1<<tempLength | 1<<tempTo | 1<<tempFrom | 1<<tempSum
	}
}

// reference returns the number of the function reference that index names. wazero allocates memory
// for each reference that code makes, and frees it only with the instance. So each reference is
// made once, in an added global.
func (m *module) reference(index []byte) uint32 {
	r := reader{b: index}
	f := r.u32()
	n, ok := m.numbers[f]
	if !ok {
		n = size(len(m.references))
		m.numbers[f] = n
		m.references = append(m.references, f)
	}
	return n
}

// zeros reads n memory indices, which must be 0.
func (r *reader) zeros(n int) {
	for ; n > 0; n-- {
		if r.byte() != 0 {
			r.fail(unsupported("several memories"))
		}
	}
}

// opcode returns the error of an opcode that belongs to an unsupported proposal.
func opcode(op byte, proposal string) error {
	return fmt.Errorf("opcode %#02x: %w", op, unsupported(proposal))
}

// vector reads an instruction after opVector. The compiler reads the numbers of these instructions
// as one byte, and takes the second byte of numbers from 128 on for a nop, which it is if it is 1.
func (m *module) vector(r *reader, f *function, at int) {
	op := r.byte()
	f.flow.change(vectorEffect(op))
	switch {
	case op >= 0x80:
		if r.byte() != 1 {
			r.fail(opcode(opVector, "relaxed vector instructions"))
		}
	case op <= 10 || op == 92 || op == 93:
		m.load(r, f)
	case op == 11:
		m.store(r, f, at, tempV128, 16)
	case op == vectorConst || op == 13: // and a shuffle
		r.take(16)
	case op >= 21 && op <= 34: // lanes
		r.byte()
	case op >= 84 && op <= 87: // loads of lanes
		m.load(r, f)
		r.byte()
	case op >= 88 && op <= 91: // stores of lanes, the number of which follows
		m.store(r, f, at, tempV128, 1<<(op-88))
	}
}
