package sandbox

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// instance is a running module. One goroutine at a time uses it.
type instance struct {
	module  api.Module
	layout  hostapi.Memory // of the guest's memory within the module's
	memory  memory
	globals []api.MutableGlobal
	allocFn guestFunction
	runFn   guestFunction // absent in a WASI command
	startFn guestFunction // of a WASI command
	stack   [3]uint64     // parameters and results of allocFn and runFn
	export  string        // the name of runFn
	calls   int           // since the last refreshFunctions
	idle    int           // eviction rounds without use; see pool.evictIdle
	lane    uint32        // of the call that uses it or has used it last; see shard
}

// instantiator makes instances of a compiled module.
type instantiator struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	module   *instrument.Module // shared, must not be changed
	wasm     []byte             // holds the data of module; nil = the snapshot has the data
	layout   hostapi.Memory
	limit    uint64 // bytes of memory
	budget   *Budget
	seed     [32]byte // of the random stream of a start
	command  bool     // the module is a WASI command: its start is its call
	// the function that runs calls; describe decides it, before the first call
	runExport string
}

// instantiate makes an instance in a region. It takes over the region and the footprint that is
// counted for it. The region's bytes become the memory. The module's start is not run.
func (c *instantiator) instantiate(r region, h footprint) (_ *instance, err error) {
	in := &instance{layout: c.layout, export: c.runExport, memory: memory{region: r, limit: uint64(c.layout.Base) + c.limit, footprint: h}}
	in.memory.meter.instance = in
	defer func() {
		if p := recover(); p != nil { // of wazero
			err = fmt.Errorf("the sandbox failed: %v", p)
		}
		if err != nil {
			in.close()
		}
	}()
	// Without a name there can be many instances. The start functions are called elsewhere, so that
	// their errors can be distinguished.
	ctx := experimental.WithMemoryAllocator(context.Background(), &in.memory)
	in.module, err = c.runtime.InstantiateModule(ctx, c.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, err
	}
	in.memory.meter.fuel = in.module.ExportedGlobal(c.module.Fuel).(api.MutableGlobal)
	in.memory.meter.frames = in.module.ExportedGlobal(c.module.Frames).(api.MutableGlobal)
	for _, g := range c.module.Globals {
		if global, ok := in.module.ExportedGlobal(g.Name).(api.MutableGlobal); ok {
			in.globals = append(in.globals, global)
		}
	}
	in.refreshFunctions()
	return in, nil
}

// start makes an instance that shares no memory, once the share has room for it, and runs the
// module's start functions. s is a session without grants, so that every start is the same and the
// instance learns nothing about the call that it is started for. failed is the part of the module
// that caused the error.
func (c *instantiator) start(ctx context.Context, s *hostapi.Session, share *Share) (in *instance, failed string, _ *Error) {
	h := c.footprint(nil)
	if _, failure := share.admit(ctx, s.Deadline, nil, h.bytes); failure != nil {
		return nil, "memory", failure
	}
	h.share = share
	r, err := newRegion(uint64(c.layout.Base) + c.limit)
	if err != nil {
		h.shrink(h.bytes)
		return nil, "memory", &Error{Code: CodeInternal, Message: "an instance cannot be made", Detail: err}
	}
	in, err = c.instantiate(r, h)
	if err != nil { // such as elements that lie outside of their table
		return nil, "start", &Error{Code: CodeTrap, Message: "the module cannot be started: " + firstLine(err), Detail: err}
	}
	for _, d := range c.module.Data {
		if !in.layout.Write(in.module, d.Offset, d.Of(c.wasm)) {
			in.close()
			return nil, "start", &Error{Code: CodeTrap, Message: "the module cannot be started: its data lies outside of its memory"}
		}
	}
	for _, name := range []string{c.module.Start, abi.ExportInitialize} {
		if name == "" {
			continue
		}
		if _, failure := in.invoke(ctx, s, name); failure != nil {
			in.close()
			return nil, "start", failure
		}
	}
	return in, "", nil
}

