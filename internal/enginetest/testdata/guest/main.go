// Command guest is the node that the engine's tests run. Its config says what it does:
//
//	{"do": "echo", "value": 1}                           the output is value
//	{"do": "route", "handle": "left", "value": 1}        the same, by a handle
//	{"do": "error", "code": "busy", "message": "text"}   an Error
//	{"do": "fatal", "code": "gone", "message": "text"}   a Fatal
//	{"do": "http", "request": {}}                        what the host answers to the request, errors too
//	{"do": "read", "key": "k"}                           a global, null when there is none, errors too
//	{"do": "add", "key": "k", "by": 1}                   what a global is after an addition, errors too
//	{"do": "log", "level": 1, "message": "text"}         writes a line of the log, "times" times
//	{"do": "random"}                                     a random number as text
//	{"do": "spaces"}                                     an output that is not in canonical form
//	{"do": "large", "bytes": 100}                        an output of so many bytes
//	{"do": "trap"}                                       gives the host memory it does not have
//	{"do": "loop"}, "allocate", "panic", "exit"          never answers
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

// Buffers that the host reads or writes while Go does not know of it.
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

// held passes on what the host answers: its kind and payload are those of a run. No output becomes null.
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
