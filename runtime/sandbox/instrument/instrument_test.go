package instrument

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// placed is a segment with its bytes.
type placed struct {
	offset uint32
	bytes  string
}

func TestRemovedParts(t *testing.T) {
	all := samples()
	for name, c := range map[string]struct {
		wasm []byte
		want Module
		data []placed
	}{
		"data":        {all["data"], Module{MemoryMin: 1, Functions: 1}, []placed{{4, "four"}, {6, "six"}}},
		"memory.init": {all["memory.init"], Module{MemoryMin: 1, Functions: 1, Obstacles: []string{"its code names its data (memory.init, data.drop)"}}, nil},
		"data.drop":   {all["data.drop"], Module{MemoryMin: 1, Functions: 1, Obstacles: []string{"its code names its data (memory.init, data.drop)"}}, nil},
		"no plain number": {with(unary(nil, get(0)), func(g *guest) {
			g.data = [][]byte{active(0, "a"), cat(by(0), ci(1), ci(2), by(opEnd), text("b"))}
		}), Module{MemoryMin: 1, Functions: 1, Obstacles: []string{"its data has an offset that is not a plain number"}}, nil},
		"negative place": {
			with(unary(nil, get(0)), func(g *guest) { g.data = [][]byte{active(-4, "a")} }),
			Module{MemoryMin: 1, Functions: 1},
			[]placed{{1<<32 - 4, "a"}},
		},
		"start": {all["start"], Module{
			MemoryMin: 1, Functions: 2, Start: "\x00flowtrux.start",
			Globals: []Global{{"\x00flowtrux.g0", 0, i32}},
		}, []placed{{0, "data"}}},
		"maximum": {all["maximum of memory"], Module{MemoryMin: 1, MemoryMax: 3, HasMax: true, Functions: 1}, nil},
		"loops":   {all["loops in loops"], Module{MemoryMin: 1, Functions: 1, Loops: 2}, nil},
		"globals": {all["globals"], Module{
			MemoryMin: 1, Functions: 1,
			Globals: []Global{
				{"\x00flowtrux.g0", 0, i32},
				{"\x00flowtrux.g1", 1, i64},
				{"\x00flowtrux.g2", 2, f32},
				{"\x00flowtrux.g3", 3, f64},
				{"\x00flowtrux.g5", 5, kindV128},
				{"\x00flowtrux.g6", 6, kindFunc},
				{"\x00flowtrux.g7", 7, kindExtern},
			},
			Obstacles: []string{"its global 5 is mutable and has type v128", "its global 6 is mutable and has type funcref", "its global 7 is mutable and has type externref"},
		}, nil},
		"tables": {all["tables"], Module{MemoryMin: 1, Functions: 1, Obstacles: []string{
			"it changes a table (table.set)", "it changes a table (table.grow)", "it changes a table (table.fill)",
			"it changes a table (table.copy)", "it changes a table (table.init)", "it drops elements (elem.drop)",
		}}, nil},
	} {
		before := bytes.Clone(c.wasm)
		m, err := Instrument(c.wasm, marked)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c.want.Wasm, c.want.Fuel, c.want.Frames = m.Wasm, "\x00flowtrux.fuel", "\x00flowtrux.frames"
		c.want.EngineBytes, c.want.Work, c.want.Bound = m.EngineBytes, m.Work, m.Bound
		if len(c.want.Obstacles) == 0 {
			c.want.Base = Base
		}
		var data []placed
		for _, s := range m.Data {
			data = append(data, placed{s.Offset, string(s.Of(c.wasm))})
		}
		if m.Data = nil; !slices.Equal(data, c.data) {
			t.Errorf("%s: data %v, want %v", name, data, c.data)
		}
		if !reflect.DeepEqual(*m, c.want) {
			m.Wasm, c.want.Wasm = nil, nil
			t.Errorf("%s: %+v, want %+v", name, *m, c.want)
		}
		if !bytes.Equal(before, c.wasm) {
			t.Errorf("%s: the input has changed", name)
		}
	}
}

// Appending to a view of the input does not overwrite the bytes that follow it.
func TestViewsHaveNoSpareCapacity(t *testing.T) {
	wasm := samples()["data"]
	m, err := Instrument(wasm, marked)
	if err != nil || cap(m.Data[0].Of(wasm)) != 4 {
		t.Error(err, m.Data)
	}
}

func TestGlobalsCanBeSetFromOutside(t *testing.T) {
	m, in := start(t, samples()["globals"])
	in.ExportedGlobal(m.Globals[0].Name).(api.MutableGlobal).Set(5)
	if got := in.call("run", 2); got != "[7]" {
		t.Error(got)
	}
}

// The host enforces the memory limit and the maximum that a module declares: the instrumented
// module has neither.
func TestMemoryHasNoMaximum(t *testing.T) {
	m, in := start(t, samples()["maximum of memory"])
	if pages, encoded := in.Memory().Definition().Max(); encoded || !m.HasMax {
		t.Error("it has a maximum of", pages)
	}
}

