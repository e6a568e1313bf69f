package sandbox

import (
	"math/rand/v2"

	"github.com/flowtrux/edge/nodes/abi"
)

// Variables of generated functions: two parameters and four more numbers of 32 bits, three of 64
// bits, a float of each size, and a vector.
const (
	narrow    = 6
	wideFirst = narrow
	wides     = 3
	floatVar  = 9
	doubleVar = 10
	vectorVar = 11
)

const (
	chancePages     = 4
	chanceFunctions = 4 // functions; each calls only those before it
	helperFunction  = chanceFunctions

	// Each function of a guest has its own type: alloc, run, and the following ones.
	typeUnary  = 0
	typeBinary = 2
)

// chance generates functions with all ways to write memory, and with shapes that compilers seldom
// emit.
type chance struct {
	*rand.Rand
	function int
	bulk     bool // memory.copy and memory.fill
	vectors  bool
	tame     bool // most addresses lie in the memory
}

// chanceModule generates a module whose functions a to d take two numbers and return one.
func chanceModule(r *rand.Rand) guest {
	g := says(abi.Output, `"some data to begin with"`)
	g.memory = []byte{1, chancePages, chancePages + 3}
	g.tables = [][]byte{{0x70, 0, chanceFunctions}}
	g.globals = 3 // the first one counts the rounds of loops
	own := len(g.funcs)
	elements := []byte{1, 0, 0x41, 0, 0x0b, chanceFunctions}
	m := chance{Rand: r, bulk: r.IntN(3) > 0, vectors: r.IntN(2) == 0, tame: r.IntN(5) > 0}
	for m.function = range chanceFunctions {
		elements = append(elements, byte(own+m.function))
		g.funcs = append(g.funcs, function{
			name: string(rune('a' + m.function)), params: types(tI32, tI32), results: types(tI32),
			locals: []byte{5, narrow - 2, tI32, wides, tI64, 1, 0x7d, 1, 0x7c, 1, 0x7b},
			body:   m.body(),
		})
	}
	two := function{"", none, types(tI32, tI32), nil, code(m.constant(), m.constant())}
	g.funcs = append(g.funcs, two)
	g.elements = elements
	return g
}

func (m *chance) body() []byte {
	var out []byte
	for l := 2; l < narrow; l++ {
		out = code(out, m.constant(), setLocal(l))
	}
	for l := range wides {
		out = code(out, i64c(uint64(m.place())), setLocal(wideFirst+l))
	}
	out = code(out, []byte{0x43, 1, 2, 3, 4}, setLocal(floatVar))
	out = code(out, []byte{0x44, 1, 2, 3, 4, 5, 6, 7, 8}, setLocal(doubleVar))
	out = code(out, i32c(0x1234567), []byte{0xfd, 17}, setLocal(vectorVar))
	for range 3 + m.IntN(14) {
		out = code(out, m.statement(3))
	}
	return code(out, m.number(2))
}

func setLocal(n int) []byte { return append([]byte{0x21}, leb(uint64(n))...) }
func tee(n int) []byte      { return append([]byte{0x22}, leb(uint64(n))...) }

// callOwn calls a function by its number among the generated ones and those behind them.
func callOwn(n int) []byte { return call(2 + n) }

// place returns an address near the end of a granule, a page, the memory or the address space.
func (m *chance) place() int32 {
	near := int32(m.IntN(40)) - 20
	switch n := m.IntN(10); {
	case !m.tame && n == 0:
		return int32(-m.IntN(70_000))
	case !m.tame && n == 1:
		return chancePages*wasmPage + near
	case n == 2:
		return int32(m.IntN(40))
	case n == 3:
		return int32(wasmPage*(1+m.IntN(chancePages-1))) + near
	default:
		return int32(512*(1+m.IntN(20))+256*m.IntN(2)) + near
	}
}

func (m *chance) constant() []byte { return i32c(m.place()) }

