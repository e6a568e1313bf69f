package instrument

// yieldBody is the body, preceded by its size, of the function that a guest without fuel calls: it
// asks for enough memory to make 4 GiB, which calls the host.
var yieldBody = appendSized(nil, []byte{
	0,                            // variables
	opI32Const, 0x80, 0x80, 0x04, // 65536 pages
	opMemorySize, 0,
	opI32Sub,
	opMemoryGrow, 0,
	opDrop,
	opEnd,
})

// fullCostInstructions is how many instructions in one place cost one unit each. Beyond that only
// each sixteenth costs one, since a guest runs only a part of a long piece of code at a time. Go's
// compiler, for example, puts whole functions with all their branches into one loop and repeats the
// loop for each jump.
const fullCostInstructions = 16

// fuelCost returns the fuel for n instructions that are charged in one place.
func fuelCost(n uint32) int32 {
	return int32(min(n, fullCostInstructions) + (n-min(n, fullCostInstructions))/16)
}

const (
	// values per unit of the function's fuel up to which a frame is not counted
	freeFrame = 4
	// maximum that is counted for a frame: each such frame makes the guest yield
	maxFrame = 1 << 20
)

// appendFrame charges fuel and stack values at the beginning of a function.
func (m *module) appendFrame(b []byte, cost, frame uint32) []byte {
	b = appendLess(b, m.fuel(), fuelCost(cost))
	b = appendLess(b, m.frames(), int32(frame))
	b = appendU32(append(b, opGlobalGet), m.fuel())
	b = appendU32(append(b, opGlobalGet), m.frames())
	return append(m.appendYieldBelow(append(b, opI32Or)), opEnd)
}

// appendLess subtracts n from a global.
func appendLess(b []byte, global uint32, n int32) []byte {
	b = appendU32(append(b, opGlobalGet), global)
	b = append(appendS32(append(b, opI32Const), n), opI32Sub)
	return appendU32(append(b, opGlobalSet), global)
}

// appendCharge charges fuel and yields if there is none. length is the added variable for the
// lengths of operations. The length is on top of the stack and stays there.
//
// Most charges subtract first and check then. At the head of a loop it is the other way round: an
// iteration without fuel yields and begins again, so that the compiler places the yield beside the
// loop and not in it. So fuel is never below the negative cost of one loop and one operation
// together, which is more than -1<<31: it cannot wrap.
func (m *module) appendCharge(b []byte, charge editKind, cost, length uint32) []byte {
	if charge == chargeRound {
		b = append(m.appendYield(b), opBr, 1, opEnd)
	}
	measured := charge >= chargeBytes
	if measured {
		b = appendU32(append(b, opLocalTee), length)
	}
	b = appendU32(append(b, opGlobalGet), m.fuel())
	if measured {
		b = appendU32(append(b, opLocalGet), length)
	}
	switch charge {
	case chargeBytes:
		b = append(b, opI32Const, 4, opI32ShrU, opI32Sub, opI32Const, 1)
	case chargeElements:
		b = append(b, opI32Const, 3, opI32ShrU, opI32Sub, opI32Const, 1)
	case chargePages: // no memory grows by more than 1<<16 pages
		b = append(appendS32(append(b, opI32Const), maxPages-1), opI32And, opI32Const, 6, opI32Shl)
	default:
		b = appendS32(append(b, opI32Const), fuelCost(cost))
	}
	b = appendU32(append(b, opI32Sub, opGlobalSet), m.fuel())
	if charge != chargeRound {
		b = append(m.appendYield(b), opEnd)
	}
	return b
}

// appendYield yields if fuel is below zero, and leaves that branch open for more instructions. It
// is the else branch because the compiler keeps in registers what it has at the end of the first.
func (m *module) appendYield(b []byte) []byte {
	return m.appendYieldBelow(appendU32(append(b, opGlobalGet), m.fuel()))
}

// appendYieldBelow is appendYield for the value on top of the stack instead of fuel.
func (m *module) appendYieldBelow(b []byte) []byte {
	return appendU32(append(b, opI32Const, 0, opI32GeS, opIf, blockEmpty, opElse, opCall), m.yield())
}
