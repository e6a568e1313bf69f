package instrument

// freeLeaf is how many instructions a function without calls and loops may have that is not
// charged.
const freeLeaf = 100

// function is one function while it is read.
type function struct {
	locals   uint32 // parameters and variables
	edits    []edit // by place
	open     []int  // of each open block: the edit that the instructions around it are charged to
	charge   int    // the edit that the next instruction is charged to; 0 = the function's own
	calls    bool
	blocks   uint64 // loops and ifs among them
	values   uint64 // at most that many are made by instructions, and stand in the frame at a time
	operands operands
	unmarked []span // what was written and is not marked yet
	temps    uint16 // the variables that are added
	flow     controlFlow
}

// edit is a place where bytes of a function are replaced, or others put before them.
type edit struct {
	at, end int
	kind    editKind
	value   uint32 // instructions that are charged, an offset, an opcode, or a temp
	operand operand
	frame   uint32 // of chargeFrame
}

// editKind is done in an edit.
type editKind byte

const (
	editNone       editKind = iota
	chargeCost              // fuel for the number of instructions in value
	chargeRound             // the same, at the head of a loop that takes nothing from the stack
	chargeFrame             // chargeCost, and as many values as in frame
	chargeBytes             // 1 for each 16 bytes, and 1
	chargeElements          // 1 for each 8 elements of a table, and 1
	chargePages             // 64 for each page that the memory grows
	getReference            // to a function, by the number in value
	moveOffset              // up, which is in value
	moveBulk                // what the opcode in value does, with marks
	moveSize                // of the memory, down
	moveGrown               // the same, unless it is -1
	markLocal               // where an operand and the offset in value point to
	markSaved               // where the saved address and the offset in value point to
	saveAddress             // which is below a value of the temp in value
)

// readFunction reads one function and appends it to bodies, with what is charged in it.
func (m *module) readFunction(r *reader) {
	body := reader{b: r.take(r.u32())}
	if r.err != nil {
		return
	}
	if m.bodyCount++; m.bodyCount > len(m.functions)-m.imports {
		return // whole says so
	}
	index := m.imports + m.bodyCount - 1
	f := &m.function
	t := m.types[m.functions[index]]
	*f = function{
		values: uint64(t.params) + uint64(t.results),
		edits:  append(f.edits[:0], edit{kind: chargeCost}), open: f.open[:0], operands: f.operands[:0], unmarked: f.unmarked[:0],
		flow: f.flow,
	}
	groups, declared := m.readLocals(&body, f, t)
	start := body.i
	f.flow.begin(f.locals, t)
	f.flow.charge(m.mutableGlobals)
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
	if err := m.addWork(&f.flow, f.locals); err != nil {
		r.failf("function %d%s: %w", index, m.functionName(size(index)), err)
		return
	}
	own := &f.edits[0]
	own.at, own.end = start, start
	switch frame := f.frameValues(); {
	case !f.calls && own.value <= freeLeaf:
		own.kind = editNone
	case f.calls && frame > freeFrame*uint64(fuelCost(own.value)):
		own.kind, own.frame = chargeFrame, uint32(min(frame, maxFrame))
	}
	m.appendFunction(body.b, groups, declared, f)
}

// readLocals reads how many variables there are. groups is their number of groups, which are the
// bytes declared.
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
	f.edits[f.charge].value++
	f.values++
	f.flow.instruction(heavyBytes(op))
	switch {
	case op == opBlock || op == opIf:
		params, results := m.readBlockType(r)
		f.flow.beginBlock(op, params, results)
		f.blocks++
		if op == opIf {
			f.branch(at)
		}
		f.open = append(f.open, f.charge)
	case op == opLoop:
		c := chargeRound
		params, results := m.readBlockType(r)
		if params > 0 {
			c = chargeCost
		}
		f.flow.beginBlock(op, params, results)
		f.flow.charge(m.mutableGlobals)
		f.branch(at)
		f.blocks++
		f.open = append(f.open, f.charge)
		f.charge = len(f.edits)
		f.edits = append(f.edits, edit{at: r.i, end: r.i, kind: c})
		m.loops++
	case op == opEnd:
		f.branch(at)
		f.flow.endBlock()
		last := len(f.open) - 1
		f.charge, f.open = f.open[last], f.open[:last]
	case op == opElse || op == opBr || op == opBrIf || op == opBrTable || op == opReturn || op == opUnreachable:
		f.branch(at)
		m.jump(r, f, op)
	case op >= opLocalGet && op <= opLocalTee:
		m.local(r, f, at, op)
	case op == opCall || op == opCallIndirect:
		f.calls = true
		f.flush(at)
		m.call(r, f, op)
	case op >= opFirstLoad && op < opFirstStore:
		m.load(r, f)
	case op >= opFirstStore && op <= opLastStore:
		s := stores[op-opFirstStore]
		m.store(r, f, at, s.value, s.size)
	case op == opMisc:
		m.misc(r, f, at)
	case op == opVector:
		m.vector(r, f, at)
		f.operands = f.operands[:0]
	default:
		m.plain(r, f, at, op)
	}
}

