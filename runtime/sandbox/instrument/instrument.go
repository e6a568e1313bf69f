// Package instrument adds fuel metering and a write barrier for dirty tracking to core WebAssembly
// modules, before they are compiled for the sandbox:
//
//   - It counts fuel, about one unit per instruction, so that no guest runs long without yielding
//     to the host. It charges at the head of loops, at the beginning of functions that call others
//     or are long, and before operations on ranges of memory and tables, by their length.
//   - It counts the size of stack frames, so that no guest fills a stack without yielding.
//   - It marks the granules of memory that are written, so that only those need to be restored.
//   - It exports the mutable globals, and removes the start function, the active data and the
//     maximum of the memory, so that an instance can be restored to an earlier state from outside.
//   - It limits the host memory that a module makes wazero use: tables, variables, counts of parts,
//     custom sections.
//
// # Yields
//
// A guest with a counter below zero calls a function that this package adds. That function asks for
// enough memory to make 4 GiB. wazero passes this to the instance's experimental.LinearMemory as
// Reallocate(1<<32), on the goroutine of the call. There the host runs its checks. To let the guest
// continue, it sets both counters to at least zero and returns nil. To end the call, it panics. So
// a module must run with a LinearMemory that has a limit below 4 GiB; otherwise it would grow when
// its fuel is spent. A guest's own memory.grow may ask for 4 GiB as well, but then its counters are
// at least zero.
//
// # Stack frames
//
// Only the compiler knows the size of a stack frame. So the maximum is assumed: 16 bytes for each
// value that is ever made in the function. If that may be large in proportion to the minimum fuel
// of a call, the values are counted when the function begins. So between two yields, a stack grows
// by at most the values that the granted fuel and the granted frame counter stand for, and one
// frame. At a yield, the host checks the stack. Functions without calls are not counted, since only
// one of their frames exists at a time.
//
// # Dirty tracking
//
// With [Options.Granule], the module's memory is moved up by [Base] bytes. Base is added to each
// address in its code, so that the module cannot address the first Base bytes. They hold the marks,
// one byte for each granule of the memory. A mark is not zero if something was written to the
// granule, or to the first [Beyond] bytes after it. Every write is followed by an instruction that
// marks its granule. If several writes of a basic block are near the same local variable, one mark
// at the end of the block, or before the next call, covers them all. So the marks are complete when
// a function that the host has called returns. They lack at most [MaxUnmarked] granules while the
// guest yields or calls the host. After a trap or a panic they are meaningless.
//
// The host has to do the same: it adds Base to the module's addresses and marks the granules that
// it writes.
//
// # Safety
//
// Additions come after everything that the module itself has, and the module is restricted to its
// own parts: an index of an added type, function, global or variable in its code is rejected, as it
// would be in the original module. All other rules of WebAssembly are left to the compiler: an
// invalid module is rejected either here or there.
package instrument

// Module is an instrumented module.
type Module struct {
	// Wasm is the binary to compile.
	Wasm []byte

	// Globals are the module's own mutable globals, by index, without the added counters.
	Globals []Global

	// Fuel is the name of the exported fuel counter, a mutable i32 that counts down. It begins with
	// 0. The host must set it to at least 0. It can be slightly below zero at any time, even after
	// a call.
	Fuel string

	// Frames is the name of the other counter, for the values in stack frames. It begins with 0 and
	// stays above -1<<21.
	Frames string

	// Start is the name under which the start function is exported, () -> (); "" = there is none.
	// Only the host calls it. It may be an import.
	Start string

	// Data must be written to the memory before Start is called, in this order. Data outside of the
	// memory is a trap. Data is empty if the segments are still in Wasm, because the module's code
	// names them or their offsets are not plain numbers.
	Data []Segment

	// Base is the address of the module's memory within that of Wasm: the constant Base with dirty
	// tracking, otherwise 0.
	Base uint32

	// MemoryMin is the initial size of the module's memory in pages of 64 KiB. With dirty tracking,
	// the memory of Wasm has one page more. MemoryMax, if HasMax, is the maximum that the module
	// declares. Wasm declares none.
	MemoryMin, MemoryMax uint32
	HasMax               bool

	// Obstacles are the reasons, for operators, why an instance cannot be restored to an earlier
	// state from outside, by its memory and its globals. It is empty if it can.
	Obstacles []string

	// EngineBytes is about how many bytes of host memory wazero uses for an instance because of the
	// module's tables, at their maximum if they can grow, elements and globals.
	EngineBytes uint64

	// Work is the estimated work of compiling Wasm, and Bound its limit: a module with more work is
	// rejected.
	Work, Bound Work

	// Functions and Loops count the module's own ones, without imports.
	Functions, Loops int
}

// Global is a mutable global, exported under Name.
type Global struct {
	Name  string
	Index uint32
	// as in the binary format: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64; other types are an obstacle
	Type byte
}

// Segment describes Size bytes at From in Instrument's input that are copied to Offset in the
// memory.
type Segment struct{ Offset, From, Size uint32 }

// Of returns the segment's bytes, a view of Instrument's input.
func (s Segment) Of(wasm []byte) []byte { return wasm[s.From : s.From+s.Size : s.From+s.Size] }

// Error reports a module that is rejected.
type Error struct {
	Part   string // of the module: module, imports, memory, exports
	Reason string // in words for the module's author
}

func (e *Error) Error() string { return e.Part + ": " + e.Reason }

// Options configure Instrument.
type Options struct {
	// Granule is the binary logarithm of the bytes that a mark covers, see the function of that
	// name; 0 = no dirty tracking. A module with Obstacles has no dirty tracking either.
	Granule uint8

	unmetered bool // counts no fuel, to measure the cost of counting
}

// Instrument instruments a module: it reads the module section by section, edits its functions, and
// encodes it again. It does not change wasm. The error is an *Error.
func Instrument(wasm []byte, o Options) (*Module, error) {
	s, names, data, err := split(wasm)
	if err != nil {
		return nil, err
	}
	m := newModule(o, s, names)
	for _, id := range order {
		r := reader{b: s[id]}
		if id == sectionData { // read in place, since segments refer to offsets in wasm
			r = reader{b: wasm[:data+len(s[id])], i: data}
		}
		if s[id] != nil {
			m.read(id, &r)
			r.end()
		}
		if r.err != nil {
			return nil, sectionError(id, r.err)
		}
	}
	if err := m.validate(); err != nil {
		return nil, err
	}
	if m.tracksWrites() && len(m.obstacles()) > 0 {
		o.Granule = 0
		return Instrument(wasm, o)
	}
	return m.write(wasm, s, names), nil
}
