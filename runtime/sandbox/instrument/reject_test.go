package instrument

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var billion = by(0xff, 0xff, 0xff, 0xff, 0x0f)

// rejections are modules that are rejected, with the error's text.
var rejections = map[string]struct {
	wasm []byte
	want string
}{
	"nothing":                {nil, "module: not a WebAssembly core module (version 1)"},
	"component":              {[]byte("\x00asm\x0d\x00\x01\x00"), "module: not a WebAssembly core module (version 1)"},
	"section beyond the end": {headed(by(1, 9, 0)), "module: section 1: " + errTruncated.Error()},
	"size cut":               {headed(by(1, 0x80)), "module: section 1: " + errTruncated.Error()},
	"size of 6 bytes":        {headed(by(1, 0x80, 0x80, 0x80, 0x80, 0x80, 0)), "module: section 1: " + errLEB128.Error()},
	"size over 32 bits":      {headed(by(1, 0xff, 0xff, 0xff, 0xff, 0x7f)), "module: section 1: " + errLEB128.Error()},
	"unknown section":        {headed(sec(14)), "module: section 14: " + errUnknown.Error()},
	"tags":                   {headed(sec(13, by(0))), "module: section 13: it uses exceptions, which nodes cannot use"},
	"twice":                  {headed(sec(1, by(0)), sec(1, by(0))), "module: section 1: it is duplicate or out of order"},
	"disorder":               {headed(sec(3, by(0)), sec(1, by(0))), "module: section 1: it is duplicate or out of order"},
	"longer than its types":  {headed(sec(1, by(0, 0))), "module: section 1: it has bytes after its content"},
	"empty section":          {headed(sec(1)), "module: section 1: " + errTruncated.Error()},

	"types":                {headed(sec(1, billion)), "module: section 1: " + errTruncated.Error()},
	"parameters":           {headed(sec(1, by(1, 0x60), billion)), "module: section 1: " + errTruncated.Error()},
	"type of another kind": {headed(sec(1, by(1, 0x61))), "module: section 1: " + errUnknown.Error()},
	"struct":               {headed(sec(1, by(1, 0x5f))), "module: section 1: it uses types of the garbage collection proposal, which nodes cannot use"},
	"parameter's type":     {headed(sec(1, by(1, 0x60, 1, 0x7a, 0))), "module: section 1: " + errUnknown.Error()},
	"typed reference":      {headed(sec(1, by(1, 0x60, 1, 0x63, 0x70, 0))), "module: section 1: it uses typed references, which nodes cannot use"},
	"exception reference":  {headed(sec(1, by(1, 0x60, 1, 0x69, 0))), "module: section 1: it uses exceptions, which nodes cannot use"},
	"too many parameters": {
		headed(sec(1, vec(ft(slices.Repeat(by(i32), 1001), nil)))),
		"module: section 1: a function with more than 1000 parameters or results",
	},

	"imports":           {headed(sec(2, billion)), "imports: " + errTruncated.Error()},
	"import's name":     {headed(sec(2, by(1), billion)), "imports: " + errTruncated.Error()},
	"imported memory":   {importing(by(2, 0, 0)), "imports: it imports a memory; a node has its own"},
	"imported table":    {importing(by(1, kindFunc, 0, 0)), "imports: it imports a table; a node has its own"},
	"imported global":   {importing(by(3, i32, 0)), "imports: it imports a global; a node has its own"},
	"imported tag":      {importing(by(4, 0, 0)), "imports: it imports a tag; a node has its own"},
	"imported what":     {importing(by(5)), "imports: " + errUnknown.Error()},
	"import's type":     {importing(by(0, 0)), "imports: type 0 does not exist; there are 0"},
	"functions":         {headed(sec(3, billion)), "module: section 3: " + errTruncated.Error()},
	"function's type":   {headed(sec(3, by(1, 0))), "module: section 3: type 0 does not exist; there are 0"},
	"added type":        {with(one(), func(g *guest) { g.functions[0].kind = 1 }), "module: section 3: type 1 does not exist; there are 1"},
	"tables":            {with(one(), func(g *guest) { g.tables = slices.Repeat([][]byte{{kindFunc, 0, 0}}, 9) }), "module: section 4: 9 tables exceed the limit of 8"},
	"table":             {tabled(cat(by(kindFunc, 0), u(maxTable+1))), "module: section 4: a table of 262145 elements is larger than 262144"},
	"table's maximum":   {tabled(by(kindFunc, 1, 2, 1)), "module: section 4: a table of 2 elements with a maximum of 1"},
	"table of numbers":  {tabled(by(i32, 0, 1)), "module: section 4: " + errUnknown.Error()},
	"table that begins": {tabled(by(0x40, 0, kindFunc, 0, 1)), "module: section 4: it uses typed references, which nodes cannot use"},
	"shared table":      {tabled(by(kindFunc, 3, 0, 1)), "module: section 4: it uses threads, which nodes cannot use"},

	"no memory":        {with(one(), func(g *guest) { g.memories = nil }), "memory: it has none"},
	"memories":         {memoried(by(0, 1), by(0, 1)), "memory: it uses several memories, which nodes cannot use"},
	"shared memory":    {memoried(by(3, 1, 1)), "memory: it uses threads, which nodes cannot use"},
	"64-bit memory":    {memoried(by(4, 1)), "memory: it uses 64-bit memory, which nodes cannot use"},
	"memory's flags":   {memoried(by(8, 1)), "memory: " + errUnknown.Error()},
	"memory's maximum": {memoried(by(1, 2, 1)), "memory: it begins with 2 pages and has a maximum of 1"},
	"memory's size":    {memoried(cat(by(0), u(65537))), "memory: its size or its maximum exceeds 65536 pages"},
	"memory can be":    {memoried(cat(by(1, 1), u(65537))), "memory: its size or its maximum exceeds 65536 pages"},

	"globals":          {headed(sec(6, billion)), "module: section 6: " + errTruncated.Error()},
	"too many globals": {with(one(), func(g *guest) { g.globals = slices.Repeat([][]byte{globalOf(i32, 0, ci(0))}, 10_001) }), "module: section 6: there are more than 10000 globals"},
	"mutability":       {globaled(globalOf(i32, 2, ci(0))), "module: section 6: " + errUnknown.Error()},
	"global of itself": {globaled(globalOf(i32, 0, by(opGlobalGet, 0))), "module: section 6: global 0 does not exist; there are 0"},
	"global of yield":  {globaled(globalOf(kindFunc, 0, by(opRefFunc, 1))), "module: section 6: function 1 does not exist; there are 1"},
	"constant sum":     {globaled(globalOf(i32, 0, cat(ci(1), ci(2), by(0x6a)))), "module: section 6: it uses arithmetic in constants, which nodes cannot use"},
	"constant call":    {globaled(globalOf(i32, 0, by(opCall, 0))), "module: section 6: " + errUnknown.Error()},
	"constant null":    {globaled(globalOf(kindFunc, 0, by(opRefNull, 0))), "module: section 6: it uses typed references, which nodes cannot use"},
	"constant vector":  {globaled(globalOf(kindV128, 0, by(opVector, 13))), "module: section 6: " + errUnknown.Error()},

	"export's name":  {headed(sec(7, by(1), billion)), "exports: " + errTruncated.Error()},
	"reserved name":  {exporting(export(Reserved+"fuel", exportGlobal, 0)), `exports: the name "\x00flowtrux.fuel" is reserved`},
	"exported yield": {exporting(export("f", exportFunction, 1)), "exports: function 1 does not exist; there are 1"},
	"exported fuel":  {exporting(export("g", exportGlobal, 0)), "exports: global 0 does not exist; there are 0"},
	"exported tag":   {exporting(export("t", 4, 0)), "exports: " + errUnknown.Error()},
	"start of yield": {with(one(), func(g *guest) { g.start = by(1) }), "module: section 8: function 1 does not exist; there are 1"},
	"start's type":   {with(unary(nil, get(0)), func(g *guest) { g.start = by(0) }), "module: section 8: the start function has parameters or results"},

	"elements":       {headed(sec(9, by(1, 5, kindFunc), billion)), "module: section 9: " + errTruncated.Error()},
	"element flags":  {elemental(by(8)), "module: section 9: " + errUnknown.Error()},
	"element yield":  {elemental(by(1, 0, 1, 1)), "module: section 9: function 1 does not exist; there are 1"},
	"element's kind": {elemental(by(1, 1, 1, 0)), "module: section 9: " + errUnknown.Error()},
	"element's type": {elemental(by(5, i32, 0)), "module: section 9: " + errUnknown.Error()},
	"element's yield in an expression": {
		elemental(by(5, kindFunc, 1, opRefFunc, 1, opEnd)),
		"module: section 9: function 1 does not exist; there are 1",
	},

	"function":        {headed(sec(10, by(1), billion)), "module: section 10: " + errTruncated.Error()},
	"too few bodies":  {with(one(), func(g *guest) { g.raw = map[byte][]byte{sectionCode: by(0)} }), "module: section 10: it has 0 functions, but 1 are declared"},
	"too many bodies": {headed(sec(5, by(1, 0, 1)), sec(10, by(1, 2, 0, opEnd))), "module: section 10: it has 1 functions, but 0 are declared"},
	"announced data":  {with(one(), func(g *guest) { g.announced = by(1) }), "module: section 12: it declares 1 segments, but there are 0"},
	"data":            {headed(sec(11, by(1, 1), billion)), "module: section 11: " + errTruncated.Error()},
	"data flags":      {dated(by(3, 0)), "module: section 11: " + errUnknown.Error()},
	"data's memory":   {dated(cat(by(2, 1), ci(0), by(opEnd, 0))), "module: section 11: it uses several memories, which nodes cannot use"},

	"variables": {
		with(one(), func(g *guest) { g.functions[0].locals = cat(by(1), u(50_001), by(i32)) }),
		"module: section 10: function 0: 50001 variables exceed the limit of 50000",
	},
	"variable's type":   {with(one(), func(g *guest) { g.functions[0].locals = by(1, 1, 0x64, 0) }), coded("it uses typed references, which nodes cannot use")},
	"length's variable": {one(ci(0), ci(0), ci(0), by(opMisc, miscMemoryFill, 0, opLocalGet, 0, opDrop)).bytes(), coded("variable 0 does not exist; there are 0")},
	"fuel read":         {one(by(opGlobalGet, 0, opDrop)).bytes(), coded("global 0 does not exist; there are 0")},
	"fuel set":          {one(ci(9), by(opGlobalSet, 0)).bytes(), coded("global 0 does not exist; there are 0")},
	"yield called":      {one(by(opCall, 1)).bytes(), coded("function 1 does not exist; there are 1")},
	"yield referred to": {one(by(opRefFunc, 1, opDrop)).bytes(), coded("function 1 does not exist; there are 1")},
	"added type called": {one(ci(0), by(opCallIndirect, 1, 0)).bytes(), coded("type 1 does not exist; there are 1")},
	"added block type":  {one(by(opBlock, 1, opEnd)).bytes(), coded("type 1 does not exist; there are 1")},
	"block type":        {one(by(opBlock, 0x7a, opEnd)).bytes(), coded(errUnknown.Error())},
	"long block type":   {one(by(opBlock, 0x80, 0x7e, opEnd)).bytes(), coded(errUnknown.Error())},
	"typed block":       {one(by(opBlock, 0x63, 0x70, opEnd)).bytes(), coded("it uses typed references, which nodes cannot use")},
	"no end":            {with(one(), func(g *guest) { g.raw = map[byte][]byte{sectionCode: by(1, 2, 0, opNop)} }), coded(errTruncated.Error())},
	"open block":        {one(by(opBlock, blockEmpty)).bytes(), coded(errTruncated.Error())},
	"after the end":     {one(by(opEnd, opNop)).bytes(), coded("it has bytes after its content")},
	"number of 6 bytes": {one(by(opI32Const, 0x80, 0x80, 0x80, 0x80, 0x80, 0, opDrop)).bytes(), coded(errLEB128.Error())},
	"number's sign":     {one(by(opI32Const, 0xff, 0xff, 0xff, 0xff, 0x0f, opDrop)).bytes(), coded(errLEB128.Error())},

	"exceptions":         {one(by(0x06, blockEmpty)).bytes(), coded("opcode 0x06: it uses exceptions, which nodes cannot use")},
	"throw":              {one(by(0x08, 0)).bytes(), coded("opcode 0x08: it uses exceptions, which nodes cannot use")},
	"tail call":          {one(by(0x12, 0)).bytes(), coded("opcode 0x12: it uses tail calls, which nodes cannot use")},
	"call of reference":  {one(by(0x14, 0)).bytes(), coded("opcode 0x14: it uses typed references, which nodes cannot use")},
	"garbage collection": {one(by(0xfb, 0)).bytes(), coded("opcode 0xfb: it uses the garbage collection proposal, which nodes cannot use")},
	"threads":            {one(by(0xfe, 0)).bytes(), coded("opcode 0xfe: it uses threads, which nodes cannot use")},
	"unknown opcode":     {one(by(0xff)).bytes(), coded("opcode 0xff is unknown")},
	"unknown misc":       {one(by(opMisc, 18)).bytes(), coded("opcode 0xfc 18 is unknown")},
	"long misc":          {one(by(opMisc, 0x8b, 0)).bytes(), coded(errLEB128.Error())},
	"relaxed vector":     {one(by(opVector, 0x80, 0x02)).bytes(), coded("opcode 0xfd: it uses relaxed vector instructions, which nodes cannot use")},
	// The compiler would read this as an instruction without immediates, followed by others.
	"vector constant in two bytes": {
		one(by(opVector, 0x8c, 0, opI32Const, 9, opGlobalSet, 0)).bytes(),
		coded("opcode 0xfd: it uses relaxed vector instructions, which nodes cannot use"),
	},
	"select of two":  {one(by(opUnreachable, opSelectTyped, 2, i32, i32, opDrop, opDrop)).bytes(), coded(errUnknown.Error())},
	"null of a type": {one(by(opRefNull, 0, opDrop)).bytes(), coded("it uses typed references, which nodes cannot use")},
	"start referred to": {with(one(by(opRefFunc, 1, opDrop)), func(g *guest) {
		g.functions = append(g.functions, fn{})
		g.start = by(1)
	}), "module: section 10: it refers to the start function, which is not declared for references"},
}

