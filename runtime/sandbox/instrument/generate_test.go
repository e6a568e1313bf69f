package instrument

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"pgregory.net/rapid"
)

// TestGeneratedModules compares randomly generated modules, with all kinds of instructions, before
// and after instrumentation.
func TestGeneratedModules(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	long := errors.New("it runs for too long")
	rapid.Check(t, func(rt *rapid.T) {
		h := &host{t, h.runtime}
		wasm := generate(rt).bytes()
		m, err := Instrument(wasm, marked)
		if err != nil {
			rt.Fatal(err)
		}
		after := h.instrumented(wasm, m)
		defer after.Close(t.Context())
		after.memory.asked = func() {
			if after.memory.yields > 1000 { // of 10,000 instructions or so
				panic(long)
			}
		}
		before, err := h.original(wasm)
		if err != nil {
			rt.Fatal(err)
		}
		defer before.Close(t.Context())
		p := &pair{t: rt, before: before, after: after, instrumented: m}
		p.look()
		for range rapid.IntRange(1, 4).Draw(rt, "calls") {
			a, b := rapid.Uint32().Draw(rt, "a"), rapid.Uint32Range(0, 9).Draw(rt, "b")
			got, err := after.ExportedFunction("run").Call(after.ctx, uint64(a), uint64(b))
			if errors.Is(err, long) {
				return
			}
			want, failed := before.ExportedFunction("run").Call(before.ctx, uint64(a), uint64(b))
			if (failed == nil) != (err == nil) || failed != nil && trap(failed) != trap(err) || fmt.Sprint(got) != fmt.Sprint(want) {
				rt.Fatalf("%x\n%v, %v, instrumented %v, %v", wasm, want, failed, got, err)
			}
			p.state()
			if err == nil {
				p.noted()
			}
			p.look()
		}
	})
}

// maker generates a function.
type maker struct {
	*rapid.T
	index, functions int
	loops            int    // around what is being made
	rounds           uint32 // the variable that counts the rounds of the next loop
	obstacles        bool
}

const (
	ownVariables = 6 // parameters among them
	maxRounds    = 8 // variables that count
	typeUnary    = 1
)

// generate generates a module whose functions take two numbers and return one, and call only
// functions behind them.
func generate(t *rapid.T) guest {
	g := guest{
		types:    [][]byte{ft(by(i32, i32), by(i32)), ft(by(i32), by(i32)), ft(nil, by(i32, i32)), ft(by(i32, i32), nil), ft(by(i32, i32), by(i32, i32))},
		memories: [][]byte{{1, 1, 4}},
		tables:   [][]byte{{kindFunc, 0, 8}, {kindFunc, 1, 4, 16}},
		globals:  [][]byte{globalOf(i32, 1, ci(7)), globalOf(i32, 0, ci(-1)), globalOf(i32, 1, ci(0))},
		exports:  [][]byte{export("own0", exportGlobal, 0), export("own2", exportGlobal, 2)},
		data:     [][]byte{active(16, "some data to begin with"), active(4000, "and more")},
	}
	n := rapid.IntRange(1, 5).Draw(t, "functions")
	// a module with obstacles gets no marks
	obstacles := rapid.IntRange(0, 3).Draw(t, "obstacles") == 0
	all := u(uint32(n))
	for i := range n {
		m := &maker{T: t, index: i, functions: n, rounds: ownVariables, obstacles: obstacles}
		f := fn{locals: by(2, ownVariables-2+maxRounds, i32, wideCount, i64)}
		for range rapid.IntRange(0, 5).Draw(t, "statements") {
			f.body = append(f.body, m.statement(3)...)
		}
		f.body = append(f.body, m.value(3)...)
		if i == 0 {
			f.name = "run"
		}
		g.functions = append(g.functions, f)
		all = append(all, byte(i))
	}
	g.elements = [][]byte{cat(by(0), ci(0), by(opEnd), all), cat(by(1, 0), all)}
	if obstacles && rapid.Bool().Draw(t, "with passive data") {
		g.announced = by(3)
		g.data = append(g.data, cat(by(1), text("passive data")))
		g.functions[0].body = cat(ci(100), ci(2), ci(8), by(opMisc, miscMemoryInit, 2, 0), g.functions[0].body)
	}
	return g
}

func (m *maker) pick(n int) int { return rapid.IntRange(0, n-1).Draw(m.T, "choice") }

// masked generates a value that is nearly always small.
func (m *maker) masked(depth int, mask int32) []byte {
	if m.pick(40) == 0 {
		return m.value(depth)
	}
	return cat(m.value(depth), ci(mask), by(opI32And))
}

