package instrument

// Instructions in constant expressions.
const (
	opEnd       = 0x0b
	opGlobalGet = 0x23
	opI32Const  = 0x41
	opI64Const  = 0x42
	opF32Const  = 0x43
	opF64Const  = 0x44
	opRefNull   = 0xd0
	opRefFunc   = 0xd2
	opVector    = 0xfd

	vectorConst = 12
)

// data are the data segments.
type data struct {
	count    int
	segments []Segment // the active ones
}

// readConstant reads a constant expression. plain reports whether it is a single i32.const, and
// value is its number then.
func (m *module) readConstant(r *reader) (value int32, plain bool) {
	for n := 0; r.err == nil; n++ {
		switch op := r.byte(); op {
		case opEnd:
			return value, plain && n == 1
		case opI32Const:
			value, plain = int32(r.signed(32)), true
		case opI64Const:
			r.signed(64)
		case opF32Const:
			r.take(4)
		case opF64Const:
			r.take(8)
		case opGlobalGet:
			r.index("global", len(m.globals))
		case opRefNull:
			m.readHeap(r)
		case opRefFunc:
			m.declared[r.index("function", len(m.functions))] = true
		case opVector:
			if r.byte() != vectorConst {
				r.fail(errUnknown)
			}
			r.take(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
			r.fail(unsupported("arithmetic in constants"))
		default:
			r.fail(errUnknown)
		}
	}
	return 0, false
}

// readHeap reads the type of a null reference.
func (m *module) readHeap(r *reader) {
	if kind := r.byte(); r.err == nil && kind != kindFunc && kind != kindExtern {
		r.fail(unsupported("typed references"))
	}
}

// readElements reads an element segment. Its flags determine its format.
func (m *module) readElements(r *reader) {
	flags := r.u32()
	if flags > 7 {
		r.fail(errUnknown)
	}
	if flags&1 == 0 { // active: a table, its first index
		if flags&2 != 0 {
			r.u32()
		}
		m.readConstant(r)
	}
	switch {
	case r.err != nil:
	case flags&3 == 0: // functions
	case flags&4 != 0:
		if kind := r.kind(); r.err == nil && kind != kindFunc && kind != kindExtern {
			r.fail(errUnknown)
		}
	case r.byte() != 0: // functions as well
		r.fail(errUnknown)
	}
	if flags&4 != 0 {
		r.each(func() { m.elements++; m.readConstant(r) })
		return
	}
	r.each(func() { m.elements++; m.declared[r.index("function", len(m.functions))] = true })
}

func (m *module) readData(r *reader) {
	if m.data.count++; m.data.count > maxSegments {
		r.failf("there are more than %d segments of data", maxSegments)
	}
	flags := r.u32()
	active, offset := flags != 1, int32(0)
	switch {
	case r.err != nil:
	case flags > 2:
		r.fail(errUnknown)
	case flags == 2 && r.u32() != 0:
		r.fail(unsupported("several memories"))
	case active:
		var plain bool
		if offset, plain = m.readConstant(r); !plain {
			m.found[placesData] = true
		}
	}
	bytes := size(len(r.take(r.u32())))
	if active {
		m.data.segments = append(m.data.segments, Segment{uint32(offset), size(r.i) - bytes, bytes})
	}
}
