package sandbox

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/instrument"
)

// Marked granules are restored, even beyond the snapshot and at the end of the memory. Others are
// left alone.
func TestDirtyGranulesAreRestored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := hostapi.Memory{Base: instrument.Base, Granule: uint8(rapid.IntRange(9, 12).Draw(t, "granule"))}
		size := rapid.IntRange(0, 200_000).Draw(t, "snapshot")
		snapshot := make([]byte, instrument.Base+size)
		for i := range snapshot[instrument.Base:] {
			snapshot[instrument.Base+i] = byte(i*7) | 1
		}
		memory := append(bytes.Clone(snapshot), make([]byte, rapid.IntRange(0, 70_000).Draw(t, "grown"))...)
		own := len(memory) - instrument.Base
		if own == 0 {
			return
		}
		for range rapid.IntRange(0, 20).Draw(t, "writes") {
			at := rapid.IntRange(0, own-1).Draw(t, "at")
			n := min(rapid.IntRange(1, instrument.Beyond).Draw(t, "bytes"), own-at)
			memory[at>>layout.Granule] = 1
			clear(memory[instrument.Base+at:][:n])
			memory[instrument.Base+at] = 0xaa
		}
		if !restoreDirty(layout, memory, snapshot, new(pageSet)) {
			t.Fatal("it is too much")
		}
		if !bytes.Equal(memory[:len(snapshot)], snapshot) || bytes.ContainsFunc(memory[len(snapshot):], func(r rune) bool { return r != 0 }) {
			t.Fatal("the memory is not what it was")
		}
	})
}

// The memory of a call that writes much is released.
func TestLargeWritesAreReleased(t *testing.T) {
	layout := hostapi.Memory{Base: instrument.Base, Granule: 10}
	memory := make([]byte, instrument.Base+4<<20)
	for i := range 1024 {
		memory[i] = 1
	}
	if restoreDirty(layout, memory, nil, new(pageSet)) {
		t.Error("a megabyte and a quarter of a kilobyte was copied back")
	}
	clear(memory[1000:instrument.Base])
	for i := range 1000 {
		memory[i] = 1
	}
	if !restoreDirty(layout, memory, nil, new(pageSet)) || memory[0] != 0 {
		t.Error("less than a megabyte was not copied back")
	}
}

// The last possible byte of a module has a mark, whatever its limit, and so does memory that a
// module grows.
func TestTheEndOfMemoryIsRestored(t *testing.T) {
	everyReset(t, func(t *testing.T, h *Host) {
		for _, limit := range []int32{wasmPage, 1 << 20, 32 << 20, 32<<20 + wasmPage, 64 << 20, 64<<20 + wasmPage} {
			// The digit is the former last byte plus one.
			last := limit - 1
			g := node(i32c(limit/wasmPage), grow, drop,
				i32c(0), i32c(last), load8, i32c('1'), add, store8,
				// at the end, by a constant or a range
				local(1), []byte{0x04, 0x40}, i32c(last), i32c(1), store8, []byte{0x05},
				i32c(last-300), i32c(1), i32c(301), []byte{0xfc, 0x0b, 0}, []byte{0x0b}, returnPacked(abi.Output, 0, 1))
			g.memory = []byte{0, 0}
			g.funcs[0] = alloc(i32c(limit/wasmPage), grow, drop, i32c(bufAt))
			m := load(t, h, g.bytes(), Limits{Memory: uint64(limit)}, hostapi.Grants{})
			for _, input := range []string{"", "x", "", "", "x", "x", ""} {
				if r, err := m.Call(t.Context(), new(hostapi.Session), []byte(input), nil); err != nil || string(r.Output) != "1" {
					t.Errorf("with %d bytes: %s, %v", limit, r.Output, err)
				}
			}
		}
	})
}
