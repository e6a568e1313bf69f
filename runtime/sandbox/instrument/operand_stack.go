package instrument

// operand is what is known about a value.
type operand struct {
	known   bool // it is the value of a local variable
	wrapped bool // to 32 bits
	local   uint32
}

// operands is the known part of the operand stack in a basic block. Values below it were there
// before the block, and nothing is known about them.
type operands []operand

func (o *operands) push(v operand) { *o = append(*o, v) }

// pop removes n values and returns the last one.
func (o *operands) pop(n int) (v operand) {
	for ; n > 0; n-- {
		last := len(*o) - 1
		if last < 0 {
			return operand{}
		}
		v, *o = (*o)[last], (*o)[:last]
	}
	return v
}

// change removes pops values and pushes unknown ones.
func (o *operands) change(pops, pushes int) {
	o.pop(pops)
	for ; pushes > 0; pushes-- {
		o.push(operand{})
	}
}

// forget makes all values of a variable unknown, since the variable gets another value.
func (o operands) forget(local uint32) {
	for i, v := range o {
		if v.local == local {
			o[i] = operand{}
		}
	}
}

// effect returns how many values an instruction pops and pushes, for instructions that
// readInstruction does not treat separately.
func effect(op byte) (pops, pushes int) {
	switch {
	case op == opDrop, op == opGlobalSet:
		return 1, 0
	case op == opSelect, op == opSelectTyped:
		return 3, 1
	case op == opGlobalGet, op == opMemorySize, op >= opI32Const && op <= opF64Const, op == opRefNull, op == opRefFunc:
		return 0, 1
	case op == opTableGet, op == opMemoryGrow, op == opRefIsNull:
		return 1, 1
	case op == opTableSet:
		return 2, 0
	case op >= opI32Eqz && op <= opLastNumeric:
		return operandsOf(op), 1
	}
	return 0, 0 // nop
}

// unaryRanges are the ranges of numeric instructions that pop one value. The others pop two.
var unaryRanges = [...][2]byte{
	{0x45, 0x45}, // i32.eqz
	{0x50, 0x50}, // i64.eqz
	{0x67, 0x69}, // i32.clz, ctz, popcnt
	{0x79, 0x7b}, // the same of i64
	{0x8b, 0x91}, // f32.abs to sqrt
	{0x99, 0x9f}, // the same of f64
	{0xa7, 0xc4}, // conversions and sign extensions
}

func operandsOf(op byte) int {
	for _, r := range unaryRanges {
		if op >= r[0] && op <= r[1] {
			return 1
		}
	}
	return 2
}

// heavyBytes returns the compiler's memory for an instruction beyond that of simple instructions.
// Instructions with a length and memory accesses are counted elsewhere.
func heavyBytes(op byte) float64 {
	switch {
	case op == opCallIndirect:
		return heavyCall
	case op == opTableGet, op == opTableSet, op == opRefFunc:
		return heavyAccess
	case op >= 0x6d && op <= 0x70, op >= 0x7f && op <= 0x82: // integer division
		return heavyNumber
	case op >= 0x96 && op <= 0x98, op >= 0xa4 && op <= 0xa6: // min, max and copysign
		return heavyNumber
	case op >= 0xa8 && op <= 0xbb: // between integers and floats
		return heavyNumber
	case op >= opI32Eqz && op <= opLastNumeric, op == opSelect, op == opSelectTyped, op == opGlobalSet, op == opVector:
		return heavyPlain
	}
	return 0
}

// binaryVectorRanges are the ranges of vector instructions that pop two values and push one. Others
// pop one and push one, except those that vectorEffect names.
var binaryVectorRanges = [...][2]byte{
	{13, 14},
	{23, 23},
	{26, 26},
	{28, 28},
	{30, 30},
	{32, 32},
	{34, 76},
	{78, 81},
	{101, 102},
	{107, 115},
	{118, 121},
	{123, 123},
	{130, 130},
	{133, 134},
	{139, 147},
	{149, 159},
	{171, 191},
	{203, 223},
	{228, 235},
	{240, 247},
}

// vectorEffect is effect for a vector instruction, without the operands of its load or store.
func vectorEffect(op byte) (pops, pushes int) {
	switch {
	case op == vectorConst:
		return 0, 1
	case op == 82: // bitselect
		return 3, 1
	case op >= 84 && op <= 87: // the vector into which a lane is loaded
		return 1, 0
	}
	for _, r := range binaryVectorRanges {
		if op >= r[0] && op <= r[1] {
			return 2, 1
		}
	}
	return 0, 0
}
