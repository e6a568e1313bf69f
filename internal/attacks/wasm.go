package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Types that each module has; those of its own count from typeOwn.
const (
	typeAlloc = iota // (i32) -> i32
	typeRun          // (i32, i32) -> i64
	typeOwn
)

const (
	i32 = 0x7f
	i64 = 0x7e
)

// function is one of a module's own, which count from 2 behind the imports. Its code ends with an end.
type function struct {
	typ    int
	locals []byte // as in the binary format, without = none
	code   []byte
}

// imported is a function that a module imports.
type imported struct {
	module, name string
	typ          int
}

// wasm is a node of few instructions, by hand (https://webassembly.github.io/spec/core/binary/modules.html).
type wasm struct {
	types   [][2][]byte // parameters and results
	imports []imported
	funcs   []function
	run     []byte // without its end; without = a call that answers nothing
}

func (m *wasm) bytes() []byte {
	types := [][]byte{signature([]byte{i32}, []byte{i32}), signature([]byte{i32, i32}, []byte{i64})}
	for _, t := range m.types {
		types = append(types, signature(t[0], t[1]))
	}
	run := m.run
	if run == nil {
		run = []byte{0x42, 0}
	}
	funcs := append([]function{
		{typ: typeAlloc, code: append(number(mib), 0x0b)}, {typ: typeRun, code: append(slices.Clone(run), 0x0b)},
	}, m.funcs...)
	var imports, uses, codes [][]byte
	for _, i := range m.imports {
		imports = append(imports, slices.Concat(text(i.module), text(i.name), []byte{0}, unsigned(i.typ)))
	}
	for _, f := range funcs {
		uses = append(uses, unsigned(f.typ))
		locals := f.locals
		if locals == nil {
			locals = []byte{0}
		}
		codes = append(codes, slices.Concat(unsigned(len(locals)+len(f.code)), locals, f.code))
	}
	first := len(m.imports)
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector(types)), section(2, vector(imports)), section(3, vector(uses)),
		section(5, []byte{1, 0, 32}), // 2 MiB
		section(7, slices.Concat([]byte{3}, text("memory"), []byte{2, 0},
			text("alloc"), []byte{0}, unsigned(first), text("run"), []byte{0}, unsigned(first+1))),
		section(10, vector(codes)))
}

func unsigned(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func vector(items [][]byte) []byte { return append(unsigned(len(items)), bytes.Join(items, nil)...) }

func section(id byte, content []byte) []byte {
	return slices.Concat([]byte{id}, unsigned(len(content)), content)
}

func text(s string) []byte { return append(unsigned(len(s)), s...) }

func signature(params, results []byte) []byte {
	return slices.Concat([]byte{0x60}, unsigned(len(params)), params, unsigned(len(results)), results)
}

// number is i32.const.
func number(n int32) []byte {
	b := []byte{0x41}
	for ; n < -0x40 || n >= 0x40; n >>= 7 {
		b = append(b, byte(n&0x7f|0x80))
	}
	return append(b, byte(n&0x7f))
}
