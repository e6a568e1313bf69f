package instrument

import (
	"bytes"
	goruntime "runtime"
	"slices"
	"testing"
)

// The memory that wazero uses for an instance follows from the parts of the module.
func TestEngineBytes(t *testing.T) {
	table := func(least, most uint32) []byte { return cat(by(kindFunc, 1), u(least), u(most)) }
	elements := cat(by(1, 0), vec(slices.Repeat([][]byte{u(0)}, 1000)...))
	for name, c := range map[string]struct {
		wasm []byte
		want uint64
	}{
		"nothing":            {one().bytes(), 0},
		"tables":             {with(one(), func(g *guest) { g.tables = [][]byte{table(10, 1<<20), table(5, 5)} }), 15 * 8},
		"tables that grow":   {with(one(by(opRefNull, kindFunc), ci(1), by(opMisc, miscTableGrow, 0, opDrop)), func(g *guest) { g.tables = [][]byte{table(10, 1<<20), table(5, 5)} }), 2 * (maxTable + 5) * 8},
		"elements":           {with(one(), func(g *guest) { g.elements = [][]byte{elements} }), 1000 * 64},
		"globals":            {with(one(), func(g *guest) { g.globals = [][]byte{globalOf(i32, 0, ci(1)), globalOf(i32, 1, ci(1))} }), 2 * 160},
		"references in code": {one(by(opRefFunc, 0, opDrop, opRefFunc, 0, opDrop)).bytes(), 64 + 160},
	} {
		m, err := Instrument(c.wasm, marked)
		if err != nil || m.EngineBytes != c.want {
			t.Errorf("%s: %+v, %v, want %d", name, m, err, c.want)
		}
	}
}

// References are made once per instance, so that code that makes one repeatedly does not fill the
// host's memory.
func TestReferencesAreMadeOnce(t *testing.T) {
	g := unary(nil, bytes.Repeat(by(opRefFunc, 0, opDrop, opRefFunc, 1, opDrop), 1000), by(opRefFunc, 1), by(opRefIsNull))
	g.functions = append(g.functions, fn{name: "other", body: get(0)})
	_, in := start(t, g.bytes())
	if got := in.call("run", 1); got != "[0]" {
		t.Error(got)
	}
	f := in.ExportedFunction("run")
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	for range 1000 {
		if _, err := f.Call(in.ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	if goruntime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes were allocated", after.TotalAlloc-before.TotalAlloc)
	}
}
