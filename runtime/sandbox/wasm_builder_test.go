package sandbox

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/flowtrux/edge/nodes/abi"
)

// This file builds modules byte by byte, including ones that no compiler would emit. The format is
// specified in https://webassembly.github.io/spec/core/binary/modules.html

// guest describes a module to build.
type guest struct {
	imports  []imported
	funcs    []function
	tables   [][]byte
	memory   []byte // limits; nil = none
	globals  int    // mutable i32, beginning with 0
	start    int    // index of the start function + 1; 0 = none
	elements []byte // raw section
	data     string // lies at dataAt
	custom   []byte // raw custom section, name included
}

type imported struct {
	module, name string
	params       []byte
	results      []byte
	other        []byte // description of an import that is no function
}

// function is exported under its name, unless that is empty.
type function struct {
	name            string
	params, results []byte
	locals          []byte // raw; nil = none
	body            []byte // without the end
}

const (
	tI32   = 0x7f
	tI64   = 0x7e
	dataAt = 16
	bufAt  = 4096 // where alloc puts the input
)

var none []byte

func types(t ...byte) []byte { return t }

func leb(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func sleb(v int64) (out []byte) {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

func vec(items ...[]byte) []byte { return append(leb(uint64(len(items))), slices.Concat(items...)...) }
func text(s string) []byte       { return append(leb(uint64(len(s))), s...) }
func section(id byte, content []byte) []byte {
	return slices.Concat([]byte{id}, leb(uint64(len(content))), content)
}

// Instructions.
func i32c(v int32) []byte { return append([]byte{0x41}, sleb(int64(v))...) }

func i64c(v uint64) []byte { return append([]byte{0x42}, sleb(int64(v))...) }

func call(f int) []byte { return append([]byte{0x10}, leb(uint64(f))...) }

func local(n int) []byte { return append([]byte{0x20}, leb(uint64(n))...) }

func getGlobal(n int) []byte { return append([]byte{0x23}, leb(uint64(n))...) }

func setGlobal(n int) []byte                       { return append([]byte{0x24}, leb(uint64(n))...) }
func code(parts ...[]byte) []byte                  { return slices.Concat(parts...) }
func returnPacked(k abi.Kind, at, n uint32) []byte { return i64c(abi.Pack(k, at, n)) }

var (
	unreachable = []byte{0x00}
	drop        = []byte{0x1a}
	add         = []byte{0x6a}
	grow        = []byte{0x40, 0x00}
	load8       = []byte{0x2d, 0x00, 0x00}
	store8      = []byte{0x3a, 0x00, 0x00}
	store32     = []byte{0x36, 0x02, 0x00}
	forever     = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b} // loop br 0 end
)

// tableGrow returns the former size of table 0, or -1.
func tableGrow(n int32) []byte { return code([]byte{0xd0, 0x70}, i32c(n), []byte{0xfc, 0x0f, 0x00}) }

func (g guest) bytes() []byte {
	var typeSec, importSec, funcSec, exportSec, codeSec, globalSec [][]byte
	typ := func(params, results []byte) []byte {
		typeSec = append(typeSec, slices.Concat([]byte{0x60}, leb(uint64(len(params))), params, leb(uint64(len(results))), results))
		return leb(uint64(len(typeSec) - 1))
	}
	first := 0
	for _, i := range g.imports {
		desc := i.other
		if desc == nil {
			desc = append([]byte{0x00}, typ(i.params, i.results)...)
			first++
		}
		importSec = append(importSec, slices.Concat(text(i.module), text(i.name), desc))
	}
	for n, f := range g.funcs {
		funcSec = append(funcSec, typ(f.params, f.results))
		if f.name != "" {
			exportSec = append(exportSec, slices.Concat(text(f.name), []byte{0x00}, leb(uint64(first+n))))
		}
		locals := f.locals
		if locals == nil {
			locals = []byte{0}
		}
		body := slices.Concat(locals, f.body, []byte{0x0b})
		codeSec = append(codeSec, append(leb(uint64(len(body))), body...))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	put := func(id byte, items [][]byte) {
		if len(items) > 0 {
			out = append(out, section(id, vec(items...))...)
		}
	}
	put(1, typeSec)
	put(2, importSec)
	put(3, funcSec)
	put(4, g.tables)
	if g.memory != nil {
		put(5, [][]byte{g.memory})
		exportSec = append(exportSec, append(text("memory"), 0x02, 0x00))
	}
	for range g.globals {
		globalSec = append(globalSec, []byte{tI32, 0x01, 0x41, 0x00, 0x0b})
	}
	put(6, globalSec)
	put(7, exportSec)
	if g.start > 0 {
		out = append(out, section(8, leb(uint64(first+g.start-1)))...)
	}
	if g.elements != nil {
		out = append(out, section(9, g.elements)...)
	}
	put(10, codeSec)
	if g.data != "" {
		put(11, [][]byte{slices.Concat([]byte{0x00}, i32c(dataAt), []byte{0x0b}, text(g.data))})
	}
	if g.custom != nil {
		out = append(out, section(0, g.custom)...)
	}
	return out
}

func alloc(body ...[]byte) function {
	return function{"alloc", types(tI32), types(tI32), nil, code(body...)}
}

func run(body ...[]byte) function {
	return function{"run", types(tI32, tI32), types(tI64), nil, code(body...)}
}

func describe(body ...[]byte) function {
	return function{"describe", none, types(tI64), nil, code(body...)}
}

func void(name string, body ...[]byte) function {
	return function{name, none, none, nil, code(body...)}
}

// node is a module of one page of memory that runs body.
func node(body ...[]byte) guest {
	return guest{memory: []byte{0, 1}, funcs: []function{alloc(i32c(bufAt)), run(body...)}}
}

// says is a node that returns payload.
func says(k abi.Kind, payload string) guest {
	g := node(returnPacked(k, dataAt, uint32(len(payload))))
	g.data = payload
	return g
}

// manifested is a node that returns 1 and describes itself with manifest.
func manifested(manifest string) guest {
	g := node(returnPacked(abi.Output, dataAt, 1))
	g.data = "1" + manifest
	g.funcs = append(g.funcs, describe(returnPacked(abi.Output, dataAt+1, uint32(len(manifest)))))
	return g
}

func asking(capabilities string) string {
	return fmt.Sprintf(`{"abi":1,"type":"test","version":"1.0.0","capabilities":[%s]}`, capabilities)
}

// importing adds an import before g's functions, which becomes function 0.
func (g guest) importing(module, name string, params, results []byte) guest {
	g.imports = append(g.imports, imported{module: module, name: name, params: params, results: results})
	return g
}

func (g guest) with(f ...function) guest {
	g.funcs = slices.Concat(g.funcs, f)
	return g
}
