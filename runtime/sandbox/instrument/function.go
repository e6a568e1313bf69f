package instrument

// freeLeaf is the maximum number of instructions for which a function without calls and loops is
// not charged.
const freeLeaf = 100

// function is a function while it is read. Reading collects a list of edits in the order of their
// places. appendFunction then copies the body and applies them.
type function struct {
	locals   uint32 // parameters and variables
	edits    []edit // by place; the first one charges for the function itself
	open     []int  // for each open block: the edit that charges for the instructions around it
	charge   int    // the edit that charges for the next instruction; 0 = the function's own
	calls    bool
	blocks   uint64 // including loops and ifs
	values   uint64 // upper bound of values that instructions make and the frame holds at a time
	operands operands
	unmarked []span // written, but not marked yet
	temps    uint16 // the variables that are added
	flow     controlFlow
}

// edit replaces the bytes of a function from at to end. If at equals end, it inserts bytes.
type edit struct {
	at, end int
	kind    editKind
	value   uint32 // number of instructions, an offset, an opcode, or a temp
	operand operand
	frame   uint32 // of chargeFrame
}

// editKind is what an edit does.
type editKind byte

const (
	editNone       editKind = iota
	chargeCost              // charges fuel for value instructions
	chargeRound             // the same, at the head of a loop without parameters
	chargeFrame             // chargeCost, and frame values of the stack
	chargeBytes             // charges 1 for each 16 bytes, plus 1
	chargeElements          // charges 1 for each 8 elements of a table, plus 1
	chargePages             // charges 64 for each page that the memory grows
	getReference            // gets the function reference with number value
	moveOffset              // adds Base to the offset in value
	moveBulk                // runs the opcode in value on moved addresses, and marks its range
	moveSize                // subtracts the page of marks from the memory's size
	moveGrown               // the same, unless the size is -1
	markLocal               // marks the address in operand plus the offset in value
	markSaved               // marks the saved address plus the offset in value
	saveAddress             // saves the address below a stack value of the temp in value
)

// readFunction reads one function, edits it and appends it to bodies.
func (m *module) readFunction(r *reader) {
	body := reader{b: r.take(r.u32())}
	if r.err != nil {
		return
	}
	if m.bodyCount++; m.bodyCount > len(m.functions)-m.imports {
		return // validate reports it
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

// readLocals reads the declarations of variables. groups is their number, and declared are their
// bytes.
func (m *module) readLocals(r *reader, f *function, t signature) (groups uint32, declared []byte) {
	n := r.u32()
	groups, from := n, r.i
	total := uint64(0)
	for ; n > 0 && r.err == nil; n-- {
		total += uint64(r.u32())
		r.kind()
	}
	if r.err == nil && total > maxLocals {
		r.failf("%d variables exceed the limit of %d", total, maxLocals)
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

// plain reads an instruction that needs no treatment of its own in readInstruction.
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

// local reads an instruction on a variable.
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

// call reads the callee. Earlier writes are marked by then, since the host may count marks while
// the call runs.
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

// jump reads the target of a branch.
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

// pop, push and change apply an instruction's effect on the operand stack.
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

// readBlockType reads how many values a block takes from the stack and how many it leaves there.
func (m *module) readBlockType(r *reader) (params, results int) {
	switch t := r.signed(33); {
	case r.err != nil:
	case t >= 0:
		if t >= int64(len(m.types)) {
			r.failf("type %d does not exist; there are %d", t, len(m.types))
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

// frameValues returns how many values the function's frame may hold: each value that the compiler
// does not keep in a register has its own slot. Where blocks join, each variable may become another
// value.
func (f *function) frameValues() uint64 { return f.values + uint64(f.locals)*f.blocks }
