package rewrite

// freeLeaf is how many instructions a function without calls and loops may have that is not charged.
const freeLeaf = 100

// function is one function while it is read.
type function struct {
	locals uint32 // parameters and variables
	edits  []edit // by place
	open   []int  // of each open block: the edit that the instructions around it are charged to
	charge int    // the edit that the next instruction is charged to; 0 = the function's own
	calls  bool
	bulk   bool // operations are charged by their length
}

// edit is a place where fuel is charged.
type edit struct {
	at     int
	charge charge
	cost   uint32
}

// readFunction reads one function and appends it to bodies, with what is charged in it.
func (m *module) readFunction(r *reader) {
	body := reader{b: r.take(r.u32())}
	if r.err != nil {
		return
	}
	if m.coded++; m.coded > len(m.functions)-m.imports {
		return // whole says so
	}
	index := m.imports + m.coded - 1
	f := &m.function
	*f = function{edits: append(f.edits[:0], edit{charge: chargeCost}), open: f.open[:0]}
	groups, declared := m.readLocals(&body, f, m.types[m.functions[index]])
	start := body.i
	for body.err == nil {
		if m.readInstruction(&body, f); len(f.open) == 0 {
			break
		}
	}
	body.end()
	if body.err != nil {
		r.failf("function %d: %w", index, body.err)
		return
	}
	own := &f.edits[0]
	if own.at = start; !f.calls && own.cost <= freeLeaf {
		own.charge = chargeNone
	}
	m.appendFunction(body.b, groups, declared, f)
}

// readLocals reads how many variables there are. groups is their number of groups, which are the bytes declared.
func (m *module) readLocals(r *reader, f *function, t signature) (groups uint32, declared []byte) {
	n := r.u32()
	groups, from := n, r.i
	total := uint64(0)
	for ; n > 0 && r.err == nil; n-- {
		total += uint64(r.u32())
		r.kind()
	}
	if r.err == nil && total > maxLocals {
		r.failf("%d variables are more than %d", total, maxLocals)
		return 0, nil
	}
	f.locals = uint32(t.params) + uint32(total)
	f.open = append(f.open, 0) // the function is a block as well
	return groups, r.b[from:r.i]
}

func (m *module) readInstruction(r *reader, f *function) {
	at := r.i
	op := r.byte()
	f.edits[f.charge].cost++
	switch op {
	case opBlock, opIf:
		m.readBlockType(r)
		f.open = append(f.open, f.charge)
	case opLoop:
		c := chargeRound
		if m.readBlockType(r) {
			c = chargeCost
		}
		f.open = append(f.open, f.charge)
		f.charge = len(f.edits)
		f.edits = append(f.edits, edit{r.i, c, 0})
		m.loops++
	case opElse:
	case opEnd:
		last := len(f.open) - 1
		f.charge, f.open = f.open[last], f.open[:last]
	case opLocalGet, opLocalSet, opLocalTee:
		r.index("variable", int(f.locals))
	case opCall, opCallIndirect:
		f.calls = true
		m.immediates(r, op)
	case opMemoryGrow:
		m.immediates(r, op)
		f.edit(at, chargePages)
	case opMisc:
		f.edit(at, m.misc(r))
	default:
		m.immediates(r, op)
	}
}

// edit charges an operation by its length.
func (f *function) edit(at int, c charge) {
	if c != chargeNone {
		f.bulk = true
		f.edits = append(f.edits, edit{at, c, 0})
	}
}

// readBlockType says whether a block takes values from the stack.
func (m *module) readBlockType(r *reader) (takes bool) {
	switch t := r.signed(33); {
	case r.err != nil:
	case t >= 0:
		if t >= int64(len(m.types)) {
			r.failf("type %d is not among the %d that there are", t, len(m.types))
			return false
		}
		return m.types[t].params > 0
	default:
		if b := byte(t & 0x7f); t >= -64 && b != blockEmpty {
			one := reader{b: []byte{b}}
			if one.kind(); one.err != nil {
				r.fail(one.err)
			}
		} else if t < -64 {
			r.fail(errShape)
		}
	}
	return false
}