func TestTablesCannotGrowPastTheirLimit(t *testing.T) {
	grow := func(table []byte) []byte {
		return with(unary(nil, by(opRefNull, kindFunc), get(0), by(opMisc, miscTableGrow, 0)), func(g *guest) { g.tables = [][]byte{table} })
	}
	for name, c := range map[string]struct {
		wasm []byte
		by   uint64
		want string
	}{
		"without a maximum":       {grow(by(kindFunc, 0, 1)), maxTable - 1, "[1]"},
		"over the bound":          {grow(by(kindFunc, 0, 1)), maxTable, "[4294967295]"},
		"over a large maximum":    {grow(cat(by(kindFunc, 1, 1), u(1<<31))), maxTable, "[4294967295]"},
		"over a maximum":          {grow(by(kindFunc, 1, 1, 3)), 3, "[4294967295]"},
		"to a maximum":            {grow(by(kindFunc, 1, 1, 3)), 2, "[1]"},
		"by more than can be":     {grow(by(kindFunc, 0, 1)), 1<<32 - 1, "[4294967295]"},
		"by nothing, being at it": {grow(cat(by(kindFunc, 0), u(maxTable))), 0, "[262144]"},
	} {
		_, in := start(t, c.wasm)
		if got := in.call("run", c.by); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestStartMayBeAnImport(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	called := 0
	b := h.runtime.NewHostModuleBuilder("m").NewFunctionBuilder().WithFunc(func() { called++ }).Export("begin")
	if _, err := b.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	wasm := with(one(), func(g *guest) {
		g.imports = [][]byte{cat(text("m"), text("begin"), by(0, 0))}
		g.start = by(0)
	})
	m, err := Instrument(wasm, marked)
	if err != nil {
		t.Fatal(err)
	}
	if in := h.instrumented(wasm, m); in.began != nil || called != 1 {
		t.Error(in.began, called)
	}
}

func TestNamesOfFunctionsSurvive(t *testing.T) {
	names := func(entries ...[]byte) []byte { return sec(nameFunctions, vec(entries...)) }
	stumble := cat(u(0), text("stumble"))
	for name, c := range map[string]struct {
		custom []byte
		want   bool
	}{
		"names":                   {sec(0, text("name"), sec(0, text("secret")), names(stumble), sec(2, text("secret"))), true},
		"other sections":          {cat(sec(0, text("secret"), by(1, 2, 3)), sec(0, text("name"), names(stumble))), true},
		"only others":             {sec(0, text(".debug_info"), text("secret")), false},
		"too many":                {sec(0, text("name"), sec(nameFunctions, by(9), stumble)), false},
		"longer than they are":    {sec(0, text("name"), sec(nameFunctions, vec(stumble), by(0))), false},
		"twice":                   {sec(0, text("name"), names(stumble, stumble)), false},
		"of no function":          {sec(0, text("name"), names(cat(u(1), text("secret")))), false},
		"not text":                {sec(0, text("name"), names(cat(u(0), text("secret\xff")))), false},
		"cut":                     {sec(0, text("name"), by(nameFunctions, 9)), false},
		"without a name":          {sec(0), false},
		"name longer than it":     {sec(0, by(9, 'n')), false},
		"names without functions": {sec(0, text("name"), sec(2, by(0))), false},
	} {
		m, in := start(t, with(unary(nil, by(opUnreachable)), func(g *guest) { g.custom = c.custom }))
		if bytes.Contains(m.Wasm, []byte("secret")) {
			t.Errorf("%s: what is not needed is still there", name)
		}
		if _, err := in.ExportedFunction("run").Call(in.ctx, 1); strings.Contains(err.Error(), "stumble") != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	before, err := Instrument(with(one(), func(g *guest) { g.before = sec(0, text("name"), names(stumble)) }), marked)
	if err != nil || !bytes.Contains(before.Wasm, []byte("stumble")) {
		t.Errorf("names at the beginning: %v", err)
	}
}

// An instrumented module is rejected, since its names are reserved.
func TestInstrumentedModulesAreRejected(t *testing.T) {
	m, err := Instrument(one().bytes(), marked)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Instrument(m.Wasm, marked); err == nil || !strings.Contains(err.Error(), "reserved") {
		t.Error(err)
	}
}

// A truncated module never causes a panic. It is accepted only at the end of a section, if the rest
// is a valid module.
func TestTruncatedModules(t *testing.T) {
	for name, wasm := range samples() {
		for n := range wasm {
			if m, err := Instrument(wasm[:n], marked); (m == nil) != (err != nil) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(wasm), err)
			}
		}
	}
}

// Time and memory are proportional to the size of a module, however its loops nest, even too deep
// for the compiler.
func TestDeepNesting(t *testing.T) {
	for depth, taken := range map[int]bool{5_000: true, 500_000: false} {
		wasm := one(slices.Repeat(by(opLoop, blockEmpty), depth), slices.Repeat(by(opEnd), depth)).bytes()
		allocated := testing.AllocsPerRun(1, func() {
			m, err := Instrument(wasm, marked)
			if (err == nil) != taken || taken && (m.Loops != depth || len(m.Wasm) > 12*len(wasm)) {
				t.Fatal(depth, err)
			}
		})
		if allocated > 1000 {
			t.Errorf("%v allocations", allocated)
		}
	}
}
