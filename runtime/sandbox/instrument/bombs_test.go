package instrument

import "bytes"

// bombs generate modules whose compilation takes more work than their size suggests. Each generates
// a module of about size bytes.
var bombs = map[string]func(size int) guest{
	"labels x results": func(size int) guest {
		k := min(size/8, 1000)
		return results(k,
			cat(by(opBlock, 1), bytes.Repeat(ci(0), k), ci(0), by(opBrTable), u(uint32(size/2)),
				bytes.Repeat(by(0), size/2+1), by(opEnd), bytes.Repeat(by(opDrop), k)))
	},
	"labels x many blocks": func(size int) guest {
		n := min(size/8, 126)
		labels := make([]byte, size/2)
		for i := range labels {
			labels[i] = byte(i % n)
		}
		return one(bytes.Repeat(by(opBlock, blockEmpty), n), ci(0), by(opBrTable),
			u(uint32(len(labels))), labels, by(0), bytes.Repeat(by(opEnd), n))
	},
	"branches to one block": func(size int) guest {
		return unary(nil, by(opBlock, blockEmpty), bytes.Repeat(cat(get(0), by(opBrIf, 0)), size/4),
			by(opEnd), get(0))
	},
	"returns": func(size int) guest {
		return unary(nil, bytes.Repeat(cat(get(0), get(0), by(opBrIf, 0, opDrop)), size/7), get(0))
	},
	"ifs in a row": func(size int) guest {
		return unary(nil, bytes.Repeat(cat(get(0), by(opIf, blockEmpty, opEnd)), size/5), get(0))
	},
	"ifs that change variables": func(size int) guest {
		v := min(size/16, 1000)
		var body []byte
		for i := 0; len(body) < size; i++ {
			body = append(body, cat(get(uint32(i%v)), by(opIf, blockEmpty), ci(1),
				set(uint32((i+1)%v)), by(opEnd))...)
		}
		return unary(cat(by(1), u(uint32(v)), by(i32)), body, get(0))
	},
	"variables after branches": func(size int) guest {
		v := min(size/16, 1000)
		var vars []byte
		for i := range v {
			vars = cat(vars, get(uint32(i)), by(opDrop))
		}
		return unary(cat(by(1), u(uint32(v)), by(i32)), by(opBlock, blockEmpty),
			bytes.Repeat(cat(get(0), by(opBrIf, 0)), size/8), by(opEnd), vars, get(0))
	},
	"loops x variables": func(size int) guest {
		v := min(size/20, 1000)
		var change []byte
		for i := range v {
			change = cat(change, get(uint32(i)), ci(1), by(opI32Add), set(uint32(i)))
		}
		d := (size - len(change)) / 7
		return unary(cat(by(1), u(uint32(v)), by(i32)), bytes.Repeat(by(opLoop, blockEmpty), d),
			change, bytes.Repeat(cat(get(0), by(opBrIf, 0, opEnd)), d), get(0))
	},
	"loops that read variables": func(size int) guest {
		v := min(size/10, 1000)
		var read []byte
		for i := range v {
			read = cat(read, get(uint32(i)), by(opI32Add))
		}
		d := (size - len(read)) / 7
		return unary(cat(by(1), u(uint32(v)), by(i32)), bytes.Repeat(by(opLoop, blockEmpty), d),
			ci(0), read, set(0), bytes.Repeat(cat(get(0), by(opBrIf, 0, opEnd)), d), get(0))
	},
	"loops in a row": func(size int) guest {
		v := min(size/20, 1000)
		var read []byte
		for i := range v {
			read = cat(read, get(uint32(i)), by(opI32Add))
		}
		d := (size - len(read)) / 7
		return unary(cat(by(1), u(uint32(v)), by(i32)),
			bytes.Repeat(cat(by(opLoop, blockEmpty), get(0), by(opBrIf, 0, opEnd)), d), ci(0), read)
	},
	"values across blocks": func(size int) guest {
		k := size / 10
		return unary(nil, bytes.Repeat(cat(get(0), by(opI32Eqz)), k),
			bytes.Repeat(cat(get(0), by(opIf, blockEmpty, opEnd)),
				(size-4*k)/5), bytes.Repeat(by(opI32Add), k-1))
	},
	"addresses across blocks": func(size int) guest {
		k := size / 14
		loads := cat(get(0), bytes.Repeat(by(0x28, 0, 0), k))
		return unary(nil, loads, set(0),
			bytes.Repeat(cat(by(opBlock, blockEmpty), get(0), by(opBrIf, 0, opEnd)),
				(size-3*k)/7), get(0))
	},
	"addresses in a chain": func(size int) guest {
		k := size / 6
		loads := cat(get(0), bytes.Repeat(by(0x28, 0, 0), k))
		return unary(nil, by(opBlock, blockEmpty), loads, set(0),
			bytes.Repeat(cat(get(0), by(opBrIf, 0)), (size-3*k)/4), by(opEnd), get(0))
	},
	"calls": func(size int) guest {
		k := min(size/12, 1000)
		g := results(k,
			cat(bytes.Repeat(ci(0), k), bytes.Repeat(by(opCall, 1), (size-8*k)/2),
				bytes.Repeat(by(opDrop), k)))
		g.types = append(g.types, ft(bytes.Repeat(by(i32), k), bytes.Repeat(by(i32), k)))
		var same []byte
		for i := range k {
			same = cat(same, get(uint32(i)))
		}
		g.functions = append(g.functions, fn{kind: 2, body: same})
		return g
	},
	"calls x globals": func(size int) guest {
		k := min(size/12, 9000)
		g := one(bytes.Repeat(by(opCall, 0), (size-6*k)/2))
		g.globals = repeated(globalOf(i32, 1, ci(0)), k)
		return g
	},
	"functions x globals": func(size int) guest {
		k := min(size/12, 9000)
		g := one()
		g.globals = repeated(globalOf(i32, 1, ci(0)), k)
		for range (size - 6*k) / 4 {
			g.functions = append(g.functions, fn{})
		}
		return g
	},
	"functions x types": func(size int) guest {
		g := one()
		g.types = repeated(ft(nil, nil), size/6)
		for range size / 8 {
			g.functions = append(g.functions, fn{})
		}
		return g
	},
	"functions x locals": func(size int) guest {
		g := one()
		for range size / 8 {
			g.functions = append(g.functions, fn{locals: cat(by(1), u(50_000), by(i32))})
		}
		return g
	},
	"functions x parameters": func(size int) guest {
		k := min(size/4, 1000)
		g := one()
		g.types = append(g.types, ft(bytes.Repeat(by(i32), k), nil))
		for range (size - k) / 4 {
			g.functions = append(g.functions, fn{kind: 1})
		}
		return g
	},
	"functions beside a large one": func(size int) guest {
		g := unary(nil, bytes.Repeat(by(opLoop, blockEmpty, opEnd), size/6), get(0))
		g.types = append(g.types, ft(nil, nil))
		for range size / 8 {
			g.functions = append(g.functions, fn{kind: 1})
		}
		return g
	},
	"blocks with results": func(size int) guest {
		k := min(size/4, 1000)
		return results(k,
			bytes.Repeat(cat(by(opBlock, blockEmpty), ci(0),
				by(opBrIf, 0, opBlock, 1, opUnreachable, opEnd, opUnreachable, opEnd)), (size-k)/13))
	},
	"ifs with parameters": func(size int) guest {
		k := min(size/8, 1000)
		g := results(k,
			cat(bytes.Repeat(ci(0), k), bytes.Repeat(cat(ci(0), by(opIf, 2, opEnd)), (size-6*k)/5),
				bytes.Repeat(by(opDrop), k)))
		g.types = append(g.types, ft(bytes.Repeat(by(i32), k), bytes.Repeat(by(i32), k)))
		return g
	},
	"blocks in blocks": func(size int) guest {
		return one(bytes.Repeat(by(opBlock, blockEmpty), size/3), bytes.Repeat(by(opEnd), size/3))
	},
	"ifs in ifs": func(size int) guest {
		return unary(nil, bytes.Repeat(cat(get(0), by(opIf, blockEmpty)), size/5),
			bytes.Repeat(by(opEnd), size/5), get(0))
	},
	"breaks out of everything": func(size int) guest {
		d := size / 9
		var body []byte
		for i := range d {
			body = cat(body, get(0), by(opBrIf), u(uint32(d/2+i/2)))
		}
		return unary(nil, bytes.Repeat(by(opBlock, blockEmpty), d), body,
			bytes.Repeat(by(opEnd), d), get(0))
	},
	"calls of imports": func(size int) guest {
		k := size / 20
		g := one(bytes.Repeat(cat(by(opCall), u(uint32(k-1))), (size-10*k)/4))
		g.imports = repeated(cat(text("a"), text("b"), by(0, 0)), k)
		return g
	},
	"functions beside many variables": func(size int) guest {
		n := min(size/12, 50_000)
		var sets []byte
		for i := range n {
			sets = cat(sets, ci(0), set(uint32(i)))
		}
		g := one(sets)
		g.types = append(g.types, ft(by(i32), nil))
		g.functions[0].locals = cat(by(1), u(uint32(n)), by(i32))
		for range size / 8 {
			g.functions = append(g.functions, fn{kind: 1})
		}
		return g
	},
	"branches with other values each": func(size int) guest {
		k := min(size/20, 1000)
		g := unary(nil, by(opBlock, 1), bytes.Repeat(cat(get(0), by(opI32Eqz)), k),
			bytes.Repeat(cat(get(0), by(opI32Eqz), get(0), by(opBrIf, 0)),
				(size-6*k)/7), by(opUnreachable, opEnd),
			bytes.Repeat(by(opI32Add), k-1))
		g.types = append(g.types, ft(nil, bytes.Repeat(by(i32), k)))
		return g
	},
	"functions x references": func(size int) guest {
		g := one()
		n := size / 9
		for i := range n {
			g.functions = append(g.functions, fn{})
			g.functions[0].body = cat(g.functions[0].body, by(opRefFunc), u(uint32(i)), by(opDrop))
		}
		all := by(3, 0)
		all = append(all, u(uint32(n))...)
		for i := range n {
			all = append(all, u(uint32(i))...)
		}
		g.elements = [][]byte{all}
		return g
	},
	"one long block": func(size int) guest {
		return unary(nil, get(0), bytes.Repeat(by(opI32Eqz), size))
	},
	"selects": func(size int) guest {
		return unary(nil, get(0), bytes.Repeat(cat(get(0), get(0), by(0x1b)), size/5))
	},
	"stores": func(size int) guest {
		return unary(nil, bytes.Repeat(cat(get(0), get(0), by(0x36, 0, 0)), size/7), get(0))
	},
	"memory.fill": func(size int) guest {
		return unary(nil,
			bytes.Repeat(cat(get(0), get(0), get(0), by(opMisc, miscMemoryFill, 0)),
				size/9), get(0))
	},
	"vectors": func(size int) guest {
		return unary(nil,
			bytes.Repeat(cat(get(0), by(opVector, 17, opVector, 98, opVector, 27, 0), set(0)),
				size/11), get(0))
	},
	"conversions": func(size int) guest {
		return unary(nil, bytes.Repeat(cat(get(0), by(0xb3, 0xa9), set(0)), size/6), get(0))
	},
	"trapping conversions": func(size int) guest {
		return unary(nil, get(0), bytes.Repeat(by(0xb3, 0xa9), size/2))
	},
	"divisions": func(size int) guest {
		return unary(nil, get(0), bytes.Repeat(cat(get(0), by(0x6d)), size/3))
	},
	"indirect calls": func(size int) guest {
		g := unary(nil, get(0), bytes.Repeat(cat(get(0), by(opCallIndirect, 0, 0)), size/5))
		g.tables = [][]byte{{kindFunc, 0, 1}}
		return g
	},
	"small functions": func(size int) guest {
		g := one()
		for range size / 4 {
			g.functions = append(g.functions, fn{})
		}
		return g
	},
}

func repeated(b []byte, n int) (out [][]byte) {
	for range n {
		out = append(out, b)
	}
	return out
}

// results is a module with a function () -> (), and a type 1 of () -> k numbers.
func results(k int, body []byte) guest {
	g := one(body)
	g.types = append(g.types, ft(nil, bytes.Repeat(by(i32), k)))
	return g
}
