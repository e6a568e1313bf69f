// Command guest is the node that the engine's tests run. Its config says what it does:
//
//	{"do": "echo", "value": 1}                           outputs value
//	{"do": "route", "handle": "left", "value": 1}        the same, with a handle
//	{"do": "error", "code": "busy", "message": "text"}   an Error
//	{"do": "fatal", "code": "gone", "message": "text"}   a Fatal
//	{"do": "http", "request": {}}                        the host's result for the request, or its error
//	{"do": "read", "key": "k"}                           a global, null if there is none, or an error
//	{"do": "add", "key": "k", "by": 1}                   a global's value after an addition, or an error
//	{"do": "log", "level": 1, "message": "text"}         logs a line, "times" times
//	{"do": "random"}                                     a random number as text
//	{"do": "spaces"}                                     an output that is not canonical
//	{"do": "large", "bytes": 100}                        an output of that many bytes
//	{"do": "trap"}                                       passes the host an address outside its memory
//	{"do": "loop"}, "allocate", "panic", "exit"          never returns a result
//
// It is built for each type of node with -ldflags "-X main.manifest=...".
package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
)

var manifest string

func main() {}

// The host reads or writes these buffers without Go's knowledge.
var input, output []byte

//go:wasmexport alloc
func alloc(n uint32) unsafe.Pointer {
	input = make([]byte, max(n, 1))
	return unsafe.Pointer(&input[0])
}

//go:wasmexport describe
func describe() uint64 { return answer(abi.Output, []byte(manifest)) }

//go:wasmexport run
func run(_ unsafe.Pointer, n uint32) uint64 {
	config := input[:n]
	text := func(key string) string { return string(rawjson.AppendString(nil, rawjson.Get(config, key))) }
	number := func(key string) int {
		n, _ := strconv.Atoi(string(rawjson.Get(config, key)))
		return n
	}
	switch do := text("do"); do {
	case "echo":
		return answer(abi.Output, rawjson.Get(config, "value"))
	case "route":
		return answer(abi.Routed, append(abi.AppendLabel(nil, text("handle")), rawjson.Get(config, "value")...))
	case "error":
		return answer(abi.Error, append(abi.AppendLabel(nil, text("code")), text("message")...))
	case "fatal":
		return answer(abi.Fatal, append(abi.AppendLabel(nil, text("code")), text("message")...))
	case "http":
		return http(rawjson.Get(config, "request"))
	case "read":
		key := []byte(text("key"))
		return held(hostGlobalGet(unsafe.Pointer(&key[0]), uint32(len(key))))
	case "add":
		key := []byte(text("key"))
		return held(hostGlobalAdd(unsafe.Pointer(&key[0]), uint32(len(key)), int64(number("by"))))
	case "log":
		message := []byte(text("message"))
		for range max(1, number("times")) {
			hostLog(uint32(number("level")), unsafe.Pointer(&message[0]), uint32(len(message)))
		}
		return answer(abi.Output, []byte("null"))
	case "random":
		b := make([]byte, 16)
		rand.Read(b)
		return answer(abi.Output, []byte(strconv.Quote(hex.EncodeToString(b))))
	case "spaces":
		return answer(abi.Output, []byte(" {\"a\" : 1,\n\"a\": [ ] } "))
	case "large":
		return answer(abi.Output, []byte(`"`+strings.Repeat("x", number("bytes")-2)+`"`))
	case "trap":
		hostLog(0, nil, 1<<31)
	case "loop":
		for {
		}
	case "allocate":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
		}
	case "exit":
		os.Exit(3)
	}
	panic("on demand")
}

func answer(k abi.Kind, payload []byte) uint64 {
	output = append(payload, 0)
	return abi.Pack(k, uint32(uintptr(unsafe.Pointer(&output[0]))), uint32(len(payload)))
}

func http(request []byte) uint64 {
	return held(hostHTTP(unsafe.Pointer(&request[0]), uint32(len(request))))
}

// held returns the host's result. Its kind and payload are those of a run. No output becomes null.
func held(n uint32) uint64 {
	b := make([]byte, n)
	hostTake(unsafe.Pointer(&b[0]))
	if n == 1 {
		b = append(b, "null"...)
	}
	return answer(abi.Kind(b[0]), b[1:])
}

//go:wasmimport flowtrux_v1 global_get
func hostGlobalGet(key unsafe.Pointer, n uint32) uint32

//go:wasmimport flowtrux_v1 global_add
func hostGlobalAdd(key unsafe.Pointer, n uint32, by int64) uint32

//go:wasmimport flowtrux_v1 http
func hostHTTP(p unsafe.Pointer, n uint32) uint32

//go:wasmimport flowtrux_v1 take
func hostTake(p unsafe.Pointer)

//go:wasmimport flowtrux_v1 log
func hostLog(level uint32, p unsafe.Pointer, n uint32)
