package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Bounds of what a module can make the host hold besides its memory.
const (
	maxTables = 8
	maxTable  = 1 << 18 // elements of a table; one takes 8 bytes
	maxLocals = 50_000  // of a function, as in browsers: https://webassembly.github.io/spec/js-api/#limits
)

// Ids of sections and kinds of imports that the frame is about:
// https://webassembly.github.io/spec/core/binary/modules.html
const (
	sectionCustom = 0
	sectionType   = 1
	sectionImport = 2
	sectionTable  = 4
	sectionExport = 7
	sectionStart  = 8
	sectionElem   = 9
	sectionCode   = 10
	sectionData   = 11
	sectionCount  = 12

	importFunc = 0

	refFunc   = 0x70
	refExtern = 0x6f
)

var (
	errCut   = errors.New("it is cut short or counts more than it has")
	errShape = errors.New("it holds what is not known here")
)

// frame checks the sizes and counts of a module before wazero, which reserves memory for as many parts as a file claims to
// have: a few bytes could claim gigabytes. Whether the parts are right is left to wazero. The result is wasm with a check
// in each function, with the maximum of each table lowered to maxTable, so that table.grow answers -1 where it would go
// round the limit of memory, and without custom sections other than the names of functions. part is the part of the module
// that err is about.
func frame(wasm []byte) (framed []byte, part string, err error) {
	framed = append(make([]byte, 0, len(wasm)+16), wasm[:8]...)
	for r := (reader{b: wasm[8:]}); len(r.b) > 0; {
		id := r.byte()
		s := reader{b: r.take(r.u32())}
		if r.err != nil {
			return nil, "module", fmt.Errorf("section %d: %w", id, r.err)
		}
		content := s.b
		switch id {
		case sectionCustom:
			if content = s.names(); content == nil {
				continue
			}
		case sectionTable:
			content = s.tables()
		case sectionCode:
			content = s.functions()
		default:
			s.section(id)
		}
		switch {
		case s.err != nil && id == sectionImport:
			return nil, "imports", s.err
		case s.err != nil:
			return nil, "module", fmt.Errorf("section %d: %w", id, s.err)
		}
		framed = append(framed, id)
		framed = binary.AppendUvarint(framed, uint64(len(content)))
		framed = append(framed, content...)
	}
	return framed, "", nil
}

// section reads what a section counts.
func (r *reader) section(id byte) {
	switch id {
	case sectionType:
		r.each(r.functionType)
	case sectionImport:
		r.each(r.imported)
	case sectionExport:
		r.each(func() { r.take(r.u32()); r.byte(); r.skip() })
	case sectionElem:
		r.each(r.elements)
	case sectionData:
		r.each(r.data)
	case sectionStart, sectionCount:
	default:
		r.each(func() {})
	}
}

// reader reads numbers and parts from b until err.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)) {
		r.fail(errCut)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// u32 reads an unsigned LEB128 number of at most 5 bytes.
func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.b[:min(len(r.b), 5)])
	if n <= 0 || v > math.MaxUint32 {
		r.fail(errCut)
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

// skip passes over a LEB128 number of any sign and size.
func (r *reader) skip() {
	for r.byte() >= 0x80 {
	}
}

// each reads a count, which cannot be more than the bytes that are left, and calls part that often.
func (r *reader) each(part func()) {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.fail(errCut)
	}
	for ; n > 0 && r.err == nil; n-- {
		part()
	}
}

func (r *reader) functionType() {
	if r.byte() != 0x60 {
		r.fail(errShape)
	}
	r.each(func() { r.byte() }) // parameters
	r.each(func() { r.byte() }) // results
}

func (r *reader) imported() {
	r.take(r.u32()) // module
	r.take(r.u32()) // name
	switch kind := r.byte(); {
	case r.err != nil:
	case kind == importFunc:
		r.skip()
	case int(kind) < len(notImported):
		r.fail(fmt.Errorf("it imports a %s; a node has its own", notImported[kind]))
	default:
		r.fail(errShape)
	}
}

// notImported are the kinds of imports that only modules can give to each other.
var notImported = [...]string{"function", "table", "memory", "global", "tag"}

