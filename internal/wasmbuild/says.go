package wasmbuild

import (
	"encoding/binary"
	"slices"
)

// Says makes a node that gives the same answer, a JSON value of less than 4 KiB, to everything. It needs no compiler and is loaded
// in no time, for tests of what becomes of a module and not of what it does.
func Says(answer string) []byte {
	const at = 16 // in memory; what the node is called with goes behind the first 4 KiB
	size := binary.AppendUvarint(nil, uint64(len(answer)))
	run := slices.Concat([]byte{0, 0x42}, signed(at<<32|int64(len(answer))), []byte{0x0b}) // i64.const: an output, its place and length
	return slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 1, 0x7e}), // (i32) -> i32, (i32, i32) -> i64
		section(3, []byte{2, 0, 1}),
		section(5, []byte{1, 0, 1}), // a page of memory
		section(7, []byte("\x03\x06memory\x02\x00\x05alloc\x00\x00\x03run\x00\x01")),
		section(10, slices.Concat([]byte{2, 5, 0, 0x41, 0x80, 0x20, 0x0b}, []byte{byte(len(run))}, run)), // i32.const 4096
		section(11, slices.Concat([]byte{1, 0, 0x41, at, 0x0b}, size, []byte(answer))),
	)
}

func section(id byte, content []byte) []byte {
	return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
}

// signed is LEB128 of a number that is not negative.
func signed(v int64) []byte {
	b := binary.AppendUvarint(nil, uint64(v))
	if b[len(b)-1]&0x40 != 0 { // would be taken for the sign
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}
