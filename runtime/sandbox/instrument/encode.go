package instrument

import "strconv"

// Kinds of exports.
const (
	exportFunction = 0
	exportGlobal   = 3
)

// addedMutableGlobals is the number of added mutable globals.
const addedMutableGlobals = 2

// fuel and frames are the indices of the added globals, yield that of the added function.
func (m *module) fuel() uint32   { return size(len(m.globals)) }
func (m *module) frames() uint32 { return m.fuel() + 1 }
func (m *module) yield() uint32  { return size(len(m.functions)) }

// markRangeFunc is the index of the function that marks a range. It is added with dirty tracking.
func (m *module) markRangeFunc() uint32 { return m.yield() + 1 }

// write encodes the module, with additions at the end of each section.
func (m *module) write(wasm []byte, s sections, names []byte) *Module {
	out := &Module{
		Fuel:      Reserved + "fuel",
		Frames:    Reserved + "frames",
		MemoryMin: m.memory.min, MemoryMax: m.memory.max, HasMax: m.memory.bounded,
		Obstacles: m.obstacles(),
		Functions: m.bodyCount, Loops: m.loops, EngineBytes: m.engineBytes(), Work: m.work, Bound: m.bound,
	}
	var added exports
	for i, g := range m.globals {
		if g.mutable {
			name := Reserved + "g" + strconv.Itoa(i)
			out.Globals = append(out.Globals, Global{name, size(i), g.kind})
			added.add(name, exportGlobal, size(i))
		}
	}
	added.add(out.Fuel, exportGlobal, m.fuel())
	added.add(out.Frames, exportGlobal, m.frames())
	if m.start >= 0 {
		out.Start = Reserved + "start"
		added.add(out.Start, exportFunction, size(m.start))
		s[sectionStart] = nil
	}
	if !m.found[placesData] && !m.found[namesData] {
		out.Data = m.data.segments
		s[sectionData], s[sectionDataCount] = nil, nil
	}
	functions, more := size(1), yieldBody
	s[sectionType] = appendItems(s[sectionType], 2, formFunction, 0, 0, formFunction, 2, kindI32, kindI32, 0)
	kinds := appendU32(nil, size(len(m.types)))
	if m.tracksWrites() {
		out.Base = Base
		m.memory.min = min(m.memory.min+1, maxPages)
		functions, more = 2, m.appendMarkRange(yieldBody)
		kinds = appendU32(kinds, size(len(m.types)+1))
	}
	s[sectionFunction] = appendItems(s[sectionFunction], functions, kinds...)
	s[sectionTable] = m.tables
	s[sectionMemory] = appendU32([]byte{1, 0}, m.memory.min)
	globals := []byte{kindI32, 1, opI32Const, 0, opEnd, kindI32, 1, opI32Const, 0, opEnd}
	for _, f := range m.references {
		globals = append(appendU32(append(globals, kindFunc, 0, opRefFunc), f), opEnd)
	}
	s[sectionGlobal] = appendItems(s[sectionGlobal], 2+size(len(m.references)), globals...)
	s[sectionExport] = appendItems(s[sectionExport], added.count, added.items...)

	out.Wasm = append(make([]byte, 0, len(wasm)+len(m.bodies)-len(s[sectionCode])+len(added.items)+1<<10), header...)
	for _, id := range order {
		if id == sectionCode {
			number := appendU32(nil, size(m.bodyCount)+functions)
			out.Wasm = appendU32(append(out.Wasm, id), size(len(number)+len(m.bodies)+len(more)))
			out.Wasm = append(append(append(out.Wasm, number...), m.bodies...), more...)
			continue
		}
		out.Wasm = appendSection(out.Wasm, id, s[id])
	}
	out.Wasm = appendNames(out.Wasm, names, len(m.functions))
	return out
}

// exports are the added exports.
type exports struct {
	count uint32
	items []byte
}

func (e *exports) add(name string, kind byte, index uint32) {
	e.count++
	e.items = appendU32(append(appendSized(e.items, []byte(name)), kind), index)
}

// appendItems returns a section with more items at its end. A missing section has none before.
func appendItems(content []byte, count uint32, items ...byte) []byte {
	r := reader{b: content}
	if len(content) > 0 {
		count += r.u32()
	}
	out := append(make([]byte, 0, len(content)+len(items)+1), appendU32(nil, count)...)
	return append(append(out, content[r.i:]...), items...)
}

// Memory that wazero uses for parts of an instance, in bytes.
const (
	bytesPerElement   = 8   // of a table
	bytesPerReference = 64  // an element of a segment: a reference
	bytesPerGlobal    = 160 // including the host's handle of it
)

// engineBytes returns Module.EngineBytes.
func (m *module) engineBytes() uint64 {
	tables := m.tableMin
	if m.found[growsTable] { // which copies them
		tables = 2 * m.tableMax
	}
	return tables*bytesPerElement + uint64(m.elements+len(m.references))*bytesPerReference + uint64(len(m.globals)+len(m.references))*bytesPerGlobal
}