// value generates code that pushes a number.
func (m *maker) value(depth int) []byte {
	if depth == 0 {
		switch m.pick(4) {
		case 0:
			return ci(rapid.Int32().Draw(m.T, "constant"))
		case 1:
			return by(opGlobalGet, byte(m.pick(3)))
		default:
			return get(uint32(m.pick(ownVariables)))
		}
	}
	depth--
	switch m.pick(12) {
	case 0:
		return cat(m.masked(depth, 0xfff), by(0x28, 2, byte(m.pick(100)))) // i32.load
	case 1:
		return cat(m.value(depth), by(opIf, i32), m.value(depth), by(opElse), m.value(depth), by(opEnd))
	case 2:
		return m.call(depth)
	case 3:
		return cat(m.value(depth), m.value(depth), m.value(depth), by(0x1b)) // select
	case 4:
		return cat(m.masked(depth, 1), by(opMemoryGrow, 0))
	case 5:
		return cat(by(opMemorySize, 0, opMisc, miscTableSize, 1, 0x6a))
	case 6:
		if !m.obstacles {
			return cat(by(opRefFunc, byte(m.index), opRefIsNull))
		}
		return cat(by(opRefFunc, byte(m.index)), m.masked(depth, 1), by(opMisc, miscTableGrow, 1))
	case 7: // a block of two values
		return cat(by(opBlock, 2), m.value(depth), m.value(depth), by(opBr, 0, opEnd, 0x73))
	case 8: // a loop that takes a value and counts its rounds
		return m.loop(func() []byte { return m.value(depth) }, by(typeUnary), func() []byte { return cat(m.value(0), by(0x6a)) })
	default: // add, sub, mul, div_s, rem_u, and, or, xor, shl, shr_s, rotl, lt_u
		ops := by(0x6a, 0x6b, 0x6c, 0x6d, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x77, 0x49)
		return cat(m.value(depth), m.value(depth), by(ops[m.pick(len(ops))]))
	}
}

// call calls a function behind this one, by its index or through a table.
func (m *maker) call(depth int) []byte {
	behind := m.functions - m.index - 1
	if behind == 0 {
		return m.value(depth)
	}
	f := int32(m.index + 1 + m.pick(behind))
	args := cat(m.value(depth), m.value(depth))
	if m.pick(2) == 0 {
		return cat(args, by(opCall, byte(f)))
	}
	return cat(args, ci(f), by(opCallIndirect, 0, 0))
}

// loop generates a loop with a limited number of iterations. begin generates the values on the
// stack before it, of the type that kind takes.
func (m *maker) loop(begin func() []byte, kind []byte, body func() []byte) []byte {
	if m.loops == 2 || m.rounds == ownVariables+maxRounds {
		return begin()
	}
	m.loops++
	counter := m.rounds
	m.rounds++
	out := cat(begin(), ci(int32(1+m.pick(5))), set(counter), by(opLoop), kind, body(),
		get(counter), ci(1), by(opI32Sub, opLocalTee, byte(counter), opBrIf, 0, opEnd))
	m.loops--
	return out
}

// statement generates code that leaves the stack as it was.
func (m *maker) statement(depth int) []byte {
	if depth == 0 {
		return cat(m.value(1), set(uint32(m.pick(ownVariables))))
	}
	depth--
	switch m.pick(16) {
	case 0:
		return m.write(depth)
	case 1:
		return cat(m.value(depth), by(opGlobalSet, byte(2*m.pick(2))))
	case 2:
		return cat(m.value(depth), by(opIf, blockEmpty), m.statement(depth), by(opElse), m.statement(depth), by(opEnd))
	case 3:
		return cat(by(opBlock, blockEmpty), m.statement(depth), m.value(depth), by(opBrIf, 0), m.statement(depth), by(opEnd))
	case 4, 5:
		nothing := func() []byte { return nil }
		return m.loop(nothing, by(blockEmpty), func() []byte { return cat(m.statement(depth), m.statement(depth)) })
	case 6:
		return cat(m.masked(depth, 0x7fff), m.masked(depth, 0x7fff), m.masked(depth, 0x3ff), by(opMisc, miscMemoryCopy, 0, 0))
	case 7:
		return cat(m.masked(depth, 0x7fff), m.value(depth), m.masked(depth, 0x3ff), by(opMisc, miscMemoryFill, 0))
	case 8, 9, 10, 11:
		if m.obstacles {
			return m.table(depth)
		}
		return m.write(depth)
	case 12: // what is never reached
		return cat(by(opBlock, blockEmpty, opBr, 0), m.statement(depth), m.value(depth), by(opMemoryGrow, 0, opDrop, opEnd))
	case 13, 14:
		return m.odd(depth)
	default:
		return cat(m.value(depth), set(uint32(m.pick(ownVariables))))
	}
}

// table generates code that changes a table.
func (m *maker) table(depth int) []byte {
	switch m.pick(4) {
	case 0:
		return cat(m.masked(depth, 3), by(opRefFunc, byte(m.index), opTableSet, 1))
	case 1:
		return cat(m.masked(depth, 1), m.masked(depth, 1), m.masked(depth, 1), by(opMisc, miscTableCopy, 1, 0))
	case 2:
		return cat(m.masked(depth, 1), by(opRefNull, kindFunc), m.masked(depth, 1), by(opMisc, miscTableFill, 1))
	default:
		return cat(m.masked(depth, 1), m.masked(depth, 0), m.masked(depth, 1), by(opMisc, miscTableInit, 1, 1))
	}
}
