package sandbox

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// The time limit also ends a guest without loops that never reaches the end of its stack.
func TestEndlessRecursionWithoutALoop(t *testing.T) {
	// f(n) = n == 0 ? 1 : f(n-1) + f(n-1), which takes 2^n calls.
	const f = 2
	less := code(local(0), i32c(-1), add, call(f))
	twice := function{"", types(tI32), types(tI32), nil, code(
		local(0), []byte{0x04, tI32}, less, less, add, []byte{0x05}, i32c(1), []byte{0x0b},
	)}
	limits := small
	limits.Timeout = 50 * time.Millisecond
	m := load(t, newHost(t), node(i32c(200), call(f), drop, returnPacked(abi.Output, dataAt, 1)).with(twice).bytes(), limits, hostapi.Grants{})
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	fails(t, err, CodeTimeout)

	few := node(i32c(10), call(f), drop, returnPacked(abi.Output, dataAt, 1)).with(twice)
	few.data = "1"
	r, err := load(t, newHost(t), few.bytes(), limits, hostapi.Grants{}).Call(t.Context(), new(hostapi.Session), nil, nil)
	if err != nil || string(r.Output) != "1" {
		t.Errorf("a recursion that ends: %q, %v", r.Output, err)
	}
}

// endless are guests whose function 2 calls itself forever, in frames of all sizes.
func endless() map[string]guest {
	type block = []byte
	many := func(n int, parts ...[]byte) []byte { return bytes.Repeat(code(parts...), n) }
	each := func(n int, f func(i int) []byte) (b []byte) {
		for i := range n {
			b = append(b, f(i)...)
		}
		return b
	}
	byte0 := code(i32c(0), load8)
	set := func(i int) []byte { return append(block{0x21}, leb(uint64(i))...) }
	unary := func(locals []byte, body ...[]byte) function {
		return function{"", types(tI32), types(tI32), locals, code(body...)}
	}
	all := map[string][]function{
		"nothing":         {unary(nil, local(0), call(2))},
		"a value":         {unary(nil, local(0), call(2), local(0), add)},
		"100 values":      {unary(nil, many(100, byte0), local(0), call(2), many(100, add))},
		"3000 values":     {unary(nil, many(3_000, byte0), local(0), call(2), many(3_000, add))},
		"1000 parameters": {{"", bytes.Repeat(types(tI32), 1000), types(tI32), nil, code(each(1000, local), call(2))}},
		"1000 results":    {{"", types(tI32), bytes.Repeat(types(tI32), 1000), nil, code(local(0), call(2))}},
		"in turn":         {unary(nil, local(0), call(3)), unary(nil, many(500, byte0), local(0), call(4), many(500, add)), unary(nil, local(0), call(2))},
		"through a table": {unary(nil, local(0), i32c(0), block{0x11, 2, 0})},
		"in a loop":       {unary(nil, loop(local(0), call(2), drop), unreachable)},
		"variables in loops": {unary(append(block{1}, append(leb(2000), tI32)...),
			many(20, block{0x03, 0x40}), each(2000, func(i int) []byte { return code(local(i+1), i32c(3), add, set(i+1)) }),
			local(0), call(2), drop, local(0), block{0x0d, 0}, many(20, block{0x0b}),
			i32c(0), each(2000, func(i int) []byte { return code(local(i+1), add) }))},
		"variables where blocks meet": {unary(append(block{1}, append(leb(200), tI32)...),
			many(30, block{0x02, 0x40}), local(0), block{0x0e}, leb(29), each(29, func(i int) []byte { return leb(uint64(i)) }), leb(29),
			block{0x0b}, each(200, func(i int) []byte { return code(byte0, set(i+1)) }),
			many(29, local(1), set(2), block{0x0b}),
			local(0), call(2), each(200, func(i int) []byte { return code(local(i+1), add) }))},
	}
	guests := make(map[string]guest)
	for name, f := range all {
		g := node(many(len(f[0].params), i32c(0)), call(2), many(len(f[0].results), drop), returnPacked(abi.Output, dataAt, 1)).with(f...)
		if g.data = "1"; name == "through a table" {
			g.tables = [][]byte{{0x70, 0, 1}}
			// function 2, whose type has that number, too
			g.elements = []byte{1, 0, 0x41, 0, 0x0b, 1, 2}
		}
		guests[name] = g
	}
	return guests
}

