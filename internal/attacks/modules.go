package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// bomb is a small module that takes a compiler long, or much memory.
type bomb struct {
	name string
	wasm wasm
}

// Opcodes (https://webassembly.github.io/spec/core/binary/instructions.html).
const (
	opBlock, opLoop, opIf, opElse, opEnd    = 0x02, 0x03, 0x04, 0x05, 0x0b
	opBr, opBrIf, opBrTable, opCall, opDrop = 0x0c, 0x0d, 0x0e, 0x10, 0x1a
	opCallIndirect, opGet, opSet, opAdd     = 0x11, 0x20, 0x21, 0x6a
	noResult                                = 0x40
)

func many(n int) []byte { return bytes.Repeat([]byte{i32}, n) }

func zeros(n int) []byte { return bytes.Repeat(number(0), n) }

// bombs are of up to 128 KiB.
func bombs() []bomb {
	void := [2][]byte{nil, nil}
	wide := func(n int) [2][]byte { return [2][]byte{nil, many(n)} }
	locals := func(n int) []byte { return slices.Concat([]byte{1}, unsigned(n), []byte{i32}) }
	change := func(n int) (code []byte) {
		for k := range n {
			code = slices.Concat(code, []byte{opGet}, unsigned(k), number(1), []byte{opAdd, opSet}, unsigned(k))
		}
		return code
	}
	of := func(name string, types [][2][]byte, locals, code []byte) bomb {
		return bomb{name, wasm{types: types, funcs: []function{{typ: typeOwn, locals: locals, code: code}}}}
	}
	var list []bomb
	for _, labels := range []int{5_000, 100_000} {
		list = append(list, of(fmt.Sprintf("a table of %d labels with 1000 results", labels), [][2][]byte{void, wide(1000)}, nil, slices.Concat(
			[]byte{opBlock}, unsigned(typeOwn+1), zeros(1001), []byte{opBrTable}, unsigned(labels), make([]byte, labels+1), []byte{opEnd},
			bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})))
	}
	for _, depth := range []int{300, 10_000} {
		list = append(list, of(fmt.Sprintf("%d loops around 1000 variables", depth), [][2][]byte{void}, locals(1000), slices.Concat(
			bytes.Repeat([]byte{opLoop, noResult}, depth), change(1000), bytes.Repeat([]byte{opGet, 0, opBrIf, 0, opEnd}, depth), []byte{opEnd})))
	}
	list = append(list,
		bomb{"10000 calls with 1000 values", wasm{types: [][2][]byte{void, {many(1000), many(1000)}}, funcs: []function{
			{typ: typeOwn + 1, code: append(gets(1000), opEnd)},
			{typ: typeOwn, code: slices.Concat(zeros(1000), bytes.Repeat([]byte{opCall, 2}, 10_000), bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})},
		}}},
		of("40000 blocks in one another", [][2][]byte{void}, nil, slices.Concat(
			bytes.Repeat([]byte{opBlock, noResult}, 40_000), bytes.Repeat([]byte{opEnd}, 40_001))),
		of("5000 branches with 1000 results", [][2][]byte{void, wide(1000)}, nil, slices.Concat(
			[]byte{opBlock}, unsigned(typeOwn+1), zeros(1000), bytes.Repeat(append(number(0), opBrIf, 0), 5_000), []byte{opEnd},
			bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})),
		of("10000 ifs, each changing 500 variables' worth of phis", [][2][]byte{void}, locals(500), slices.Concat(
			bytes.Repeat(slices.Concat([]byte{opGet, 0, opIf, noResult, opGet, 1, opSet, 2, opElse, opGet, 2, opSet, 1, opEnd}), 9_000),
			change(500), []byte{opEnd})),
		of("50000 variables in 3000 loops one behind the other", [][2][]byte{void}, locals(50_000), slices.Concat(
			bytes.Repeat([]byte{opLoop, noResult, opGet, 0, opBrIf, 0, opEnd}, 3_000), change(8_000), []byte{opEnd})),
		of("a tower of 60000 additions", [][2][]byte{void}, nil, slices.Concat(
			zeros(60_000), bytes.Repeat([]byte{opAdd}, 59_999), []byte{opDrop, opEnd})),
		bomb{"30000 functions of nothing", wasm{types: [][2][]byte{void}, funcs: slices.Repeat([]function{{typ: typeOwn, code: []byte{opEnd}}}, 30_000)}},
	)
	return list
}