// inside limits a number to the memory, nearly always.
func (m *chance) inside(number []byte) []byte {
	if !m.tame {
		return number
	}
	return code(number, i32c(0x3efff), []byte{0x71})
}

func (m *chance) narrow() int { return m.IntN(narrow) }
func (m *chance) wide() int   { return wideFirst + m.IntN(wides) }

// number generates code that pushes a number of 32 bits.
func (m *chance) number(depth int) []byte {
	if depth <= 0 {
		switch m.IntN(4) {
		case 0:
			return m.constant()
		case 1:
			return code(local(m.wide()), []byte{0xa7})
		default:
			return local(m.narrow())
		}
	}
	depth--
	one, two := m.number(depth), m.number(depth)
	switch m.IntN(16) {
	case 0:
		return code(m.inside(one), tee(m.narrow()))
	case 1:
		return code(m.wideNumber(depth), []byte{0xa7})
	case 2:
		return code(one, two, []byte{[]byte{0x6a, 0x6b, 0x71, 0x72}[m.IntN(4)]})
	case 3:
		return code(m.address(depth), []byte{0x28, 2}, leb(uint64(m.IntN(600))))
	case 4:
		return getGlobal(1 + m.IntN(2))
	case 5:
		return []byte{0x3f, 0} // memory.size
	case 6:
		return code(one, two, m.number(depth), []byte{0x1b})
	case 7:
		return code(i32c(int32(m.IntN(2))), grow)
	case 8: // a block with a result and a branch out of it
		return code([]byte{0x02, tI32}, m.statements(depth, 2), one, two, []byte{0x0d, 0, 0x0b})
	case 9: // a block that takes a value, which may become an address
		take := code(m.statements(depth, 2), tee(m.narrow()))
		return code(one, []byte{0x02, typeUnary}, take, []byte{0x0b})
	case 10: // a loop that takes a value
		body := code(m.inside(nil), tee(2), m.statements(depth, 3), again)
		return code(one, []byte{0x03, typeUnary}, body, []byte{0x0b})
	case 11: // an if that takes a value and gives one
		other := code([]byte{0x05}, drop, m.statements(depth, 2), m.number(depth))
		return code(one, two, []byte{0x04, typeUnary}, m.statements(depth, 2), other, []byte{0x0b})
	case 12: // of two values that a function gives, the second one is written to the first
		write := code(m.constant(), []byte{0x36, 2}, leb(uint64(m.IntN(300))))
		return code(callOwn(helperFunction), write)
	case 13:
		if m.function > 0 {
			return code(one, two, callOwn(m.IntN(m.function)))
		}
	case 14:
		if m.function > 0 { // through the table
			return code(one, two, i32c(int32(m.IntN(m.function))), []byte{0x11, typeBinary, 0})
		}
	}
	return local(m.narrow())
}

// again repeats the innermost loop as long as the iteration counter allows it.
var again = code(getGlobal(0), i32c(-1), add, setGlobal(0), getGlobal(0), i32c(0),
	[]byte{0x4a, 0x0d, 0})

func (m *chance) wideNumber(depth int) []byte {
	switch {
	case depth > 0 && m.IntN(2) == 0:
		return code(m.inside(m.number(depth-1)), []byte{0xad})
	case depth > 0 && m.IntN(2) == 0:
		return code(m.wideNumber(depth-1), tee(m.wide()))
	}
	return local(m.wide())
}

// address generates code that pushes an address, more often than not a variable.
func (m *chance) address(depth int) []byte {
	switch m.IntN(8) {
	case 0:
		return m.inside(m.number(depth))
	case 1:
		return code(local(m.wide()), []byte{0xa7})
	case 2:
		return m.constant()
	case 3, 4:
		return code(m.number(depth), i32c(chancePages*wasmPage-1-wasmPage), []byte{0x71})
	default:
		return local(m.narrow())
	}
}

