package instrument

import "slices"

// This file builds modules byte by byte, including ones that no compiler would emit.

// guest describes a module to build. Its parts are as in the binary format, without counts and
// sizes.
type guest struct {
	types, imports   [][]byte
	functions        []fn
	tables, memories [][]byte
	globals, exports [][]byte
	start            []byte
	elements         [][]byte
	announced        []byte // of data segments
	data             [][]byte
	custom           []byte          // whole sections, at the end
	before           []byte          // whole sections, at the beginning
	raw              map[byte][]byte // sections that are as given
}

// fn is a function. Its body has no end instruction.
type fn struct {
	kind   byte   // index of its type
	name   string // under which it is exported, unless it is empty
	locals []byte // groups with their count; nil = none
	body   []byte
}

const (
	i32 = kindI32
	i64 = kindI64
	f32 = kindF32
	f64 = kindF64
)

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }
func by(b ...byte) []byte        { return b }
func u(v uint32) []byte          { return appendU32(nil, v) }
func text(s string) []byte       { return appendSized(nil, []byte(s)) }
func vec(items ...[]byte) []byte { return append(u(uint32(len(items))), cat(items...)...) }
func sec(id byte, content ...[]byte) []byte {
	return appendSized([]byte{id}, cat(content...))
}

func ft(params, results []byte) []byte {
	return cat(by(formFunction), appendSized(nil, params), appendSized(nil, results))
}
func ci(v int32) []byte   { return appendS32(by(opI32Const), v) }
func get(l uint32) []byte { return cat(by(opLocalGet), u(l)) }
func set(l uint32) []byte { return cat(by(opLocalSet), u(l)) }
func globalOf(kind, mutable byte, init []byte) []byte {
	return cat(by(kind, mutable), init, by(opEnd))
}

func export(name string, kind byte, index uint32) []byte { return cat(text(name), by(kind), u(index)) }

func active(offset int32, content string) []byte {
	return cat(by(0), ci(offset), by(opEnd), text(content))
}

// page is a memory of one page.
var page = [][]byte{{0, 1}}

// one is a module of one function () -> () with a memory, which runs body.
func one(body ...[]byte) guest {
	return guest{types: [][]byte{ft(nil, nil)}, memories: page, functions: []fn{{name: "run", body: cat(body...)}}}
}

// unary is a module of one function i32 -> i32.
func unary(locals []byte, body ...[]byte) guest {
	return guest{
		types: [][]byte{ft(by(i32), by(i32))}, memories: page,
		functions: []fn{{name: "run", locals: locals, body: cat(body...)}},
	}
}

func (g guest) bytes() []byte {
	exports := slices.Clone(g.exports)
	var kinds, bodies [][]byte
	for i, f := range g.functions {
		if f.name != "" {
			exports = append(exports, export(f.name, exportFunction, uint32(len(g.imports)+i)))
		}
		kinds = append(kinds, u(uint32(f.kind)))
		locals := f.locals
		if locals == nil {
			locals = by(0)
		}
		bodies = append(bodies, appendSized(nil, cat(locals, f.body, by(opEnd))))
	}
	out := cat([]byte(header), g.before)
	put := func(id byte, items [][]byte) {
		if raw, ok := g.raw[id]; ok {
			out = append(out, sec(id, raw)...)
		} else if len(items) > 0 {
			out = append(out, sec(id, vec(items...))...)
		}
	}
	put(sectionType, g.types)
	put(sectionImport, g.imports)
	put(sectionFunction, kinds)
	put(sectionTable, g.tables)
	put(sectionMemory, g.memories)
	put(sectionGlobal, g.globals)
	put(sectionExport, exports)
	if g.start != nil {
		out = append(out, sec(sectionStart, g.start)...)
	}
	put(sectionElement, g.elements)
	if g.announced != nil {
		out = append(out, sec(sectionDataCount, g.announced)...)
	}
	put(sectionCode, bodies)
	put(sectionData, g.data)
	return append(out, g.custom...)
}
