// Package rewrite makes core WebAssembly modules ready for the sandbox, before they are compiled:
//
//   - It counts fuel, which is about one unit an instruction, so that no guest runs for long without the host being asked:
//     at the head of loops, where functions begin that call others or are long, and before operations on ranges of memory
//     and tables, which cost what they are long.
//   - It exports the mutable globals and takes out the start function, the active data and the maximum of the memory, so
//     that an instance can be put back to an earlier state from outside.
//   - It bounds what a module makes the host hold: tables, variables, counts of parts, custom sections.
//
// # Yields
//
// A guest whose fuel is below zero calls a function that the package adds. It asks for as much memory as makes 4 GiB, which
// wazero passes to the instance's experimental.LinearMemory as Reallocate(1<<32), on the goroutine of the call. The host does
// there what it wants: it sets the fuel to a value of at least zero and answers nil, which lets the guest go on, or it panics,
// which ends the call. So a module must run with a LinearMemory that has a limit below 4 GiB, else it would grow when its
// fuel is spent. A guest's own memory.grow may ask for 4 GiB as well; its fuel is at least zero then.
//
// # Safety
//
// What is added comes after all that the module has, and the module is held to what it has itself: wherever it names a
// type, a function, a global or a variable, one that was added is refused, as it would have been in the module as it came.
// All other rules of WebAssembly are left to the compiler of the result: a module that it would have refused is refused
// here or there.
package rewrite

// Module is a module made ready for the sandbox.
type Module struct {
	// Wasm is what is compiled.
	Wasm []byte

	// Globals are the mutable globals that the module has itself, by index. The fuel is none of them.
	Globals []Global

	// Fuel is the name under which the fuel is exported, a mutable i32 that counts down. It begins with 0; what the host
	// sets must be at least 0. It can be a little below zero at any time, also when a call has ended.
	Fuel string

	// Start is the name under which the start function is exported, () -> (), which nobody calls unless the host does;
	// "" = there is none. It may be an import.
	Start string

	// Data is what has to be in the memory before Start, in this order. It may lie outside of the memory, which is a trap.
	// The bytes are views of Rewrite's input. It is empty when the segments are still in Wasm, because the module names
	// them in its code or their places are not plain numbers.
	Data []Segment

	// MemoryMin is how many pages of 64 KiB the memory begins with. MemoryMax, if HasMax, is how many the module says that
	// it can have; in Wasm it says nothing about that.
	MemoryMin, MemoryMax uint32
	HasMax               bool

	// Obstacles say, for operators, why an instance cannot be put back to an earlier state from outside, by its memory and
	// its globals; none = it can.
	Obstacles []string

	// Functions and Loops count what the module has itself, imports left out.
	Functions, Loops int
}

// Global is a mutable global, exported under Name.
type Global struct {
	Name  string
	Index uint32
	Type  byte // as in the binary format: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64; others are an obstacle
}

// Segment is bytes that are copied to Offset of the memory.
type Segment struct {
	Offset uint32
	Bytes  []byte
}

// Error is a module that is refused.
type Error struct {
	Part   string // of the module: module, imports, memory, exports
	Reason string // in words for the module's author
}

func (e *Error) Error() string { return e.Part + ": " + e.Reason }

// Rewrite makes a module ready. It does not change wasm; the error is an *Error.
func Rewrite(wasm []byte) (*Module, error) {
	return rewrite(wasm, options{})
}

// options change what is added, for measuring what it costs.
type options struct {
	unmetered bool // no fuel is counted
}

// rewrite reads a module section by section, edits its functions on the way, and writes it anew.
func rewrite(wasm []byte, o options) (*Module, error) {
	s, names, err := split(wasm)
	if err != nil {
		return nil, err
	}
	m := &module{options: o, start: -1, dataCount: -1, declared: make(map[uint32]bool)}
	for _, id := range order {
		r := reader{b: s[id]}
		if s[id] != nil {
			m.read(id, &r)
			r.end()
		}
		if r.err != nil {
			return nil, sectionError(id, r.err)
		}
	}
	if err := m.whole(); err != nil {
		return nil, err
	}
	return m.write(wasm, s, names), nil
}
