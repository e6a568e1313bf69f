package instrument

import (
	"errors"
	"fmt"
)

// Limits on what a module makes the host hold besides its memory. Those of variables and values are
// those of browsers: https://webassembly.github.io/spec/js-api/#limits
const (
	maxTables   = 8
	maxTable    = 1 << 18 // elements of a table; one takes 8 bytes
	maxLocals   = 50_000  // of a function
	maxValues   = 1_000   // of a type's parameters, and of its results
	maxGlobals  = 10_000
	maxSegments = 100_000 // of data
	maxPages    = 1 << 16 // of a memory, which makes 4 GiB
)

// Reserved is the prefix of the names of exports that this package adds.
const Reserved = "\x00flowtrux."

// module is the state of a module while it is read, section by section.
type module struct {
	Options

	types     []signature
	imports   int      // of functions
	functions []uint32 // their types, those of imports first
	tables    []byte   // the new section
	memories  int
	memory    limits
	globals   []global
	start     int // index of a function; -1 = none
	dataCount int // the announced number of segments; -1 = none announced
	data      data
	bodies    []byte // the new functions, without their number
	bodyCount int    // functions in bodies
	loops     int
	function  function // the function being read
	scratch   []byte   // for the next body

	work           Work    // of the functions read so far
	bound          Work    // of the module
	largest        float64 // state of the largest function that the compiler scans for later ones
	locals         float64 // bytes that the types of all variables take
	mutableGlobals int     // including the added ones
	exports        []byte  // the section
	names          []byte  // of functions, from the custom section

	declared map[uint32]bool // functions that code may refer to
	elements int             // in all segments
	tableMin uint64          // initial elements of all tables
	tableMax uint64          // maximum elements of all tables

	references []uint32          // functions that code refers to
	numbers    map[uint32]uint32 // their indices in references

	refersToStart bool // code refers to the start function
	found         [obstacleCount]bool
}

// signature is the number of parameters and results of a function type.
type signature struct{ params, results uint16 }

type limits struct {
	min, max uint32
	bounded  bool
}

type global struct {
	kind    byte
	mutable bool
}

func newModule(o Options, s sections, names []byte) *module {
	return &module{
		Options: o, start: -1, dataCount: -1, mutableGlobals: addedMutableGlobals,
		declared: make(map[uint32]bool), numbers: make(map[uint32]uint32),
		bound: bound(s.size()), exports: s[sectionExport], names: names,
	}
}

func (m *module) read(id byte, r *reader) {
	switch id {
	case sectionType:
		r.each(func() { m.readType(r) })
	case sectionImport:
		r.each(func() { m.readImport(r) })
	case sectionFunction:
		r.each(func() { m.functions = append(m.functions, r.index("type", len(m.types))) })
	case sectionTable:
		m.readTables(r)
	case sectionMemory:
		r.each(func() { m.readMemory(r) })
	case sectionGlobal:
		r.each(func() { m.readGlobal(r) })
	case sectionExport:
		r.each(func() { m.readExport(r) })
	case sectionStart:
		m.readStart(r)
	case sectionElement:
		r.each(func() { m.readElements(r) })
	case sectionDataCount:
		m.dataCount = int(r.u32())
	case sectionCode:
		m.bodies = make([]byte, 0, 2*len(r.b)) // about the size for Go programs
		r.each(func() { m.readFunction(r) })
	case sectionData:
		ahead := *r
		m.data.segments = make([]Segment, 0, min(ahead.u32(), maxSegments, size(len(r.b)-r.i)))
		r.each(func() { m.readData(r) })
	}
}

// validate checks the consistency of sections with each other.
func (m *module) validate() error {
	own := len(m.functions) - m.imports
	switch {
	case m.memories == 0:
		return &Error{"memory", "it has none"}
	case m.bodyCount != own:
		return sectionError(sectionCode, fmt.Errorf("it has %d functions, but %d are declared", m.bodyCount, own))
	case m.dataCount >= 0 && m.dataCount != m.data.count:
		return sectionError(sectionDataCount, fmt.Errorf("it declares %d segments, but there are %d", m.dataCount, m.data.count))
	case m.refersToStart && !m.declared[uint32(m.start)]:
		return sectionError(sectionCode, errors.New("it refers to the start function, which is not declared for references"))
	}
	return m.addReferenceWork()
}
