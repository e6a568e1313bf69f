package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/internal/wasmbuild"
)

// bomb is a small module that costs a compiler much time or memory.
type bomb struct {
	name   string
	module wasmbuild.Module
}

// Opcodes (https://webassembly.github.io/spec/core/binary/instructions.html).
const (
	opUnreachable, opBlock, opLoop, opIf, opElse, opEnd = 0x00, 0x02, 0x03, 0x04, 0x05, 0x0b
	opBr, opBrIf, opBrTable, opCall, opDrop             = 0x0c, 0x0d, 0x0e, 0x10, 0x1a
	opGet, opSet, opAdd, opAdd64                        = 0x20, 0x21, 0x6a, 0x7c
	noResult                                            = 0x40
)

func many(n int) []byte { return bytes.Repeat([]byte{wasmbuild.I32}, n) }

func zeros(n int) []byte { return bytes.Repeat(wasmbuild.I32Const(0), n) }

// bombs returns modules of up to 192 KiB each.
func bombs() []bomb {
	void := wasmbuild.Signature{}
	wide := func(n int) wasmbuild.Signature { return wasmbuild.Signature{Results: many(n)} }
	locals := func(n int) []byte { return slices.Concat([]byte{1}, wasmbuild.Unsigned(n), []byte{wasmbuild.I32}) }
	change := func(n int) (code []byte) {
		for k := range n {
			code = slices.Concat(code, []byte{opGet}, wasmbuild.Unsigned(k), wasmbuild.I32Const(1), []byte{opAdd, opSet}, wasmbuild.Unsigned(k))
		}
		return code
	}
	of := func(name string, types []wasmbuild.Signature, locals, code []byte) bomb {
		return bomb{name, wasmbuild.Module{Types: types, Functions: []wasmbuild.Function{{Type: wasmbuild.TypeOwn, Locals: locals, Code: code}}}}
	}
	var list []bomb
	for _, labels := range []int{5_000, 100_000} {
		list = append(list, of(fmt.Sprintf("a table of %d labels with 1000 results", labels), []wasmbuild.Signature{void, wide(1000)}, nil, slices.Concat(
			[]byte{opBlock}, wasmbuild.Unsigned(wasmbuild.TypeOwn+1), zeros(1001), []byte{opBrTable}, wasmbuild.Unsigned(labels), make([]byte, labels+1), []byte{opEnd},
			bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})))
	}
	for _, depth := range []int{300, 10_000} {
		list = append(list, of(fmt.Sprintf("%d nested loops around 1000 variables", depth), []wasmbuild.Signature{void}, locals(1000), slices.Concat(
			bytes.Repeat([]byte{opLoop, noResult}, depth), change(1000), bytes.Repeat([]byte{opGet, 0, opBrIf, 0, opEnd}, depth), []byte{opEnd})))
	}
	list = append(list,
		bomb{"10000 calls with 1000 values", wasmbuild.Module{Types: []wasmbuild.Signature{void, {Params: many(1000), Results: many(1000)}}, Functions: []wasmbuild.Function{
			{Type: wasmbuild.TypeOwn + 1, Code: append(gets(1000), opEnd)},
			{Type: wasmbuild.TypeOwn, Code: slices.Concat(zeros(1000), bytes.Repeat([]byte{opCall, 2}, 10_000), bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})},
		}}},
		of("40000 nested blocks", []wasmbuild.Signature{void}, nil, slices.Concat(
			bytes.Repeat([]byte{opBlock, noResult}, 40_000), bytes.Repeat([]byte{opEnd}, 40_001))),
		of("5000 branches with 1000 results", []wasmbuild.Signature{void, wide(1000)}, nil, slices.Concat(
			[]byte{opBlock}, wasmbuild.Unsigned(wasmbuild.TypeOwn+1), zeros(1000), bytes.Repeat(append(wasmbuild.I32Const(0), opBrIf, 0), 5_000), []byte{opEnd},
			bytes.Repeat([]byte{opDrop}, 1000), []byte{opEnd})),
		of("9000 ifs that change 2 of 500 variables", []wasmbuild.Signature{void}, locals(500), slices.Concat(
			bytes.Repeat(slices.Concat([]byte{opGet, 0, opIf, noResult, opGet, 1, opSet, 2, opElse, opGet, 2, opSet, 1, opEnd}), 9_000),
			change(500), []byte{opEnd})),
		of("50000 variables and 3000 loops in sequence", []wasmbuild.Signature{void}, locals(50_000), slices.Concat(
			bytes.Repeat([]byte{opLoop, noResult, opGet, 0, opBrIf, 0, opEnd}, 3_000), change(8_000), []byte{opEnd})),
		of("60000 nested additions", []wasmbuild.Signature{void}, nil, slices.Concat(
			zeros(60_000), bytes.Repeat([]byte{opAdd}, 59_999), []byte{opDrop, opEnd})),
		bomb{"30000 empty functions", wasmbuild.Module{Types: []wasmbuild.Signature{void}, Functions: slices.Repeat([]wasmbuild.Function{{Type: wasmbuild.TypeOwn, Code: []byte{opEnd}}}, 30_000)}},
	)
	return list
}

