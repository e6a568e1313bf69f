package instrument

import "slices"

// samples are handwritten modules that are accepted. Each exports run, of i32 to i32.
func samples() map[string][]byte {
	sum := func(kind byte) []byte { // of n down to 1, in a loop
		return cat(by(opLoop, kind), get(1), get(0), by(0x6a), set(1), get(0), ci(1), by(opI32Sub, opLocalTee, 0, opBrIf, 0))
	}
	local := by(1, 1, i32)
	bulk := func(op byte, immediates ...byte) []byte {
		return unary(nil, ci(8), ci(4), get(0), by(opMisc, op), immediates, ci(8), by(0x28, 2, 0)).bytes()
	}
	funcs := func(g guest, flags ...[]byte) guest {
		g.tables = [][]byte{{kindFunc, 0, 8}, {kindFunc, 1, 0, 4}, {kindExtern, 0, 2}}
		g.elements = flags
		return g
	}
	inTable := cat(by(0), ci(0), by(opEnd, 2, 0, 0))
	return map[string][]byte{
		"nothing":    unary(nil, get(0)).bytes(),
		"loop":       unary(local, sum(blockEmpty), by(opEnd), get(1)).bytes(),
		"loop gives": unary(local, sum(i32), get(1), by(opEnd)).bytes(),
		"loop takes": with(unary(local, get(0), by(opLoop, 1), by(opLocalTee, 0), get(1), by(0x6a), set(1), get(0), ci(1),
			by(opI32Sub, opLocalTee, 0), get(0), by(opBrIf, 0, opDrop), get(1), by(opEnd)), func(g *guest) {
			g.types = append(g.types, ft(by(i32), by(i32)))
		}),
		"loops in loops": unary(by(1, 2, i32), by(opLoop, blockEmpty), get(0), set(1), by(opLoop, blockEmpty), get(2), ci(3), by(0x6a), set(2),
			get(1), ci(1), by(opI32Sub, opLocalTee, 1, opBrIf, 0, opEnd), get(0), ci(1), by(opI32Sub, opLocalTee, 0, opBrIf, 0, opEnd), get(2)).bytes(),
		"if":          unary(nil, get(0), by(opIf, i32), ci(7), by(opElse), ci(9), by(opEnd)).bytes(),
		"table of br": unary(nil, by(opBlock, blockEmpty, opBlock, blockEmpty), get(0), by(opBrTable, 2, 0, 1, 0, opEnd), ci(5), by(0x0f, opEnd), ci(6)).bytes(),
		"after the end of all": unary(nil, ci(1), by(0x0f, opLoop, blockEmpty, opUnreachable, opMemoryGrow, 0, opDrop, opMisc, miscMemoryCopy, 0, 0, opBr, 0, opEnd,
			opMisc, miscMemoryFill, 0, opUnreachable)).bytes(),
		"unreachable":       unary(nil, by(opUnreachable)).bytes(),
		"recursion":         unary(nil, get(0), by(opIf, i32), get(0), ci(1), by(opI32Sub, opCall, 0), get(0), by(0x6a, opElse), ci(0), by(opEnd)).bytes(),
		"division":          unary(nil, ci(1000), get(0), by(0x6d)).bytes(),
		"grow":              unary(nil, get(0), by(opMemoryGrow, 0, opMemorySize, 0), ci(8), by(opI32Shl, 0x6a)).bytes(),
		"memory.fill":       bulk(miscMemoryFill, 0),
		"memory.copy":       bulk(miscMemoryCopy, 0, 0),
		"maximum of memory": with(unary(nil, get(0), by(opMemoryGrow, 0)), func(g *guest) { g.memories = [][]byte{{1, 1, 3}} }),
		"memory.init": with(unary(nil, ci(8), ci(0), get(0), by(opMisc, miscMemoryInit, 1, 0), ci(8), by(0x28, 2, 0)), func(g *guest) {
			g.announced = by(2)
			g.data = [][]byte{active(0, "active"), cat(by(1), text("passive data"))}
		}),
		"data.drop": with(unary(nil, by(opMisc, miscDataDrop, 0), ci(8), ci(0), get(0), by(opMisc, miscMemoryInit, 0, 0), ci(8), by(0x28, 2, 0)), func(g *guest) {
			g.announced = by(1)
			g.data = [][]byte{cat(by(1), text("passive data"))}
		}),
		"data": with(unary(nil, get(0), by(0x28, 2, 0)), func(g *guest) {
			g.announced = by(3)
			g.data = [][]byte{active(4, "four"), cat(by(2, 0), ci(6), by(opEnd), text("six")), cat(by(1), text("passive"))}
		}),
		"data outside": with(unary(nil, get(0)), func(g *guest) { g.data = [][]byte{active(65_533, "four")} }),
		"start": with(unary(nil, by(opGlobalGet, 0)), func(g *guest) {
			g.types = append(g.types, ft(nil, nil))
			g.functions = append(g.functions, fn{kind: 1, body: cat(ci(0), by(0x28, 2, 0), by(opGlobalSet, 0))})
			g.globals = [][]byte{globalOf(i32, 1, ci(4))}
			g.start = by(1)
			g.data = [][]byte{active(0, "data")}
		}),
		"start traps": with(unary(nil, get(0)), func(g *guest) {
			g.types = append(g.types, ft(nil, nil))
			g.functions = append(g.functions, fn{kind: 1, body: by(opUnreachable)})
			g.start = by(1)
		}),
		"import": with(unary(nil, get(0), by(opCall, 0, 0x6a)), func(g *guest) {
			g.imports = [][]byte{cat(text("wasi_snapshot_preview1"), text("sched_yield"), by(0, 1))}
			g.types = append(g.types, ft(nil, by(i32)))
		}),
		"globals": with(unary(nil, get(0), by(opGlobalGet, 0, 0x6a, opGlobalSet, 0, opGlobalGet, 0)), func(g *guest) {
			g.globals = [][]byte{
				globalOf(i32, 1, ci(40)), globalOf(i64, 1, by(opI64Const, 0x7f)), globalOf(f32, 1, by(opF32Const, 0, 0, 0x80, 0x3f)),
				globalOf(f64, 1, cat(by(opF64Const), make([]byte, 8))), globalOf(i32, 0, ci(-5)),
				globalOf(kindV128, 1, cat(by(opVector, vectorConst), make([]byte, 16))), globalOf(kindFunc, 1, by(opRefNull, kindFunc)),
				globalOf(kindExtern, 1, by(opRefNull, kindExtern)), globalOf(kindFunc, 0, by(opRefFunc, 0)),
			}
		}),
		"indirect": funcs(unary(nil, get(0), ci(1), by(opI32And, opIf, i32), get(0), ci(1), by(0x6a), get(0), by(opCallIndirect, 0, 0, opElse), get(0), by(opEnd)), inTable).bytes(),
		"tables": funcs(unary(nil, get(0), by(opRefFunc, 0, opTableSet, 0), ci(0), ci(1), get(0), by(opMisc, miscTableCopy, 0, 0),
			ci(2), ci(0), get(0), by(opMisc, miscTableInit, 1, 0, opMisc, miscElemDrop, 1), ci(1), by(opRefNull, kindFunc), get(0), by(opMisc, miscTableFill, 0),
			by(opRefNull, kindFunc), get(0), by(opMisc, miscTableGrow, 1), by(opMisc, miscTableSize, 1, 0x6a), get(0), by(opTableGet, 0, 0xd1, 0x6a)),
			inTable, cat(by(1, 0, 3, 0, 0, 0)), cat(by(3, 0, 1, 0)), cat(by(2, 1), ci(0), by(opEnd, 0, 0)), cat(by(4), ci(0), by(opEnd, 1, opRefFunc, 0, opEnd)),
			cat(by(5, kindFunc, 1, opRefNull, kindFunc, opEnd)), cat(by(6, 2), ci(0), by(opEnd, kindExtern, 0)), cat(by(7, kindFunc, 0))).bytes(),
		"vectors": unary(nil, ci(16), get(0), by(opVector, 17), get(0), by(opVector, 17, opVector, 0xae, 0x01, opVector, 0xa1, 0x01, opVector, 84, 0, 0, 3),
			ci(16), by(opVector, 0, 4, 0, opVector, 13), slices.Repeat(by(7), 16), by(opVector, vectorConst), slices.Repeat(by(0x7f), 16),
			by(opVector, 78, opVector, 27, 0)).bytes(),
		"select": unary(nil, ci(3), ci(4), get(0), by(0x1b), ci(5), get(0), by(opSelectTyped, 1, i32)).bytes(),
		"long numbers": unary(by(0x81, 0x80, 0, 0x81, 0, i32), by(opLoop, 0xc0, 0x7f), by(opLocalGet, 0x80, 0x80, 0), by(opLocalSet, 0x81, 0), by(opEnd),
			by(opI32Const, 0x81, 0x80, 0x80, 0x80, 0), by(opLocalGet, 0x81, 0x80, 0x80, 0x80, 0, 0x6a)).bytes(),
		"long function": unary(nil, slices.Repeat(cat(get(0), ci(3), by(0x6a), set(0)), 40), get(0)).bytes(),
		"names": with(unary(nil, by(opUnreachable)), func(g *guest) {
			g.custom = sec(0, text("name"), sec(0, text("module")), sec(1, vec(cat(u(0), text("stumble")))))
		}),
	}
}

// tight is a module whose run(n) counts n down.
func tight() guest {
	return unary(nil, by(opLoop, blockEmpty), get(0), ci(1), by(opI32Sub, opLocalTee, 0, opBrIf, 0, opEnd), get(0))
}
