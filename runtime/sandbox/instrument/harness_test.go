package instrument

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/runtime/hostapi"
)

// slice is the fuel that a test's host grants at a time.
const slice = 10_000

// room is how many values of frames a test's host grants at a time.
const room = 1 << 17

// memory is a linear memory with a limit. Guests without fuel ask it for 4 GiB.
type memory struct {
	buf    []byte
	limit  uint64
	fuel   api.MutableGlobal // nil = the module is as it came
	frames api.MutableGlobal
	looks  int // yields because of frames
	slice  int32
	spent  int64 // up to the last yield
	yields int
	asked  func() // is called at each yield, unless it is nil
}

func (m *memory) Allocate(uint64, uint64) experimental.LinearMemory { return m }

func (m *memory) Reallocate(size uint64) []byte {
	if m.fuel != nil && size == 1<<32 && int32(m.frames.Get()) < 0 {
		m.frames.Set(room)
		m.looks++
		return nil
	}
	if m.fuel != nil && size == 1<<32 && int32(m.fuel.Get()) < 0 {
		m.yields++
		m.refill()
		if m.asked != nil {
			m.asked()
		}
		return nil
	}
	if size > m.limit {
		return nil
	}
	if grow := int(size) - len(m.buf); grow > 0 {
		m.buf = append(m.buf, make([]byte, grow)...)
	}
	return m.buf[:size]
}

func (m *memory) Free() {}

// refill records the spent part of the slice and grants the next one.
func (m *memory) refill() {
	m.spent += int64(m.slice) - int64(int32(m.fuel.Get()))
	m.fuel.Set(uint64(uint32(m.slice)))
}

// instance is a running module, original or instrumented.
type instance struct {
	api.Module
	ctx    context.Context
	memory *memory
	layout hostapi.Memory
	began  error // what its data or its start function trapped with
}

// used returns the fuel spent since the last call of used.
func (in *instance) used() int64 {
	in.memory.refill()
	defer func() { in.memory.spent = 0 }()
	return in.memory.spent
}

// memoryLimit is the memory limit of tests, in bytes.
const memoryLimit = 64 << 20

// marked are the options with dirty tracking.
var marked = Options{Granule: Granule(memoryLimit)}

// host compiles and runs modules for a test.
type host struct {
	t       testing.TB
	runtime wazero.Runtime
}

func newHost(t testing.TB, c wazero.RuntimeConfig) *host {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), c)
	t.Cleanup(func() { r.Close(context.Background()) })
	if err := hostapi.Instantiate(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return &host{t, r}
}

// run makes an instance without grants, with the clock and random bytes of a start.
func (h *host) run(code wazero.CompiledModule, limit uint64, layout hostapi.Memory) (*instance, error) {
	in := &instance{memory: &memory{limit: limit + uint64(layout.Base), slice: slice}, layout: layout}
	in.ctx = (&hostapi.Session{Memory: layout}).Context(h.t.Context())
	c := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	m, err := h.runtime.InstantiateModule(experimental.WithMemoryAllocator(in.ctx, in.memory), code, c)
	if err != nil {
		return nil, err
	}
	in.Module = m
	h.t.Cleanup(func() { m.Close(context.Background()) })
	return in, nil
}

// original runs an original module.
func (h *host) original(wasm []byte) (*instance, error) {
	code, err := h.runtime.CompileModule(h.t.Context(), wasm)
	if err != nil {
		return nil, err
	}
	return h.run(code, memoryLimit, hostapi.Memory{})
}

// instrumented runs m as a host does: it writes the data and calls the start function.
func (h *host) instrumented(wasm []byte, m *Module) *instance {
	h.t.Helper()
	code, err := h.runtime.CompileModule(h.t.Context(), m.Wasm)
	if err != nil {
		h.t.Fatalf("the compiler refuses what was instrumented: %v", err)
	}
	limit := uint64(memoryLimit)
	if m.HasMax {
		limit = min(limit, uint64(m.MemoryMax)<<16)
	}
	in, err := h.run(code, limit, hostapi.Memory{Base: m.Base, Granule: marked.Granule})
	if err != nil {
		h.t.Fatal(err)
	}
	in.memory.fuel = in.ExportedGlobal(m.Fuel).(api.MutableGlobal)
	in.memory.fuel.Set(slice)
	in.memory.frames = in.ExportedGlobal(m.Frames).(api.MutableGlobal)
	in.memory.frames.Set(room)
	for _, s := range m.Data {
		if !in.layout.Write(in, s.Offset, s.Of(wasm)) {
			in.began = errors.New("wasm error: out of bounds memory access")
			return in
		}
	}
	if m.Start != "" {
		_, in.began = in.ExportedFunction(m.Start).Call(in.ctx)
	}
	return in
}

// own returns the module's own part of the memory.
func (in *instance) own() []byte { return in.memory.buf[in.layout.Base:] }

// call returns a function's results and the first line of its error, so that two runs can be
// compared.
func (in *instance) call(name string, args ...uint64) string {
	results, err := in.ExportedFunction(name).Call(in.ctx, args...)
	if err != nil {
		return trap(err)
	}
	return fmt.Sprint(results)
}

func trap(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// alloc copies an input into a node's memory.
func (in *instance) alloc(input []byte) uint64 {
	results, err := in.ExportedFunction("alloc").Call(in.ctx, uint64(len(input)))
	if err != nil || !in.layout.Write(in, uint32(results[0]), input) {
		panic(fmt.Sprint("alloc: ", err))
	}
	return results[0]
}

// node calls a node's run with an input and returns its kind, label and output.
func (in *instance) node(input []byte) string {
	results, err := in.ExportedFunction("run").Call(in.ctx, in.alloc(input), uint64(len(input)))
	if err != nil {
		return trap(err)
	}
	output, _ := in.layout.Read(in, uint32(results[0]>>32), uint32(results[0])&0xffffff)
	return fmt.Sprintf("%#x %s", results[0], output)
}