// plain reads an instruction that stands alone.
func (m *module) plain(r *reader, f *function, at int, op byte) {
	m.immediates(r, op)
	if op == opRefFunc {
		f.edits = append(f.edits, edit{at: at, end: r.i, kind: getReference, value: m.reference(r.b[at+1 : r.i])})
	}
	if op == opI32WrapI64 {
		v := f.pop(1)
		f.push(operand{v.known, true, v.local})
		return
	}
	pops, pushes := effect(op)
	f.change(pops, pushes)
	switch op {
	case opMemorySize:
		if m.tracksWrites() {
			f.edits = append(f.edits, edit{at: r.i, end: r.i, kind: moveSize})
		}
	case opMemoryGrow:
		m.chargeByLength(f, at, chargePages)
		if m.tracksWrites() {
			f.edits = append(f.edits, edit{at: r.i, end: r.i, kind: moveGrown})
			f.temps |= 1 << tempSum
		}
	}
}

// local reads which variable an instruction is about.
func (m *module) local(r *reader, f *function, at int, op byte) {
	v := r.index("variable", int(f.locals))
	if r.err != nil {
		return
	}
	if op != opLocalGet {
		f.pop(1)
		f.assign(at, v)
		f.flow.write(v)
	} else {
		f.flow.read(v)
	}
	if op != opLocalSet {
		f.push(operand{known: true, local: v})
	}
}

// call reads what is called. What was written before is marked by then: the host may count marks
// while the call runs.
func (m *module) call(r *reader, f *function, op byte) {
	var t uint32
	if op == opCall {
		if callee := r.index("function", len(m.functions)); r.err == nil {
			t = m.functions[callee]
			f.flow.imported(callee, m.imports)
		}
	} else {
		t = r.index("type", len(m.types))
		r.u32() // table
		f.pop(1)
	}
	if r.err == nil {
		f.operands.change(int(m.types[t].params), int(m.types[t].results))
		f.values += uint64(m.types[t].params) + uint64(m.types[t].results)
		f.flow.call(m.types[t], m.mutableGlobals)
	}
}

// jump reads where a branch goes to.
func (m *module) jump(r *reader, f *function, op byte) {
	switch op {
	case opElse:
		f.flow.elseBranch()
	case opBr:
		f.flow.branchTo(r.u32())
		f.flow.unreachable()
	case opBrIf:
		f.flow.branchIf(r.u32())
	case opBrTable:
		f.flow.change(1, 0)
		r.each(func() { f.flow.tableEntry(r.u32()) })
		f.flow.tableEntry(r.u32())
		f.flow.unreachable()
	case opReturn:
		f.flow.functionReturn()
	case opUnreachable:
		f.flow.unreachable()
	}
}

// pop, push and change are what an instruction does to the operand stack.
func (f *function) pop(n int) operand {
	f.flow.change(n, 0)
	return f.operands.pop(n)
}

func (f *function) push(v operand) {
	f.flow.change(0, 1)
	f.operands.push(v)
}

func (f *function) change(pops, pushes int) {
	f.flow.change(pops, pushes)
	f.operands.change(pops, pushes)
}

// chargeByLength charges an operation by its length.
func (m *module) chargeByLength(f *function, at int, charge editKind) {
	f.flow.charge(m.mutableGlobals)
	f.temps |= 1 << tempLength
	f.edits = append(f.edits, edit{at: at, end: at, kind: charge})
}

// readBlockType reads how many values a block takes from the stack and leaves there.
func (m *module) readBlockType(r *reader) (params, results int) {
	switch t := r.signed(33); {
	case r.err != nil:
	case t >= 0:
		if t >= int64(len(m.types)) {
			r.failf("type %d is not among the %d that there are", t, len(m.types))
			return 0, 0
		}
		return int(m.types[t].params), int(m.types[t].results)
	default:
		if b := byte(t & 0x7f); t >= -64 && b != blockEmpty {
			results = 1
			one := reader{b: []byte{b}}
			if one.kind(); one.err != nil {
				r.fail(one.err)
			}
		} else if t < -64 {
			r.fail(errUnknown)
		}
	}
	return 0, results
}

// frameValues is how many values the function's frame may hold: each value has a place of its own that
// the compiler does not keep in a register. Where blocks meet, each variable may be another value.
func (f *function) frameValues() uint64 { return f.values + uint64(f.locals)*f.blocks }
