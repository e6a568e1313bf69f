//go:build wasip1

package sdk

import (
	"bytes"
	"runtime"
	"unsafe"

	"github.com/flowtrux/edge/nodes/abi"
)

// This file is the guest's side of the ABI, and the only one with unsafe code. Buffers are global
// variables, so that they stay alive and in place while the host reads or writes them: Go's garbage
// collector does not move memory.
var (
	input   []byte
	output  []byte // the payload of the last result
	scratch []byte // for results other than outputs
	current Context
)

//go:wasmimport flowtrux_v1 log
func importLog(level int32, ptr unsafe.Pointer, n uint32)

//go:wasmimport flowtrux_v1 http
func importHTTP(ptr unsafe.Pointer, n uint32) uint32

//go:wasmimport flowtrux_v1 global_set
func importGlobalSet(key unsafe.Pointer, keyLen uint32, value unsafe.Pointer, valueLen uint32) uint32

//go:wasmimport flowtrux_v1 global_get
func importGlobalGet(key unsafe.Pointer, keyLen uint32) uint32

//go:wasmimport flowtrux_v1 global_add
func importGlobalAdd(key unsafe.Pointer, keyLen uint32, by int64) uint32

//go:wasmimport flowtrux_v1 take
func importTake(ptr unsafe.Pointer)

//go:wasmexport alloc
func exportAlloc(n uint32) unsafe.Pointer {
	if uint32(cap(input)) < n || cap(input) == 0 {
		input = make([]byte, max(n, 4096))
	}
	return unsafe.Pointer(unsafe.SliceData(input))
}

// Go exports both functions from every module. The host calls the one that the result of describe
// asks for.

//go:wasmexport run
func exportRun(ptr unsafe.Pointer, n uint32) uint64 {
	return export(run(registered[0], false, unsafe.Slice((*byte)(ptr), n)))
}

//go:wasmexport run_type
func exportRunType(typ uint32, ptr unsafe.Pointer, n uint32) uint64 {
	return export(run(registered[typ], false, unsafe.Slice((*byte)(ptr), n)))
}

func run(node *Node, idle bool, config []byte) (abi.Kind, []byte) {
	current = Context{idle: idle}
	out, err := call(node, &current, config)
	kind, payload := pack(scratch[:0], &current, out, err)
	if kind != abi.Output {
		scratch = payload
	}
	return kind, payload
}

//go:wasmexport describe
func exportDescribe() uint64 { return export(abi.Output, describe(registered)) }

// rounds is how often the warm-up is repeated, so that whatever grows with use, such as stacks and
// the lists of the allocator, has grown to its size. Each call starts where the warm-up ended, so
// anything that had not grown would grow again in every call.
const rounds = 4

//go:wasmexport warmup
func exportWarmup() {
	for range rounds {
		for _, node := range registered {
			for _, config := range node.Warmup {
				n := uint32(len(config))
				ptr := exportAlloc(n)
				copy(unsafe.Slice((*byte)(ptr), n), config)
				_, output = run(node, true, unsafe.Slice((*byte)(ptr), n))
			}
		}
	}
	output = nil
	// Calls start with a heap without garbage, and end long before the collector would run.
	runtime.GC()
}

// export keeps payload alive until the next call, and packs it.
func export(kind abi.Kind, payload []byte) uint64 {
	if len(payload) > abi.MaxLen {
		kind, payload = abi.Fatal, append(abi.AppendLabel(nil, "output_too_large"), "the output is over 1 GiB"...)
	}
	output = payload
	return abi.Pack(kind, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(payload)))), uint32(len(payload)))
}

func hostLog(_ *Context, level int, message string) {
	importLog(int32(level), unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
}

func hostHTTP(_ *Context, request []byte) ([]byte, error) {
	return take(importHTTP(unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request))))
}

func hostSetGlobal(_ *Context, key string, value []byte) error {
	_, err := take(importGlobalSet(
		unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)),
		unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value))))
	return err
}

func hostGlobal(_ *Context, key string) ([]byte, error) {
	return take(importGlobalGet(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key))))
}

func hostAddGlobal(_ *Context, key string, by int64) (int64, error) {
	sum, err := take(importGlobalAdd(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)), by))
	if err != nil {
		return 0, err
	}
	return integer(sum), nil
}

// integer parses a sum, which is a 64-bit integer in plain digits.
func integer(sum []byte) (n int64) {
	digits, negative := bytes.CutPrefix(sum, []byte("-"))
	for _, c := range digits {
		n = n*10 - int64(c-'0') // below zero there is room for one more
	}
	if negative {
		return n
	}
	return -n
}

// take fetches the host's reply of n bytes.
func take(n uint32) ([]byte, error) {
	b := make([]byte, n)
	importTake(unsafe.Pointer(unsafe.SliceData(b)))
	return unpackReply(b)
}
