// Package instrument makes core WebAssembly modules ready for the sandbox, before they are
// compiled:
//
//   - It counts fuel, which is about one unit an instruction, so that no guest runs for long
//     without the host being asked: at the head of loops, where functions begin that call others or
//     are long, and before operations on ranges of memory and tables, which cost what they are
//     long.
//   - It counts what frames on the stack may take, so that no guest fills a stack without the host
//     being asked.
//   - It marks what is written to memory, so that only that has to be put back.
//   - It exports the mutable globals and takes out the start function, the active data and the
//     maximum of the memory, so that an instance can be put back to an earlier state from outside.
//   - It bounds what a module makes the host hold: tables, variables, counts of parts, custom
//     sections.
//
// # Yields
//
// A guest of which a counter is below zero calls a function that the package adds. It asks for as
// much memory as makes 4 GiB, which wazero passes to the instance's experimental.LinearMemory as
// Reallocate(1<<32), on the goroutine of the call. The host does there what it wants: it sets both
// counters to a value of at least zero and answers nil, which lets the guest go on, or it panics,
// which ends the call. So a module must run with a LinearMemory that has a limit below 4 GiB, else
// it would grow when its fuel is spent. A guest's own memory.grow may ask for 4 GiB as well; its
// counters are at least zero then.
//
// # Frames
//
// How large a frame on the stack is only the compiler knows, so it is assumed at its largest: a
// place of 16 bytes for each value that is ever made in the function. Where that may be much for
// the fuel that a call of the function costs at least, its values are counted when it begins. So
// between two yields a stack grows by no more than what was dealt of both counters stands for, and
// one frame. It is for the host to look at the stack then. Functions that call none are not
// counted: there is one frame of them at a time.
//
// # Marks
//
// With [Options.Granule] the module's memory is moved up by [Base] bytes: each address in its code
// has that added, so that there is none by which the module can name the first Base bytes. There
// lie the marks: one byte for each granule of its memory, which is not zero when something was
// written to the granule, or to the first [Beyond] bytes after it. Every instruction that writes is
// followed by one that marks; where several write near to one local variable, one mark at the end
// of that piece of code, or before the next call, does for all. So marks are whole when a function
// has returned that the host has called, lack no more than [Unmarked] granules while it yields or
// calls the host, and mean nothing after a trap or a panic.
//
// The host has to do the same: it adds Base to what the module says is an address, and marks what
// it writes.
//
// # Safety
//
// What is added comes after all that the module has, and the module is held to what it has itself:
// wherever it names a type, a function, a global or a variable, one that was added is refused, as
// it would have been in the module as it came. All other rules of WebAssembly are left to the
// compiler of the result: a module that it would have refused is refused here or there.
package instrument

// Module is a module made ready for the sandbox.
type Module struct {
	// Wasm is what is compiled.
	Wasm []byte

	// Globals are the mutable globals that the module has itself, by index. The counters are none
	// of them.
	Globals []Global

	// Fuel is the name under which the fuel is exported, a mutable i32 that counts down. It begins
	// with 0; what the host sets must be at least 0. It can be a little below zero at any time,
	// also when a call has ended.
	Fuel string

	// Frames is the name of the other counter, that of what frames on the stack take, in values. It
	// begins with 0, and stays above -1<<21.
	Frames string

	// Start is the name under which the start function is exported, () -> (), which nobody calls
	// unless the host does; "" = there is none. It may be an import.
	Start string

	// Data is what has to be in the memory before Start, in this order. It may lie outside of the
	// memory, which is a trap. It is empty when the segments are still in Wasm, because the module
	// names them in its code or their places are not plain numbers.
	Data []Segment

	// Base is where the module's memory begins in that of Wasm: the constant of that name if there
	// are marks, else 0.
	Base uint32

	// MemoryMin is how many pages of 64 KiB the module's memory begins with, which are one less
	// than those of Wasm when it has marks. MemoryMax, if HasMax, is how many the module says that
	// it can have; in Wasm it says nothing about that.
	MemoryMin, MemoryMax uint32
	HasMax               bool

	// Obstacles say, for operators, why an instance cannot be put back to an earlier state from
	// outside, by its memory and its globals; none = it can.
	Obstacles []string

	// Held is about how many bytes the engine takes of the host's memory for an instance because of
	// what the module has: tables, at their largest if they can grow, elements, globals.
	EngineBytes uint64

	// Work is what compiling Wasm takes, and Bound what it may: a module that takes more is
	// refused.
	Work, Bound Work

	// Functions and Loops count what the module has itself, imports left out.
	Functions, Loops int
}

// Global is a mutable global, exported under Name.
type Global struct {
	Name  string
	Index uint32
	// as in the binary format: 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64; others are an obstacle
	Type byte
}

// Segment is bytes of Instrument's input, Size from From, that are copied to Offset of the memory.
type Segment struct{ Offset, From, Size uint32 }

// Of returns the segment's bytes, a view of Instrument's input.
func (s Segment) Of(wasm []byte) []byte { return wasm[s.From : s.From+s.Size : s.From+s.Size] }

// Error is a module that is refused.
type Error struct {
	Part   string // of the module: module, imports, memory, exports
	Reason string // in words for the module's author
}

func (e *Error) Error() string { return e.Part + ": " + e.Reason }

// Options say what is added to a module.
type Options struct {
	// Granule is the binary logarithm of the bytes that a mark is for, see the function of that
	// name; 0 = no marks. A module that has Obstacles gets none.
	Granule uint8

	unmetered bool // no fuel is counted, for measuring what that costs
}

// Instrument makes a module ready: it reads it section by section, edits its functions on the way,
// and writes it anew. It does not change wasm; the error is an *Error.
func Instrument(wasm []byte, o Options) (*Module, error) {
	s, names, data, err := split(wasm)
	if err != nil {
		return nil, err
	}
	m := newModule(o, s, names)
	for _, id := range order {
		r := reader{b: s[id]}
		if id == sectionData { // of which places are kept, so it is read where it is
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
