package instrument

import "math"

// appendFunction applies the edits to a function and appends it to bodies. Edits that charge or
// mark leave the stack as it was, so they can precede any instruction. variables are the
// declarations of the function's own variables, and groups is their number.
func (m *module) appendFunction(body []byte, groups uint32, variables []byte, f *function) {
	b := appendU32(m.scratch[:0], groups+f.added())
	b = append(b, variables...)
	for t, kind := range tempKinds {
		if f.temps&(1<<t) != 0 {
			b = append(b, 1, kind)
		}
	}
	from := f.edits[0].at
	for _, e := range f.edits {
		b, from = append(b, body[from:e.at]...), e.end
		b = m.appendEdit(b, e, f)
	}
	b = append(b, body[from:]...)
	m.scratch = b
	m.bodies = appendSized(m.bodies, b)
}

func (m *module) appendEdit(b []byte, e edit, f *function) []byte {
	switch e.kind {
	case editNone:
	case chargeFrame:
		if !m.unmetered {
			b = m.appendFrame(b, e.value, e.frame)
		}
	case getReference:
		b = appendU32(append(b, opGlobalGet), m.frames()+1+e.value)
	case moveOffset:
		b = appendU32(b, uint32(min(uint64(e.value)+Base, math.MaxUint32)))
	case moveBulk:
		b = m.appendBulk(b, f, byte(e.value))
	case moveSize:
		b = append(b, opI32Const, 1, opI32Sub)
	case moveGrown:
		sum := f.variable(tempSum)
		b = appendU32(append(b, opLocalTee), sum)
		b = appendU32(append(b, opLocalGet), sum)
		b = append(b, opI32Const, 0x7f, opI32Ne, opI32Sub)
	case markLocal:
		b = m.appendMark(b, e.operand, e.value)
	case markSaved:
		b = m.appendMark(b, operand{local: f.variable(tempAddress)}, e.value)
	case saveAddress:
		value := f.variable(temp(e.value))
		b = appendU32(append(b, opLocalSet), value)
		b = appendU32(append(b, opLocalTee), f.variable(tempAddress))
		b = appendU32(append(b, opLocalGet), value)
	default:
		if !m.unmetered {
			b = m.appendCharge(b, e.kind, e.value, f.variable(tempLength))
		}
	}
	return b
}
