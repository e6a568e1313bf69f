package instrument

// yieldBody is the function that is called when there is no fuel, with its size: it asks for as
// much memory as makes 4 GiB, which the host gets to hear.
var yieldBody = appendSized(nil, []byte{
	0,                            // variables
	opI32Const, 0x80, 0x80, 0x04, // 65536 pages
	opMemorySize, 0,
	opI32Sub,
	opMemoryGrow, 0,
	opDrop,
	opEnd,
})

// fullCostInstructions is up to how many instructions in one place cost one unit each. Beyond that only each
// sixteenth costs one: of a long piece of code a part is run at a time. Go's compiler, for one,
// puts whole functions with all their branches into one loop, and goes round it for each jump.
const fullCostInstructions = 16

// fuelCost is what n instructions cost that are charged in one place.
func fuelCost(n uint32) int32 {
	return int32(min(n, fullCostInstructions) + (n-min(n, fullCostInstructions))/16)
}

const (
	// values that a frame may take for each unit of fuel that its function costs, without being
	// counted
	freeFrame = 4
	// values that a frame is counted with at most: as often as it is made the host is asked
	maxFrame = 1 << 20
)

// appendFrame takes fuel, and room on the stack, where a function begins.
func (m *module) appendFrame(b []byte, cost, frame uint32) []byte {
	b = appendLess(b, m.fuel(), fuelCost(cost))
	b = appendLess(b, m.frames(), int32(frame))
	b = appendU32(append(b, opGlobalGet), m.fuel())
	b = appendU32(append(b, opGlobalGet), m.frames())
	return append(m.appendYieldBelow(append(b, opI32Or)), opEnd)
}

// appendLess takes n off a global.
func appendLess(b []byte, global uint32, n int32) []byte {
	b = appendU32(append(b, opGlobalGet), global)
	b = append(appendS32(append(b, opI32Const), n), opI32Sub)
	return appendU32(append(b, opGlobalSet), global)
}

// appendCharge takes fuel and yields when there is none. length is the variable that is added for
// the lengths of operations, which are on top of the stack and stay there.
//
// Most charges come first and are looked at then. At the head of a loop it is the other way round:
// a round without fuel yields and begins anew, so that what yields stands beside the loop for the
// compiler and not in it. So fuel is never lower than what a loop and an operation cost together,
// which is more than -1<<31: it cannot wrap.
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
	case chargePages: // no memory grows by more than 1<<16
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

// appendYield yields when fuel is below zero, and leaves open what is done only then. That is the
// second branch because the compiler keeps in registers what it has at the end of the first.
func (m *module) appendYield(b []byte) []byte {
	return m.appendYieldBelow(appendU32(append(b, opGlobalGet), m.fuel()))
}

// appendYieldBelow is appendYield for what is on top of the stack, if that is below zero.
func (m *module) appendYieldBelow(b []byte) []byte {
	return appendU32(append(b, opI32Const, 0, opI32GeS, opIf, blockEmpty, opElse, opCall), m.yield())
}