// tables returns the section with the maximum of each table lowered.
func (r *reader) tables() []byte {
	n := r.u32()
	if n > maxTables {
		r.fail(fmt.Errorf("%d tables are more than %d", n, maxTables))
	}
	out := binary.AppendUvarint(nil, uint64(n))
	for ; n > 0 && r.err == nil; n-- {
		kind, flags, low := r.byte(), r.byte(), r.u32()
		high := uint32(maxTable)
		if flags&1 != 0 {
			high = min(high, r.u32())
		}
		switch {
		case r.err != nil:
		case kind != refFunc && kind != refExtern || flags > 1:
			r.fail(errShape)
		case low > maxTable:
			r.fail(fmt.Errorf("a table of %d elements is larger than %d", low, maxTable))
		}
		out = append(out, kind, 1)
		out = binary.AppendUvarint(out, uint64(low))
		out = binary.AppendUvarint(out, uint64(high))
	}
	return append(out, r.b...)
}

// elements reads an element segment, of which the flags say what it has.
func (r *reader) elements() {
	flags := r.u32()
	if flags > 7 {
		r.fail(errShape)
	}
	if flags&1 == 0 { // active: a table, its first index
		if flags&2 != 0 {
			r.skip()
		}
		r.constant()
	}
	if flags&3 != 0 {
		r.byte() // what the elements are
	}
	if flags&4 != 0 {
		r.each(r.constant)
	} else {
		r.each(r.skip)
	}
}

// data reads a data segment.
func (r *reader) data() {
	flags := r.u32()
	if flags == 2 {
		r.skip() // the memory
	}
	if flags != 1 {
		r.constant()
	}
	r.take(r.u32())
}

// constant reads a constant expression.
func (r *reader) constant() {
	for r.err == nil {
		switch op := r.byte(); op {
		case 0x0b: // end
			return
		case 0x41, 0x42, 0x23, 0xd0, 0xd2: // i32.const, i64.const, global.get, ref.null, ref.func
			r.skip()
		case 0x43: // f32.const
			r.take(4)
		case 0x44: // f64.const
			r.take(8)
		case 0xfd: // v128.const
			r.skip()
			r.take(16)
		default:
			r.fail(errShape)
		}
	}
}

// check is an empty loop. The rounds of loops are where wazero's WithCloseOnContextDone lets a guest look whether its call
// is over; one that recurses twice without a loop would go on for centuries, and could not be stopped.
var check = []byte{0x03, 0x40, 0x0b}

// functions returns the section with a check at the beginning of each function. Instructions count nothing that wazero
// reserves memory for, so that only the variables before them are read.
func (r *reader) functions() []byte {
	before := r.b
	r.u32()
	out := append(make([]byte, 0, len(before)+len(before)/8), before[:len(before)-len(r.b)]...)
	r.b = before
	r.each(func() {
		body := r.take(r.u32())
		f := reader{b: body}
		locals := uint64(0)
		f.each(func() { locals += uint64(f.u32()); f.byte() })
		switch {
		case f.err != nil:
			r.fail(f.err)
			return
		case locals > maxLocals:
			r.fail(fmt.Errorf("a function with %d variables has more than %d", locals, maxLocals))
			return
		}
		variables, code := body[:len(body)-len(f.b)], bytes.TrimPrefix(f.b, check)
		out = binary.AppendUvarint(out, uint64(len(variables)+len(check)+len(code)))
		out = append(append(append(out, variables...), check...), code...)
	})
	return append(out, r.b...)
}

// names returns a custom section with the names of functions, or nil when it is another or is not right, which custom
// sections may be. The names of variables are left out.
func (r *reader) names() []byte {
	const title, functions = "name", 1
	if string(r.take(r.u32())) != title {
		r.err = nil
		return nil
	}
	out := append([]byte{byte(len(title))}, title...)
	for len(r.b) > 0 {
		id := r.byte()
		s := reader{b: r.take(r.u32())}
		content := s.b
		if id != functions {
			continue
		}
		s.each(func() { s.skip(); s.take(s.u32()) })
		if s.err != nil || len(s.b) > 0 {
			r.fail(errCut)
		}
		out = append(out, functions)
		out = binary.AppendUvarint(out, uint64(len(content)))
		out = append(out, content...)
	}
	if r.err != nil {
		r.err = nil
		return nil
	}
	return out
}