func gets(n int) (code []byte) {
	for k := range n {
		code = slices.Concat(code, []byte{opGet}, unsigned(k))
	}
	return code
}

// inspectTime is after how long a compiler is killed.
const inspectTime = 30 * time.Second

// compileBombs inspects each bomb in a process of its own, and ends a server that loads one.
func compileBombs(ctx context.Context, s *scene) error {
	for n, b := range bombs() {
		file, err := s.file(fmt.Sprintf("bomb%d.wasm", n), b.wasm.bytes())
		if err != nil {
			return err
		}
		patient, cancel := context.WithTimeout(ctx, inspectTime)
		cmd := exec.CommandContext(patient, s.caddy, "flowtrux", "node", "inspect", file)
		cmd.Env = append(cmd.Environ(), "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir)
		began := time.Now()
		out, err := cmd.CombinedOutput()
		took := time.Since(began)
		cancel()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return err
		}
		what := fmt.Sprintf("%s, %d KB: ", b.name, len(b.wasm.bytes())/1000)
		if err == nil {
			what += "compiled"
		} else {
			what += "refused"
		}
		s.seconds(what, took, 5*time.Second)
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		s.atMost("  its memory", float64(used.Maxrss)/1024, 500, " MiB")
		if text := string(out); err != nil && !strings.Contains(text, "the bound") {
			s.is("  the refusal names its bound", strings.TrimSpace(text), "a bound", false)
		}
	}
	return nil
}

// hostCalls loops over host functions with arguments that are much work and few bytes.
func hostCalls(ctx context.Context, s *scene) error {
	const wasi = "wasi_snapshot_preview1"
	type call struct {
		name   string
		params []byte
		args   []int32
	}
	// 65536 is where zeros begin: 1024 empty buffers, 1024 subscriptions.
	calls := []call{
		{"fd_write", many(4), []int32{1, 65536, 1024, 0}},
		{"fd_write", many(4), []int32{1, 65536, 0, 0}},
		{"fd_read", many(4), []int32{0, 65536, 1024, 0}},
		{"poll_oneoff", many(4), []int32{65536, 131072, 1024, 0}},
		{"random_get", many(2), []int32{65536, 1 << 20}},
		{"random_get", many(2), []int32{65536, 0}},
		{"environ_sizes_get", many(2), []int32{0, 8}},
		{"args_get", many(2), []int32{0, 8}},
		{"sched_yield", nil, nil},
		{"fd_write", many(4), []int32{1, -16, 1024, 0}}, // beyond the memory
	}
	options, documents := "", map[string]string{"other": one(nil)}
	for n, c := range calls {
		var args []byte
		for _, a := range c.args {
			args = append(args, number(a)...)
		}
		// Another function gives the arguments, so that the loop is all calls.
		m := wasm{
			types:   [][2][]byte{{nil, many(len(c.args))}, {c.params, many(1)}},
			imports: []imported{{wasi, c.name, typeOwn + 1}},
			funcs:   []function{{typ: typeOwn, code: append(args, opEnd)}},
			run: slices.Concat([]byte{opLoop, noResult}, bytes.Repeat([]byte{opCall, 3, opCall, 0, opDrop}, 3000),
				[]byte{opBr, 0, opEnd, 0}),
		}
		file, err := s.file(fmt.Sprintf("calls%d.wasm", n), m.bytes())
		if err != nil {
			return err
		}
		id := fmt.Sprintf("calls%d", n)
		options += fmt.Sprintf("node %s %s {\nallow random\n}\n", id, file)
		documents[id] = chain(nil, step{id: "o", of: id, config: object{}, more: object{"timeout": "200ms"}})
	}
	v, err := s.serve(ctx, crash.Config{Options: options})
	if err != nil {
		return err
	}
	if err := v.put(ctx, documents); err != nil {
		return err
	}
	for n, c := range calls {
		took := time.Hour
		for range 3 {
			took = min(took, v.send(ctx, request{id: fmt.Sprintf("calls%d", n), body: "{}"}).took)
		}
		s.seconds(fmt.Sprintf("%s%v without an end, timeout 200ms: ended", c.name, c.args), took, 400*time.Millisecond)
	}
	return nil
}
