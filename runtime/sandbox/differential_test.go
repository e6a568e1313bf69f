package sandbox

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// FuzzDifferential compares generated modules in two forms: instrumented, compiled and reset after
// each call; and original, in the interpreter with a new instance for each call. Each call must
// return the same or trap in the same way, and leave the same memory. Afterwards the instance must
// be as before. A failure names the seed of the module, which is the input.
func FuzzDifferential(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := differential{t: t, r: rand.New(rand.NewPCG(seed, 1))}
		d.wasm = chanceModule(d.r).bytes()
		d.before()
		for _, way := range []Reset{ResetShared, ResetOwn} {
			if _, err := way.shares(); err == nil {
				d.after(way)
			}
		}
	})
}

// differential is a module with the expected effects of calls.
type differential struct {
	t     *testing.T
	r     *rand.Rand
	wasm  []byte
	calls []expected
}

// expected is a call with its effect in a new instance of the original module.
type expected struct {
	function string
	args     [2]uint64
	result   uint64
	trap     string
	memory   []byte
}

// before makes calls of the original module and records their effects.
func (d *differential) before() {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	compiled, err := r.CompileModule(ctx, d.wasm)
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range 8 {
		c := expected{function: string(rune('a' + i%chanceFunctions))}
		c.args = [2]uint64{uint64(d.r.IntN(0x3efff)), uint64(512*d.r.IntN(8) + d.r.IntN(20))}
		m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			d.t.Fatal(err)
		}
		results, err := m.ExportedFunction(c.function).Call(ctx, c.args[:]...)
		if err != nil {
			c.trap = firstLine(err)
		} else {
			c.result = results[0]
		}
		memory, _ := m.Memory().Read(0, m.Memory().Size())
		c.memory = bytes.Clone(memory)
		d.calls = append(d.calls, c)
		if err := m.Close(ctx); err != nil {
			d.t.Fatal(err)
		}
	}
}

// after makes the same calls in one instance that is reset in the given way.
func (d *differential) after(way Reset) {
	t, ctx := d.t, context.Background()
	h, err := New(Options{Reset: way})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(ctx)
	m, err := h.Load(ctx, ModuleConfig{Wasm: d.wasm, Limits: Limits{Memory: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	if len(m.SnapshotObstacles()) > 0 {
		t.Fatal(m.SnapshotObstacles())
	}
	s := new(hostapi.Session)
	take := func() *instance {
		in, failure := m.instances.acquire(ctx, s, h.options.Budget.own)
		if failure != nil {
			t.Fatal(failure)
		}
		return in
	}
	in := take()
	snapshot := in.state()
	for i, c := range d.calls {
		in.memory.meter.begin(ctx, s.Deadline, 0)
		results, err := in.module.ExportedFunction(c.function).Call(in.context(ctx, s),
			c.args[:]...)
		in.memory.meter.end()
		var trap string
		if err != nil {
			trap = firstLine(err)
		}
		if trap != c.trap || err == nil && results[0] != c.result {
			t.Fatalf("%v, call %d of %s: %v, %q; as it came %v, %q",
				way, i, c.function, results, trap, c.result, c.trap)
		}
		memory, _ := in.layout.Read(in.module, 0, in.module.Memory().Size()-in.layout.Base)
		if !bytes.Equal(memory, c.memory) {
			t.Fatalf("%v, call %d of %s: the memory is another one", way, i, c.function)
		}
		former := in
		m.instances.release(in, err == nil)
		if in = take(); in != former {
			t.Fatalf("%v, call %d: another instance", way, i)
		}
		in.state().differs(t, snapshot, c.function)
		beyond := in.memory.region.bytes(in.memory.limit)[len(snapshot.memory):]
		if at := bytes.IndexFunc(beyond, func(r rune) bool { return r != 0 }); at >= 0 {
			t.Fatalf("%v, call %d: byte %d beyond the memory stays", way, i, at)
		}
		if err := in.remap(); err != nil {
			t.Fatal(err)
		}
	}
	m.instances.release(in, true)
}
