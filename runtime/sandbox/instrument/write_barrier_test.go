package instrument

import (
	"testing"

	"github.com/tetratelabs/wazero"
)

func TestGranule(t *testing.T) {
	for limit, want := range map[uint64]uint8{
		0: 9, 1: 9, 1 << 16: 9, 32 << 20: 9, 32<<20 + 1: 10, 64 << 20: 10, 64<<20 + 1: 11, 1 << 30: 14, 4<<30 - 1: 16,
	} {
		if got := Granule(limit); got != want || limit>>got > Base {
			t.Errorf("for %d bytes: %d, want %d", limit, got, want)
		}
	}
}

// No address reaches the marks: addresses just below 4 GiB lie beyond the memory, whatever is added
// to them.
func TestMarksAreOutOfReach(t *testing.T) {
	const store, load = 0x36, 0x28
	access := func(op byte, offset uint32, value ...byte) []byte { return cat(get(0), value, by(op, 0), u(offset)) }
	for name, body := range map[string][]byte{
		"store":                 access(store, 0, ci(-1)...),
		"store with an offset":  access(store, 0xfffe_0000, ci(-1)...),
		"store at the last":     access(store, 0xffff_ffff, ci(-1)...),
		"load":                  cat(access(load, 0xffff_0000), by(opDrop)),
		"fill":                  cat(get(0), ci(7), ci(4), by(opMisc, miscMemoryFill, 0)),
		"copy to":               cat(get(0), ci(0), ci(4), by(opMisc, miscMemoryCopy, 0, 0)),
		"copy from":             cat(ci(0), get(0), ci(4), by(opMisc, miscMemoryCopy, 0, 0)),
		"copy of nothing":       cat(get(0), ci(0), ci(0), by(opMisc, miscMemoryCopy, 0, 0)),
		"fill of nearly 4 GiB":  cat(ci(16), ci(7), get(0), by(opMisc, miscMemoryFill, 0)),
		"copy of nearly 4 GiB":  cat(ci(16), ci(0), get(0), by(opMisc, miscMemoryCopy, 0, 0)),
		"vector store":          cat(get(0), by(opVector, vectorConst), make([]byte, 16), by(opVector, 11, 0), u(0xffff_fff0)),
		"vector lane":           cat(get(0), by(opVector, vectorConst), make([]byte, 16), by(opVector, 88, 0), u(0xffff_0000), by(0)),
		"store where it begins": access(store, 1, ci(-1)...),
	} {
		p := newPair(t, newHost(t, wazero.NewRuntimeConfig()), unary(nil, body, get(0)).bytes())
		for _, address := range []uint64{0xffff_0000, 0xffff_0001, 0xffff_fff0, 0xffff_ffff, 0xfffe_ffff, 0x8000_0000, 65_532, 65_536, 0} {
			p.call("run", address)
			p.state()
			for at, mark := range p.after.memory.buf[:Base] {
				if mark != 0 {
					t.Fatalf("%s at %#x: mark %#x is %d", name, address, at, mark)
				}
			}
		}
	}
}

// Every kind of store is marked, with addresses in variables and without, as are short and long
// ranges.
func TestWritesAreMarked(t *testing.T) {
	ops := map[string][]byte{}
	kinds := map[temp][]byte{
		tempI32: ci(-1), tempI64: by(opI64Const, 0x7f), tempF32: by(opF32Const, 1, 2, 3, 4), tempF64: by(opF64Const, 1, 2, 3, 4, 5, 6, 7, 8),
	}
	for i, s := range stores {
		ops[string(rune('a'+i))+" store"] = cat(kinds[s.value], by(opFirstStore+byte(i), 0), u(700))
	}
	vector := cat(by(opVector, vectorConst), []byte("sixteen letters!"))
	ops["vector"] = cat(vector, by(opVector, 11, 0), u(1020))
	for i := range byte(4) {
		ops[string(rune('1'+i))+" lane"] = cat(vector, by(opVector, 88+i, 0), u(300), by(0))
	}
	for name, op := range ops {
		for _, address := range [][]byte{get(0), cat(get(0), ci(4), by(opI32Add))} {
			p := newPair(t, newHost(t, wazero.NewRuntimeConfig()), unary(nil, address, op, get(0)).bytes())
			for _, at := range []uint64{0, 323, 1023, 4090, 64_000} {
				t.Log(name, at)
				p.call("run", at)
				p.state()
			}
		}
	}
	for _, op := range [][]byte{by(opMisc, miscMemoryFill, 0), by(opMisc, miscMemoryCopy, 0, 0)} {
		p := newPair(t, newHost(t, wazero.NewRuntimeConfig()), unary(nil, ci(1000), ci(5), get(0), op, get(0)).bytes())
		p.before.memory.buf[6], p.after.memory.buf[Base+6] = 9, 9
		p.look()
		for _, n := range []uint64{0, 1, 255, 256, 257, 1024, 5000, 64_536} {
			p.call("run", n)
			p.state()
		}
	}
}

// If a variable gets another value between two stores, both are marked. A store in a branch that is
// left is marked as well.
func TestDelayedMarks(t *testing.T) {
	const store = 0x36
	put := cat(ci(-1), by(store, 0, 0))
	further := cat(get(0), ci(5000), by(opI32Add))
	for name, body := range map[string][]byte{
		"set":        cat(get(0), put, further, by(opLocalSet, 0), get(0), put),
		"tee":        cat(get(0), put, further, by(opLocalTee, 0), put, get(0), put),
		"under tee":  cat(get(0), further, by(opLocalTee, 0, opDrop), put, get(0), put),
		"left":       cat(by(opBlock, blockEmpty), get(0), put, get(0), by(opBrIf, 0), further, put, by(opEnd)),
		"branches":   cat(get(0), by(opIf, blockEmpty), get(0), put, by(opElse), further, put, by(opEnd), get(0), put),
		"returned":   cat(get(0), put, further, put, get(0), by(opReturn)),
		"in a block": cat(get(0), put, by(opBlock, blockEmpty, opBlock, blockEmpty), further, put, ci(0), by(opBrTable, 1, 1, 0, opEnd, opEnd)),
		"many": func() (b []byte) {
			for i := range int32(40) {
				b = append(b, cat(get(0), ci(-1), by(store, 0), u(uint32(i)*1000))...)
			}
			return b
		}(),
	} {
		p := newPair(t, newHost(t, wazero.NewRuntimeConfig()), unary(nil, body, get(0)).bytes())
		for _, at := range []uint64{0, 1, 1000, 20_000} {
			t.Log(name, at)
			p.call("run", at)
			p.state()
		}
	}
}
