package instrument

import "pgregory.net/rapid"

// Block types of generated modules besides those of their functions, and the index of their first
// variable of 64 bits.
const (
	typeTakesTwo = 3 // and gives none
	typeTwoToTwo = 4
	wide         = ownVariables + maxRounds
	wideCount    = 2
)

// offset generates offsets of writes: far apart, and just so far apart that one mark does not cover
// two writes.
var offsets = []uint32{0, 1, 4, 99, 200, 251, 252, 253, 256, 1000, 1023, 1024, 9000, 1<<30 - 1, 1 << 30, 0xfffe_ffff, 0xffff_0000, 0xffff_ffff}

func (m *maker) offset() []byte {
	n := len(offsets)
	if m.pick(30) > 0 {
		n -= 5 // those that lie outside of the memory
	}
	return u(rapid.SampledFrom(offsets[:n]).Draw(m.T, "offset"))
}

func (m *maker) variable() byte { return byte(m.pick(ownVariables)) }

// address generates code that pushes an address, more often than not a variable.
func (m *maker) address(depth int) []byte {
	const extend = 0xad
	to := m.masked(depth, 0x7fff)
	x, y := m.variable(), m.variable()
	w := byte(wide + m.pick(wideCount))
	switch m.pick(8) {
	case 0:
		return to
	case 1:
		return cat(to, by(opLocalTee, x, opLocalTee, y))
	case 2:
		return cat(to, by(opLocalSet, x, opLocalGet, x, opLocalTee, y, opDrop, opLocalGet, x))
	case 3:
		return cat(to, by(extend, opLocalTee, w, opI32WrapI64))
	case 4:
		return cat(by(opLocalGet, w, opI32WrapI64), ci(0x7fff), by(opI32And, extend, opLocalSet, w, opLocalGet, w, opI32WrapI64))
	case 5: // it is where it was, whatever the variable becomes
		return cat(to, by(opLocalTee, x), m.statement(depth))
	case 6:
		return cat(by(opLocalGet, w, opI32WrapI64), m.statement(depth), ci(0x7fff), by(opI32And))
	default: // as other instructions have left it
		return by(opLocalGet, x)
	}
}

// write generates a store of any kind.
func (m *maker) write(depth int) []byte {
	address, value := m.address(depth), m.value(depth)
	if m.pick(3) == 0 { // the variable of the address may be set by the value
		value = cat(value, by(opLocalTee, m.variable()))
	}
	const vectors = 6
	op := m.pick(len(stores) + vectors)
	if op >= len(stores) {
		value = cat(value, by(opVector, 17)) // i32x4.splat
		if lane := op - len(stores); lane < 4 {
			return cat(address, value, by(opVector, 88+byte(lane), 0), m.offset(), by(byte(m.pick(16>>lane))))
		}
		return cat(address, value, by(opVector, 11, 0), m.offset())
	}
	switch stores[op].value {
	case tempI64:
		value = cat(value, by(0xad)) // i64.extend_i32_u
	case tempF32:
		value = cat(value, by(0xb2)) // f32.convert_i32_s
	case tempF64:
		value = cat(value, by(0xb7)) // f64.convert_i32_s
	}
	return cat(address, value, by(opFirstStore+byte(op), 0), m.offset())
}

// odd generates code that writes and has a shape that compilers seldom emit.
func (m *maker) odd(depth int) []byte {
	put := by(0x36, 0, 0)
	x := m.variable()
	switch m.pick(9) {
	case 0: // a block takes address and value
		return cat(m.address(depth), m.value(depth), by(opBlock, typeTakesTwo), put, m.statement(depth), by(opEnd))
	case 1: // so does a branch
		return cat(m.address(depth), m.value(depth), m.value(0), by(opIf, typeTakesTwo), put, by(opElse), put, m.statement(depth), by(opEnd))
	case 2: // a block gives them
		return cat(by(opBlock, 2), m.address(depth), m.value(depth), m.value(0), by(opBrIf, 0), m.statement(depth), by(opEnd), put)
	case 3: // a block takes and gives them
		return cat(m.address(depth), m.value(depth), by(opBlock, typeTwoToTwo), m.statement(depth), m.value(0), by(opBrIf, 0), by(opEnd), put)
	case 4:
		return cat(by(opBlock, blockEmpty, opBlock, blockEmpty, opBlock, blockEmpty), m.write(depth), m.value(0), ci(3), by(opI32And, opBrTable, 2, 0, 1, 2, opEnd),
			m.write(depth), by(opEnd), m.write(depth), by(opEnd))
	case 5: // it returns in the middle
		return cat(m.write(depth), m.masked(0, 7), by(opI32Eqz, opIf, blockEmpty), m.write(depth), m.value(0), by(opReturn, opEnd), m.write(depth))
	case 6: // never reached, with less on the stack than it takes
		dead := [][]byte{
			put, cat(by(opLocalGet, x), put), by(opSelect, 0x36, 0, 0), by(opMisc, miscMemoryFill, 0), by(opCall, byte(m.index), 0x36, 0, 0),
			by(opI32WrapI64, opLocalTee, x, opVector, 17, opVector, 11, 0, 0), by(opLocalGet, wide, opI32WrapI64, 0x36, 0, 0),
		}
		end := [][]byte{by(opBr, 0), by(opBr, 1), cat(m.value(0), by(opBrTable, 1, 0, 1))}[m.pick(3)]
		return cat(by(opBlock, blockEmpty, opBlock, blockEmpty), m.write(depth), end, dead[m.pick(len(dead))], m.write(depth),
			by(opEnd), m.write(depth), by(opEnd))
	case 7: // an address lies under another one
		return cat(m.address(depth), m.address(depth), m.value(depth), put, m.value(depth), put)
	default: // one variable is written to again and again, and moves now and then
		out := cat(m.masked(depth, 0x3fff), by(opLocalSet, x))
		for range 1 + m.pick(2*maxUnmarkedSpans) {
			if m.pick(20) == 0 {
				out = cat(out, get(uint32(x)), ci(int32(m.pick(3000))), by(opI32Add, opLocalSet, x))
			}
			out = cat(out, get(uint32(x)), m.value(0), by(0x36, 0), u(uint32(m.pick(48_000))))
		}
		return out
	}
}