// A guest with infinite recursion is stopped when its stack has some megabytes, whatever the size
// of its frames, and leaves no large stack behind.
func TestEndlessRecursion(t *testing.T) {
	h := newHost(t)
	for name, g := range endless() {
		t.Run(name, func(t *testing.T) {
			m := load(t, h, g.bytes(), small, hostapi.Grants{})
			before := allocated()
			_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
			if e := fails(t, err, CodeTrap); e.Message != "the module trapped: stack overflow" {
				t.Error(e.Message)
			}
			// Of all stacks that the call has had, each twice as large as the one before.
			if took := allocated() - before; took > 5*maxGuestStack {
				t.Errorf("%d bytes were allocated", took)
			}
			in := m.instances.(registeredPool).take()
			defer m.instances.(registeredPool).put(in)
			if n := in.stacks(); n > maxReusedStack {
				t.Errorf("a stack of %d bytes is kept", n)
			}
		})
	}
}

// allocated returns the number of bytes allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Programs with legitimate recursion work.
func TestDeepRecursion(t *testing.T) {
	deep := node(i32c(30_000), call(2), drop, returnPacked(abi.Output, dataAt, 1)).with(function{"", types(tI32), types(tI32), nil, code(
		local(0), []byte{0x04, tI32}, local(0), i32c(-1), add, call(2), local(0), add, []byte{0x05}, i32c(1), []byte{0x0b},
	)})
	deep.data = "1"
	nested := strings.Repeat("[", 512) + strings.Repeat("]", 512)
	h := newHost(t)
	code := loadCode(t, h, Limits{})
	for name, c := range map[string]struct {
		call        func(ctx context.Context, s *hostapi.Session, in, dst []byte) (Result, error)
		input, want string
	}{
		"30,000 functions":       {load(t, h, deep.bytes(), small, hostapi.Grants{}).Call, "", "1"},
		"30,000 functions of Go": {loadGuest(t).Call, `"descend"`, "450015000"},
		"2500 functions of JS":   {withSource(t, code, `const f = n => n ? n + f(n - 1) : 0; return f(2500)`).Call, `{"input":1}`, "3126250"},
		"JSON of 512 lists":      {withSource(t, code, `return input`).Call, `{"input":` + nested[1:len(nested)-1] + `}`, nested[1 : len(nested)-1]},
		"a parser of 500 lists":  {withSource(t, code, parser).Call, `{"input":"` + nested[12:len(nested)-12] + `"}`, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.call(t.Context(), new(hostapi.Session), []byte(c.input), nil)
			if err != nil || string(r.Output) != c.want {
				t.Errorf("%.100s, %v", r.Output, err)
			}
		})
	}
}

// parser is a parser by recursive descent, in JavaScript.
const parser = `
let at = 0;
const list = () => { let deep = 0; at++; while (input[at] !== "]") deep = Math.max(deep, list()); at++; return deep + 1 };
return list();`

// A call's stack is found in wazero and grows with the call.
func TestTheStackIsFound(t *testing.T) {
	m := load(t, newHost(t), endless()["nothing"].bytes(), small, hostapi.Grants{})
	in := newInstance(t, m.instances.(registeredPool).pool)
	defer in.close()
	before := in.runFn.stack.size()
	if before == 0 {
		t.Fatal("the engine's stacks are not where they were")
	}
	s := new(hostapi.Session)
	if _, failure := in.run(t.Context(), s, m, 0, nil, 1_000_000); failure == nil || failure.Code != CodeFuel {
		t.Fatalf("%v", failure)
	}
	if size, used := in.runFn.stack.size(), in.runFn.stack.used(); size <= before || int(used) > size || int(used) < size/4 {
		t.Errorf("a stack of %d bytes has %d, of which %d are used", before, size, used)
	}
}
