package hostapi

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guest is a module that imports all offered functions. For each import it exports a function that
// calls it with its own parameters. Tests read and write its memory of one page.
type guest struct {
	t       *testing.T
	module  api.Module
	session *Session
}

func newGuest(t *testing.T, s *Session) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := Instantiate(ctx, r); err != nil {
		t.Fatal(err)
	}
	module, err := r.InstantiateWithConfig(ctx, trampolines(Offered()), wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	return &guest{t, module, s}
}

// trampolines writes the module: https://webassembly.github.io/spec/core/binary/modules.html
func trampolines(functions []Function) []byte {
	leb := func(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }
	vec := func(items [][]byte) []byte { return append(leb(len(items)), slices.Concat(items...)...) }
	text := func(s string) []byte { return append(leb(len(s)), s...) }
	var types, imports, indices, exports, bodies [][]byte
	for i, f := range functions {
		types = append(types, slices.Concat([]byte{0x60}, leb(len(f.Params)), f.Params, leb(len(f.Results)), f.Results))
		imports = append(imports, slices.Concat(text(f.Module), text(f.Name), []byte{0}, leb(i)))
		indices = append(indices, leb(i))
		exports = append(exports, slices.Concat(text(f.Name), []byte{0}, leb(len(functions)+i)))
		body := []byte{0}
		for p := range f.Params {
			body = append(append(body, 0x20), leb(p)...)
		}
		body = slices.Concat(body, []byte{0x10}, leb(i), []byte{0x0b})
		bodies = append(bodies, append(leb(len(body)), body...))
	}
	exports = append(exports, append(text("memory"), 2, 0))
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {2, imports}, {3, indices}, {5, [][]byte{{0, 1}}}, {7, exports}, {10, bodies}} {
		content := vec(s.items)
		out = slices.Concat(out, []byte{s.id}, leb(len(content)), content)
	}
	return out
}

// try calls a function.
func (g *guest) try(name string, params ...uint64) (uint64, error) {
	g.t.Helper()
	results, err := g.module.ExportedFunction(name).Call(g.session.Context(context.Background()), params...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// call calls a function that must return.
func (g *guest) call(name string, params ...uint64) uint64 {
	g.t.Helper()
	got, err := g.try(name, params...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", name, params, err)
	}
	return got
}

// returns calls a function and compares its result.
func (g *guest) returns(want uint64, name string, params ...uint64) {
	g.t.Helper()
	if got := g.call(name, params...); got != want {
		g.t.Errorf("%s%v = %d, want %d", name, params, got, want)
	}
}

func (g *guest) put(at uint32, b []byte) {
	g.t.Helper()
	if !g.module.Memory().Write(at, b) {
		g.t.Fatal("outside of the memory")
	}
}

func (g *guest) get(at, n uint32) []byte {
	g.t.Helper()
	b, ok := g.module.Memory().Read(at, n)
	if !ok {
		g.t.Fatal("outside of the memory")
	}
	return slices.Clone(b)
}

// put32 writes consecutive numbers.
func (g *guest) put32(at uint32, numbers ...uint32) {
	for _, n := range numbers {
		g.put(at, binary.LittleEndian.AppendUint32(nil, n))
		at += 4
	}
}

func (g *guest) get32(at uint32) uint32 { return binary.LittleEndian.Uint32(g.get(at, 4)) }
func (g *guest) get64(at uint32) uint64 { return binary.LittleEndian.Uint64(g.get(at, 8)) }

const end = 64 << 10 // of the memory
