package sandbox

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox/rewrite"
)

// What is marked is put back, also beyond the image and at the end of the memory; what is not is left alone.
func TestMarksArePutBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := hostapi.Memory{Base: rewrite.Base, Granule: uint8(rapid.IntRange(9, 12).Draw(t, "granule"))}
		size := rapid.IntRange(0, 200_000).Draw(t, "image")
		image := make([]byte, rewrite.Base+size)
		for i := range image[rewrite.Base:] {
			image[rewrite.Base+i] = byte(i*7) | 1
		}
		memory := append(bytes.Clone(image), make([]byte, rapid.IntRange(0, 70_000).Draw(t, "grown"))...)
		own := len(memory) - rewrite.Base
		if own == 0 {
			return
		}
		for range rapid.IntRange(0, 20).Draw(t, "writes") {
			at := rapid.IntRange(0, own-1).Draw(t, "at")
			n := min(rapid.IntRange(1, rewrite.Beyond).Draw(t, "bytes"), own-at)
			memory[at>>layout.Granule] = 1
			clear(memory[rewrite.Base+at:][:n])
			memory[rewrite.Base+at] = 0xaa
		}
		if !copyBack(layout, memory, image) {
			t.Fatal("it is too much")
		}
		if !bytes.Equal(memory[:len(image)], image) || bytes.ContainsFunc(memory[len(image):], func(r rune) bool { return r != 0 }) {
			t.Fatal("the memory is not what it was")
		}
	})
}

// A call that writes much has its memory given back.
func TestMuchIsNotCopiedBack(t *testing.T) {
	layout := hostapi.Memory{Base: rewrite.Base, Granule: 10}
	memory := make([]byte, rewrite.Base+4<<20)
	for i := range 1024 {
		memory[i] = 1
	}
	if copyBack(layout, memory, nil) {
		t.Error("a megabyte and a quarter of a kilobyte was copied back")
	}
	clear(memory[1000:rewrite.Base])
	for i := range 1000 {
		memory[i] = 1
	}
	if !copyBack(layout, memory, nil) || memory[0] != 0 {
		t.Error("less than a megabyte was not copied back")
	}
}