func headed(sections ...[]byte) []byte { return cat([]byte(header), cat(sections...)) }

func importing(what []byte) []byte { return headed(sec(2, vec(cat(text("m"), text("n"), what)))) }

func with(g guest, change func(*guest)) []byte {
	change(&g)
	return g.bytes()
}

func tabled(t []byte) []byte       { return with(one(), func(g *guest) { g.tables = [][]byte{t} }) }
func memoried(m ...[]byte) []byte  { return with(one(), func(g *guest) { g.memories = m }) }
func globaled(v ...[]byte) []byte  { return with(one(), func(g *guest) { g.globals = v }) }
func exporting(e ...[]byte) []byte { return with(one(), func(g *guest) { g.exports = e }) }
func elemental(e ...[]byte) []byte { return with(one(), func(g *guest) { g.elements = e }) }
func dated(d ...[]byte) []byte     { return with(one(), func(g *guest) { g.data = d }) }
func coded(reason string) string   { return "module: section 10: function 0: " + reason }

func TestRejections(t *testing.T) {
	for name, c := range rejections {
		_, err := Instrument(c.wasm, marked)
		var refused *Error
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		} else if !errors.As(err, &refused) || refused.Part == "" || strings.Contains(refused.Reason, "\n") {
			t.Errorf("%s: %#v", name, err)
		}
	}
}