func gets(n int) (code []byte) {
	for k := range n {
		code = slices.Concat(code, []byte{opGet}, wasmbuild.Unsigned(k))
	}
	return code
}

const (
	// inspectTime is the time after which the compiler is killed.
	inspectTime = 30 * time.Second

	// The bounds on compiling a bomb. The sandbox limits its estimates to 3 s and 320 MB for a
	// module of up to 1 MiB. The rest allows for the error of the estimate and for the process
	// around the compiler.
	compileTime   = 5 * time.Second
	compileMemory = 500 // MiB
)

// compileBombs inspects each bomb in a separate process.
func compileBombs(ctx context.Context, s *scene) error {
	for n, b := range bombs() {
		file, err := s.file(fmt.Sprintf("bomb%d.wasm", n), b.module.Bytes())
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
		what := fmt.Sprintf("%s, %d KB: ", b.name, len(b.module.Bytes())/1000)
		if err == nil {
			what += "compiled"
		} else {
			what += "rejected"
		}
		s.seconds(what, took, compileTime)
		s.atMost("  its memory", maxRSS(cmd.ProcessState), compileMemory, " MiB")
		if text := string(out); err != nil && !strings.Contains(text, "the bound") {
			s.is("  the error names the bound: "+strings.TrimSpace(text), "no", "yes", false)
		}
	}
	return nil
}

// call is a host function and arguments that cause much work for few bytes.
type call struct {
	name   string
	params []byte
	args   []int32
}

// calls has several calls of each kind. At address 65536 the memory is all zeros: 1024 empty
// buffers, or 1024 subscriptions.
var calls = []call{
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

// module returns a module that repeats the call without end. A separate function supplies the
// arguments, so that the loop contains nothing but calls.
func (c call) module() []byte {
	var args []byte
	for _, a := range c.args {
		args = append(args, wasmbuild.I32Const(a)...)
	}
	m := wasmbuild.Module{
		Types:     []wasmbuild.Signature{{Results: many(len(c.args))}, {Params: c.params, Results: many(1)}},
		Imports:   []wasmbuild.Import{{Module: "wasi_snapshot_preview1", Name: c.name, Type: wasmbuild.TypeOwn + 1}},
		Functions: []wasmbuild.Function{{Type: wasmbuild.TypeOwn, Code: append(args, opEnd)}},
		Run: slices.Concat([]byte{opLoop, noResult}, bytes.Repeat([]byte{opCall, 3, opCall, 0, opDrop}, 3000),
			[]byte{opBr, 0, opEnd, opUnreachable}),
		Pages: 32,
	}
	return m.Bytes()
}

// impatient returns a workflow with a short timeout and a node of a type that never returns.
func impatient(typ string) string {
	return chain(nil, step{id: "o", of: typ, config: object{}, more: object{"timeout": "200ms"}})
}

// hostCalls runs nodes that do nothing but call the host.
func hostCalls(ctx context.Context, s *scene) error {
	options, documents := "", map[string]string{"other": one(nil)}
	for n, c := range calls {
		id := fmt.Sprintf("calls%d", n)
		file, err := s.file(id+".wasm", c.module())
		if err != nil {
			return err
		}
		options += fmt.Sprintf("node %s %s {\nallow random\n}\n", id, file)
		documents[id] = impatient(id)
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
		s.seconds(fmt.Sprintf("%s%v without end, timeout 200ms: ended", c.name, c.args), took, 400*time.Millisecond)
	}
	return nil
}