// offset generates the offset of an access.
func (m *chance) offset() []byte {
	switch n := m.IntN(12); {
	case !m.tame && n == 0:
		return leb(1<<32 - 1 - uint64(m.IntN(70_000)))
	case !m.tame && n == 1:
		return leb(1<<31 - 5 + uint64(m.IntN(10)))
	case !m.tame && n == 2:
		return leb(1<<30 - 5 + uint64(m.IntN(10)))
	case n < 6:
		return leb(240 + uint64(m.IntN(32)))
	default:
		return leb(uint64(m.IntN(1100)))
	}
}

// write generates a store of any kind. Its address may change while its value is computed.
func (m *chance) write(depth int) []byte {
	var change []byte
	if m.IntN(6) == 0 {
		change = code(m.constant(), setLocal(m.narrow()))
	}
	to := m.address(depth)
	if m.vectors && m.IntN(4) == 0 {
		value := code(local(vectorVar), change)
		lane := m.IntN(5)
		if lane == 4 {
			return code(to, value, []byte{0xfd, 11, 0}, m.offset())
		}
		which := []byte{byte(m.IntN(16 >> lane))}
		return code(to, value, []byte{0xfd, 88 + byte(lane), 0}, m.offset(), which)
	}
	var value []byte
	op := m.IntN(9)
	switch op {
	case 0, 4, 5:
		value = m.number(depth)
	case 2:
		value = local(floatVar)
	case 3:
		value = local(doubleVar)
	default:
		value = m.wideNumber(depth)
	}
	return code(to, value, change, []byte{0x36 + byte(op), 0}, m.offset())
}

// span generates memory.copy or memory.fill, with lengths around the maximum that one mark covers.
func (m *chance) span(depth int) []byte {
	lengths := [][]byte{
		code(m.number(depth), i32c(2047), []byte{0x71}), i32c(0), i32c(int32(250 + m.IntN(14))),
		code(m.number(depth), i32c(4095), []byte{0x71}),
	}
	length := lengths[m.IntN(len(lengths))]
	if m.IntN(2) == 0 {
		return code(m.address(depth), m.address(depth), length, []byte{0xfc, 10, 0, 0})
	}
	return code(m.address(depth), m.number(depth), length, []byte{0xfc, 11, 0})
}

func (m *chance) statements(depth, most int) (out []byte) {
	for range m.IntN(most + 1) {
		out = code(out, m.statement(depth))
	}
	return out
}

// statement generates code that leaves the stack as it was.
func (m *chance) statement(depth int) []byte {
	if depth <= 0 {
		return m.write(1)
	}
	depth--
	inner := func() []byte { return m.statements(depth, 4) }
	switch m.IntN(20) {
	case 0, 1:
		return code(m.inside(m.number(depth)), setLocal(m.narrow()))
	case 2:
		return code(m.wideNumber(depth), setLocal(m.wide()))
	case 3:
		return code(m.number(depth), setGlobal(1+m.IntN(2)))
	case 4:
		return code([]byte{0x03, 0x40}, inner(), again, []byte{0x0b})
	case 5:
		return code(m.number(depth), []byte{0x04, 0x40}, inner(), []byte{0x05}, inner(),
			[]byte{0x0b})
	case 6:
		return code(m.number(depth), []byte{0x04, 0x40}, inner(), []byte{0x0b})
	case 7: // a branch in the middle, by a condition, a table or none; what follows may be dead
		ways := [][]byte{{0x0d, 0}, {0x0e, 1, 0, 0}, code(drop, []byte{0x0c, 0})}
		way := code(m.number(depth), ways[m.IntN(len(ways))])
		return code([]byte{0x02, 0x40}, inner(), way, inner(), []byte{0x0b})
	case 8, 9:
		if m.bulk {
			return m.span(depth)
		}
	case 10:
		if m.IntN(10) == 0 {
			return code(m.number(depth), []byte{0x04, 0x40}, m.number(depth), []byte{0x0f, 0x0b})
		}
	case 11:
		if m.vectors {
			return code(m.number(depth), []byte{0xfd, 15}, setLocal(vectorVar))
		}
	}
	return m.write(min(depth, 2))
}
