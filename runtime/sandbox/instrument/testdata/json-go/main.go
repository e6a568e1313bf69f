//go:build wasip1

// A guest in Go that decodes and encodes JSON with the standard library.
package main

import (
	"encoding/json"
	"unsafe"
)

var in, out []byte

//go:wasmexport alloc
func alloc(n uint32) unsafe.Pointer {
	if uint32(cap(in)) < n {
		in = make([]byte, n)
	}
	return unsafe.Pointer(unsafe.SliceData(in))
}

//go:wasmexport run
func run(p unsafe.Pointer, n uint32) uint64 {
	var v any
	if err := json.Unmarshal(unsafe.Slice((*byte)(p), n), &v); err != nil {
		out = []byte(err.Error())
	} else {
		out, _ = json.Marshal(v)
	}
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(out))))<<32 | uint64(len(out))
}

func main() {}