// startSession returns a session for a start.
func (c *instantiator) startSession() *hostapi.Session {
	return &hostapi.Session{Seed: func() [32]byte { return c.seed }}
}

// invoke calls an optional function without parameters and returns its result, or 0 if it has none.
func (in *instance) invoke(ctx context.Context, s *hostapi.Session, name string) (uint64, *Error) {
	f := in.function(name)
	if f.Function == nil {
		return 0, nil
	}
	in.memory.meter.begin(ctx, s.Deadline, 0)
	defer func() {
		in.memory.meter.end()
		in.discardStacks(f.stack.size())
	}()
	in.stack[0] = 0
	if err := in.call(in.context(ctx, s), &f); err != nil {
		return 0, in.callError(ctx, s, err)
	}
	return in.stack[0], nil
}

// context returns the context for calling the guest's functions in the session.
func (in *instance) context(ctx context.Context, s *hostapi.Session) context.Context {
	s.Memory, s.Meter = in.layout, &in.memory.meter
	return s.Context(ctx)
}

// callsPerFunctions is how many calls use the same functions. Each function has its own stack,
// which grows as needed and never shrinks, so functions with a large stack are not reused.
const callsPerFunctions = 1024

// refreshFunctions replaces the functions that calls use, and their stacks.
func (in *instance) refreshFunctions() {
	in.discardStacks(in.stacks())
	in.allocFn, in.runFn = in.function(abi.ExportAlloc), in.function(in.export)
	if in.runFn.Function == nil {
		in.startFn = in.function(abi.ExportStart)
	}
	in.calls = 0
}

// reset restores the instance to the snapshot. tracked reports whether all writes are marked.
func (in *instance) reset(snap *snapshot, tracked bool) error {
	m := &in.memory
	if !tracked || m.footprint.whole-m.footprint.snapshot > maxCopyBack ||
		!restoreDirty(in.layout, m.region.bytes(m.high), snap.bytes, &m.footprint.pages) {
		if err := in.restore(); err != nil {
			return err
		}
	}
	m.high, m.refused = uint64(len(snap.bytes)), nil
	if m.size != m.high {
		m.size = m.high
		if err := in.remap(); err != nil {
			return err
		}
	}
	for n, g := range in.globals {
		g.Set(snap.globals[n])
	}
	if in.calls++; in.calls >= callsPerFunctions || in.stacks() > maxReusedStack {
		in.refreshFunctions()
	}
	return nil
}

// restore releases all memory beyond the snapshot.
func (in *instance) restore() error {
	m := &in.memory
	if err := m.region.restore(m.footprint.whole); err != nil {
		return err
	}
	if m.footprint.heap {
		m.region.trim()
		m.size = m.footprint.snapshot
		if err := in.remap(); err != nil {
			return err
		}
	}
	m.footprint.restored()
	return nil
}

// remap sets the module's memory to the region's first size bytes. wazero accepts whatever
// Reallocate returns, even if that is less than before. remap asks it for one more page, which is
// always below the maximum.
func (in *instance) remap() error {
	m := &in.memory
	m.forced = true
	_, ok := in.module.Memory().Grow(1)
	m.forced = false
	if !ok {
		return fmt.Errorf("the memory cannot be set to %d bytes", m.size)
	}
	return nil
}

// trim releases memory that the instance holds beyond its snapshot. It is called after reset.
func (in *instance) trim() error {
	in.memory.region.trim()
	in.memory.footprint.restored()
	if h := &in.memory.footprint; h.bytes > h.fixed {
		h.shrink(h.bytes - max(h.fixed, h.required(in.stacks())))
	}
	return in.remap()
}

// close ends the instance and frees its memory.
func (in *instance) close() {
	if in.module != nil {
		// Close frees only Go memory and cannot fail.
		_ = in.module.Close(context.Background())
	}
	in.discardStacks(in.stacks())
	in.memory.footprint.budget.addGarbage(in.memory.footprint.engine)
	in.memory.region.free()
	in.memory.footprint.shrink(in.memory.footprint.bytes)
}
