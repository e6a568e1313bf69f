package instrument

import "fmt"

// Types of values, and the form of function types.
const (
	kindI32    = 0x7f
	kindI64    = 0x7e
	kindF32    = 0x7d
	kindF64    = 0x7c
	kindV128   = 0x7b
	kindFunc   = 0x70
	kindExtern = 0x6f

	formFunction = 0x60
)

// kind reads the type of a value. It rejects types of later proposals.
func (r *reader) kind() byte {
	switch b := r.byte(); {
	case b >= kindV128 && b <= kindI32, b == kindFunc, b == kindExtern:
		return b
	case r.err != nil:
	case b == 0x63 || b == 0x64:
		r.fail(unsupported("typed references"))
	case b == 0x69:
		r.fail(unsupported("exceptions"))
	default:
		r.fail(errUnknown)
	}
	return 0
}

func (m *module) readType(r *reader) {
	switch form := r.byte(); {
	case r.err != nil:
	case form >= 0x4d && form <= 0x5f:
		r.fail(unsupported("types of the garbage collection proposal"))
	case form != formFunction:
		r.fail(errUnknown)
	}
	var counts [2]uint16 // parameters, results
	for i := range counts {
		r.each(func() {
			if r.kind(); counts[i] == maxValues {
				r.failf("a function with more than %d parameters or results", maxValues)
			}
			counts[i]++
		})
	}
	m.types = append(m.types, signature{counts[0], counts[1]})
}

// importKinds are the names of import kinds. All but functions are rejected.
var importKinds = [...]string{"function", "table", "memory", "global", "tag"}

func (m *module) readImport(r *reader) {
	r.take(r.u32()) // module
	r.take(r.u32()) // name
	switch kind := r.byte(); {
	case r.err != nil:
	case kind == 0:
		m.functions = append(m.functions, r.index("type", len(m.types)))
		m.imports++
	case int(kind) < len(importKinds):
		r.failf("it imports a %s; a node has its own", importKinds[kind])
	default:
		r.fail(errUnknown)
	}
}

// readTables lowers the maximum of each table, so that table.grow returns -1 where it would bypass
// the memory limit.
func (m *module) readTables(r *reader) {
	n := r.u32()
	if n > maxTables {
		r.failf("%d tables exceed the limit of %d", n, maxTables)
		return
	}
	m.tables = appendU32(nil, n)
	for ; n > 0 && r.err == nil; n-- {
		kind := r.byte()
		switch {
		case r.err != nil:
		case kind == 0x40 || kind == 0x63 || kind == 0x64:
			r.fail(unsupported("typed references"))
		case kind != kindFunc && kind != kindExtern:
			r.fail(errUnknown)
		}
		l := r.limits()
		switch {
		case r.err != nil:
		case l.min > maxTable:
			r.failf("a table of %d elements is larger than %d", l.min, maxTable)
		case l.bounded && l.max < l.min:
			r.failf("a table of %d elements with a maximum of %d", l.min, l.max)
		case !l.bounded:
			l.max = maxTable
		}
		m.tableMin += uint64(l.min)
		m.tableMax += min(uint64(l.max), maxTable)
		m.tables = append(m.tables, kind, 1)
		m.tables = appendU32(m.tables, l.min)
		m.tables = appendU32(m.tables, min(l.max, maxTable))
	}
}

// limits reads the initial size and the maximum of a table or memory.
func (r *reader) limits() limits {
	flags := r.byte()
	switch {
	case r.err != nil:
	case flags == 2 || flags == 3:
		r.fail(unsupported("threads"))
	case flags >= 4 && flags < 8:
		r.fail(unsupported("64-bit memory"))
	case flags > 1:
		r.fail(errUnknown)
	}
	l := limits{min: r.u32(), bounded: flags == 1}
	if l.bounded {
		l.max = r.u32()
	}
	return l
}

func (m *module) readMemory(r *reader) {
	if m.memories++; m.memories > 1 {
		r.fail(unsupported("several memories"))
	}
	l := r.limits()
	switch {
	case r.err != nil:
	case l.min > maxPages || l.max > maxPages:
		r.failf("its size or its maximum exceeds %d pages", maxPages)
	case l.bounded && l.max < l.min:
		r.failf("it begins with %d pages and has a maximum of %d", l.min, l.max)
	}
	m.memory = l
}

func (m *module) readGlobal(r *reader) {
	g := global{kind: r.kind()}
	switch mutable := r.byte(); {
	case r.err != nil:
	case mutable > 1:
		r.fail(errUnknown)
	case len(m.globals) == maxGlobals:
		r.failf("there are more than %d globals", maxGlobals)
	default:
		g.mutable = mutable == 1
	}
	if g.mutable {
		m.mutableGlobals++
	}
	m.readConstant(r)
	m.globals = append(m.globals, g)
}

func (m *module) readExport(r *reader) {
	name := r.take(r.u32())
	if len(name) >= len(Reserved) && string(name[:len(Reserved)]) == Reserved {
		r.fail(fmt.Errorf("the name %q is reserved", name))
	}
	switch kind := r.byte(); {
	case r.err != nil:
	case kind == 0:
		m.declared[r.index("function", len(m.functions))] = true
	case kind == 3:
		r.index("global", len(m.globals))
	case kind < 3:
		r.u32() // index of a table or memory; none of these are added
	default:
		r.fail(errUnknown)
	}
}

func (m *module) readStart(r *reader) {
	f := r.index("function", len(m.functions))
	if r.err == nil && m.types[m.functions[f]] != (signature{}) {
		r.failf("the start function has parameters or results")
	}
	m.start = int(f)
}
