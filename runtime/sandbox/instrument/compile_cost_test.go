package instrument

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"pgregory.net/rapid"
)

// Modules that are expensive to compile are rejected, or compiled in about the estimated memory and
// time. Modules with long estimates are not compiled here: smaller ones verify the estimate.
func TestBombs(t *testing.T) {
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1 << 10, 8 << 10, 128 << 10} {
				wasm := bomb(size).bytes()
				m, err := Instrument(wasm, marked)
				switch {
				case err != nil && !strings.Contains(err.Error(),
					"the bound for a module of this size is"):
					t.Fatal(err)
				case err == nil && m.Work.Steps < 0.03e9:
					compiles(t, m)
				}
			}
		})
	}
}

// TestWorkIsEstimated does the same with randomly composed functions.
func TestWorkIsEstimated(t *testing.T) { rapid.Check(t, workIsEstimated) }

// FuzzWork searches for functions that take the compiler more work than estimated.
func FuzzWork(f *testing.F) { f.Fuzz(rapid.MakeFuzz(workIsEstimated)) }

func workIsEstimated(t *rapid.T) {
	m, err := Instrument(composed(t).bytes(), marked)
	if err == nil && m.Work.Steps < 0.03e9 {
		compiles(t, m)
	}
}

// compiles fails if a module takes far more than estimated. Memory is the same on every machine.
// Time has a factor of 200 for slow or busy machines and for the race detector.
func compiles(t interface{ Fatalf(string, ...any) }, m *Module) {
	const least = 16 << 20 // bytes, and about as many steps, that each module takes
	r := wazero.NewRuntime(context.Background())
	defer r.Close(context.Background())
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	began := time.Now()
	_, err := r.CompileModule(context.Background(), m.Wasm)
	took := time.Since(began)
	goruntime.ReadMemStats(&after)
	if err != nil {
		t.Fatalf("%v", err)
	}
	// The old arrays of growing slices are allocated as well.
	if bytes := float64(after.TotalAlloc - before.TotalAlloc); bytes > least+5*m.Work.Bytes {
		t.Fatalf("%.0f MB were allocated, %.0f were estimated, for %d bytes of %x", bytes/1e6,
			m.Work.Bytes/1e6, len(m.Wasm), m.Wasm[:min(len(m.Wasm), 200)])
	}
	if steps := float64(took); steps > 10e9+200*m.Work.Steps {
		t.Fatalf("compiling took %v, %.0f million steps were estimated, for %d bytes of %x", took,
			m.Work.Steps/1e6, len(m.Wasm), m.Wasm[:min(len(m.Wasm), 200)])
	}
}

