package wasmbuild

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Types of values.
const (
	I32 = 0x7f
	I64 = 0x7e
)

// opEnd ends the code of a function.
const opEnd = 0x0b

// Types of functions that each Module has. Those of its own count from TypeOwn.
const (
	typeAlloc = iota // (i32) -> i32
	TypeRun          // (i32, i32) -> i64
	TypeOwn
)

// Where a Module's memory has its data, and what it is called with. In between there are 4 KiB.
const (
	dataAt   = 16
	inputAt  = 4096
	pageSize = 64 << 10
)

// Module is a node of few instructions, written by hand, with parts that no compiler emits. The
// format is that of https://webassembly.github.io/spec/core/binary/modules.html.
type Module struct {
	Types     []Signature
	Imports   []Import
	Functions []Function // they count from 2 behind the imports
	Run       []byte     // the code of run without its end; nil = a call without a result
	Pages     int        // of memory; 0 = 1
	Data      string     // less than 4 KiB, at the address 16
	Manifest  string     // what describe returns; "" = the module has no describe
}

// Signature is the type of a function.
type Signature struct{ Params, Results []byte }

// Import is a function that a module imports.
type Import struct {
	Module, Name string
	Type         int
}

// Function is one of a module's own.
type Function struct {
	Type   int
	Locals []byte // as in the binary format, nil = none
	Code   []byte // with its end
}

// Bytes returns the module in the binary format.
func (m *Module) Bytes() []byte {
	types := [][]byte{signature([]byte{I32}, []byte{I32}), signature([]byte{I32, I32}, []byte{I64})}
	for _, t := range m.Types {
		types = append(types, signature(t.Params, t.Results))
	}
	run := m.Run
	if run == nil {
		run = I64Const(0)
	}
	functions := append([]Function{
		{Type: typeAlloc, Code: append(I32Const(inputAt), opEnd)},
		{Type: TypeRun, Code: slices.Concat(run, []byte{opEnd})},
	}, m.Functions...)
	var imports, uses, codes [][]byte
	for _, i := range m.Imports {
		imports = append(imports, slices.Concat(text(i.Module), text(i.Name), []byte{0}, Unsigned(i.Type)))
	}
	for _, f := range functions {
		uses = append(uses, Unsigned(f.Type))
		locals := f.Locals
		if locals == nil {
			locals = []byte{0}
		}
		codes = append(codes, slices.Concat(Unsigned(len(locals)+len(f.Code)), locals, f.Code))
	}
	first := len(m.Imports)
	exports := [][]byte{
		slices.Concat(text("memory"), []byte{2, 0}),
		slices.Concat(text("alloc"), []byte{0}, Unsigned(first)), slices.Concat(text("run"), []byte{0}, Unsigned(first+1)),
	}
	pages := max(m.Pages, 1)
	data := [][]byte{slices.Concat([]byte{0}, I32Const(dataAt), []byte{opEnd}, text(m.Data))}
	if m.Manifest != "" {
		// It may be long, so it is in pages of its own.
		at := pages * pageSize
		pages += 1 + len(m.Manifest)/pageSize
		code := append(I64Const(int64(at)<<32|int64(len(m.Manifest))), opEnd)
		exports = append(exports, slices.Concat(text("describe"), []byte{0}, Unsigned(first+len(uses))))
		uses = append(uses, Unsigned(len(types)))
		types = append(types, signature(nil, []byte{I64}))
		codes = append(codes, slices.Concat(Unsigned(1+len(code)), []byte{0}, code))
		data = append(data, slices.Concat([]byte{0}, I32Const(int32(at)), []byte{opEnd}, text(m.Manifest)))
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector(types)), section(2, vector(imports)), section(3, vector(uses)),
		section(5, append([]byte{1, 0}, Unsigned(pages)...)),
		section(7, vector(exports)),
		section(10, vector(codes)),
		section(11, vector(data)))
}

// I32Const returns the instruction i32.const.
func I32Const(n int32) []byte { return signed([]byte{0x41}, int64(n)) }

// I64Const returns the instruction i64.const.
func I64Const(n int64) []byte { return signed([]byte{0x42}, n) }

// Unsigned returns a number in LEB128, as indices and counts are.
func Unsigned(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// signed appends a signed number in LEB128 to b.
func signed(b []byte, n int64) []byte {
	for ; n < -0x40 || n >= 0x40; n >>= 7 {
		b = append(b, byte(n&0x7f|0x80))
	}
	return append(b, byte(n&0x7f))
}

func signature(params, results []byte) []byte {
	return slices.Concat([]byte{0x60}, Unsigned(len(params)), params, Unsigned(len(results)), results)
}

func vector(items [][]byte) []byte { return append(Unsigned(len(items)), bytes.Join(items, nil)...) }

func section(id byte, content []byte) []byte {
	return slices.Concat([]byte{id}, Unsigned(len(content)), content)
}

func text(s string) []byte { return append(Unsigned(len(s)), s...) }