// composed generates a function of repeated pieces, nested and in sequence.
func composed(t *rapid.T) guest {
	const size = 6 << 10
	locals := uint32(rapid.SampledFrom([]int{2, 10, 100, 900}).Draw(t, "variables"))
	variable := func() uint32 {
		return uint32(rapid.IntRange(0, int(locals)-1).Draw(t,
			"variable"))
	}
	var piece func(depth, room int) []byte
	piece = func(depth, room int) []byte {
		var one []byte
		inner := func() []byte {
			if depth == 0 {
				return nil
			}
			return piece(depth-1, room/4)
		}
		switch rapid.IntRange(0, 11).Draw(t, "piece") {
		case 0:
			one = cat(get(variable()), by(opDrop))
		case 1:
			one = cat(get(variable()), ci(1), by(opI32Add), set(variable()))
		case 2:
			one = cat(by(opBlock, blockEmpty), inner(), get(variable()), by(opBrIf, 0), inner(),
				by(opEnd))
		case 3:
			one = cat(by(opLoop, blockEmpty), inner(), get(variable()), by(opBrIf, 0), inner(),
				by(opEnd))
		case 4:
			one = cat(get(variable()), by(opIf, blockEmpty), inner(), by(opElse), inner(),
				by(opEnd))
		case 5:
			one = cat(get(variable()), by(opIf, blockEmpty), inner(), by(opEnd))
		case 6:
			one = cat(get(variable()), by(0x28, 0, 0), set(variable()))
		case 7:
			one = cat(get(variable()), get(variable()), by(0x36, 0, 0))
		case 8: // values that stay on the stack until the end
			n := rapid.IntRange(1, 40).Draw(t, "values")
			for range n {
				one = cat(one, get(variable()), by(opI32Eqz))
			}
			one = cat(one, inner(), bytes.Repeat(by(opI32Add), n-1), set(variable()))
		case 9:
			one = cat(get(variable()), get(variable()), by(opCall, 1), set(variable()))
		case 10:
			n := rapid.IntRange(1, 30).Draw(t, "labels")
			one = cat(by(opBlock, blockEmpty, opBlock, blockEmpty), inner(), get(variable()),
				by(opBrTable), u(uint32(2*n)), bytes.Repeat(by(0, 1), n), by(0,
					opEnd), inner(), by(opEnd))
		default: // branches further out, all of which leave nothing
			n := rapid.IntRange(2, 20).Draw(t, "blocks")
			one = bytes.Repeat(by(opBlock, blockEmpty), n)
			for i := range n {
				one = cat(one, get(variable()), by(opBrIf, byte(i)), inner())
			}
			one = cat(one, bytes.Repeat(by(opEnd), n))
		}
		most := max(room/max(len(one), 1), 1)
		return bytes.Repeat(one, rapid.IntRange(1, most).Draw(t, "times"))
	}
	var body []byte
	for range rapid.IntRange(1, 4).Draw(t, "pieces") {
		body = cat(body, piece(3, size))
	}
	g := unary(cat(by(1), u(locals), by(i32)), body, get(0))
	g.types = append(g.types, ft(by(i32, i32), by(i32)))
	g.functions = append(g.functions, fn{kind: 1, body: get(1)})
	return g
}

// The output of compilers stays far below the bounds.
func TestProgramsStayBelowTheBounds(t *testing.T) {
	programs, err := filepath.Glob("../../../nodes/dist/*.wasm")
	if err != nil || len(programs) == 0 {
		t.Fatal(programs, err)
	}
	assembler := filepath.Join(t.TempDir(),
		"asm.wasm") // a program of 8 MB, with functions larger than most have
	build := exec.CommandContext(t.Context(), "go", "build", "-o", assembler, "cmd/asm")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range append(programs, assembler) {
		m, err := Instrument(readFile(t, name), marked)
		if err != nil {
			t.Fatal(name, err)
		}
		steps, bytes := m.Bound.Steps/m.Work.Steps, m.Bound.Bytes/m.Work.Bytes
		t.Logf("%s: %.0f million steps, 1/%.0f of the bound; %.0f MB, 1/%.0f", filepath.Base(name),
			m.Work.Steps/1e6, steps, m.Work.Bytes/1e6, bytes)
		if steps < 8 || bytes < 8 {
			t.Errorf("%s is too near to the bounds", filepath.Base(name))
		}
	}
}

// A rejection names the function and the reason for its work.
func TestRejectionsForWork(t *testing.T) {
	for name, c := range map[string]struct {
		wasm []byte
		want string
	}{
		"time": {
			bombs["ifs in a row"](128 << 10).bytes(),
			`module: section 10: function 0 ("run"): compiling the module up to it takes about `,
		},
		"memory": {
			bombs["calls"](128 << 10).bytes(),
			`module: section 10: function 0 ("run"): compiling it takes about `,
		},
		"most": {
			bombs["calls"](128 << 10).bytes(),
			` MB of memory, most of it for parameters and results; the bound for a module of this size is 320 MB`,
		},
		"variables": {
			bombs["functions x locals"](8 << 10).bytes(),
			`most of it for the variables of all functions`,
		},
		"name": {with(one(bytes.Repeat(cat(ci(0), by(opIf, blockEmpty, opEnd)), 30_000)),
			func(g *guest) {
				g.functions[0].name = ""
				g.custom = sec(0, text("name"), sec(1, vec(cat(u(0), text("main.run")))))
			}), `function 0 ("main.run"): `},
		"no name": {with(one(bytes.Repeat(cat(ci(0), by(opIf, blockEmpty, opEnd)), 30_000)),
			func(g *guest) { g.functions[0].name = "" }), `function 0: `},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Instrument(c.wasm, marked); err == nil || !strings.Contains(err.Error(),
				c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
