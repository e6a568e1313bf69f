package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestLoadRejects(t *testing.T) {
	plain := says(abi.Output, "1")
	without := func(name string) guest {
		g := plain
		g.funcs = nil
		for _, f := range plain.funcs {
			if f.name != name {
				g.funcs = append(g.funcs, f)
			}
		}
		return g
	}
	noMemory := plain
	noMemory.memory, noMemory.data = nil, ""
	importedMemory := noMemory
	importedMemory.imports = []imported{{module: "env", name: "memory", other: []byte{0x02, 0x00, 0x01}}}
	importedTable := plain
	importedTable.imports = []imported{{module: "env", name: "table", other: []byte{0x01, 0x70, 0x00, 0x01}}}
	importedGlobal := plain
	importedGlobal.imports = []imported{{module: "env", name: "g", other: []byte{0x03, tI32, 0x00}}}
	large := plain
	large.memory = append([]byte{0}, leb(17)...)
	trapStart := plain.with(void("", unreachable))
	trapStart.start = 3
	outside := plain
	outside.data = strings.Repeat("x", 70_000)
	whole := plain.bytes()
	httpImport := func(g guest) guest {
		return g.importing(abi.HostModule, "http", types(tI32, tI32), types(tI32))
	}

	for name, c := range map[string]struct {
		wasm []byte
		want string // the whole text after "test.wasm: ", or its beginning when it ends in "..."
	}{
		"empty":                {nil, "module: not a WebAssembly core module (version 1)"},
		"not wasm":             {[]byte("#!/bin/sh\n"), "module: not a WebAssembly core module (version 1)"},
		"truncated":            {whole[:len(whole)-3], "module: ..."},
		"component":            {[]byte("\x00asm\x0d\x00\x01\x00\x00"), "module: a WebAssembly component; nodes are core modules (version 1)"},
		"no memory":            {noMemory.bytes(), "memory: it has none"},
		"no alloc":             {without("alloc").bytes(), "exports: no function alloc(i32) -> i32; a node exports memory, alloc and run"},
		"no run":               {without("run").bytes(), "exports: no function run(i32, i32) -> i64; a node exports memory, alloc and run"},
		"alloc of another":     {without("alloc").with(function{"alloc", types(tI64), types(tI32), nil, i32c(1)}).bytes(), "exports: alloc is (i64) -> i32; it must be (i32) -> i32"},
		"run of another":       {without("run").with(function{"run", types(tI32, tI32), types(tI32), nil, i32c(1)}).bytes(), "exports: run is (i32, i32) -> i32; it must be (i32, i32) -> i64"},
		"describe of another":  {plain.with(void("describe")).bytes(), "exports: describe is (); it must be () -> i64"},
		"init of another":      {plain.with(function{"_initialize", types(tI32), none, nil, nil}).bytes(), "exports: _initialize is (i32); it must be ()"},
		"warmup of another":    {plain.with(function{"warmup", none, types(tI32), nil, i32c(0)}).bytes(), "exports: warmup is () -> i32; it must be ()"},
		"unknown module":       {plain.importing("env", "emscripten_run", none, none).bytes(), "imports: env.emscripten_run is not offered; offered are flowtrux_v1 and wasi_snapshot_preview1"},
		"unknown function":     {plain.importing(abi.HostModule, "exec", none, none).bytes(), "imports: flowtrux_v1.exec is not offered; offered are flowtrux_v1 and wasi_snapshot_preview1"},
		"import of another":    {plain.importing(hostapi.WASI, "random_get", types(tI32), types(tI32)).bytes(), "imports: wasi_snapshot_preview1.random_get is (i32) -> i32; it must be (i32, i32) -> i32"},
		"imported memory":      {importedMemory.bytes(), "imports: it imports a memory; a node has its own"},
		"imported table":       {importedTable.bytes(), "imports: it imports a table; a node has its own"},
		"imported global":      {importedGlobal.bytes(), "imports: it imports a global; a node has its own"},
		"memory over limit":    {large.bytes(), "memory: it begins with 1114112 bytes, the limit is 1048576"},
		"data outside":         {outside.bytes(), "start: the module cannot be started: its data lies outside of its memory"},
		"start traps":          {trapStart.bytes(), "start: the module trapped: unreachable"},
		"init traps":           {plain.with(void("_initialize", unreachable)).bytes(), "start: the module trapped: unreachable"},
		"init loops":           {plain.with(void("_initialize", forever)).bytes(), "start: the time limit has passed"},
		"warmup traps":         {plain.with(void("warmup", unreachable)).bytes(), "warmup: the module trapped: unreachable"},
		"warmup loops":         {plain.with(void("warmup", forever)).bytes(), "warmup: the time limit has passed"},
		"describe traps":       {plain.with(describe(unreachable)).bytes(), "describe: the module trapped: unreachable"},
		"describe loops":       {plain.with(describe(forever, unreachable)).bytes(), "describe: the time limit has passed"},
		"describe outside":     {plain.with(describe(returnPacked(abi.Output, 65530, 20))).bytes(), "describe: the result lies outside of the memory"},
		"describe fails":       {plain.with(describe(returnPacked(abi.Fatal, 0, 3))).bytes(), "describe: it returns an error: "},
		"no JSON":              {manifested("abi=1").bytes(), "describe: the output is not one JSON value: ..."},
		"no object":            {manifested("1").bytes(), "describe: its manifest is invalid: 1 is not an object"},
		"capabilities no list": {manifested(`{"abi":1,"capabilities":"http"}`).bytes(), "describe: its manifest is invalid: ..."},
		"another ABI":          {manifested(`{"abi":2}`).bytes(), "describe: it speaks version 2 of the node ABI, this is version 1"},
		"not granted":          {httpImport(manifested(asking(`"log","http"`))).bytes(), "capabilities: it needs \"http\": add `allow http` to node \"test\""},
		"no capability":        {manifested(asking(`"files"`)).bytes(), `capabilities: "files" is unknown; known are http, log, clock, random, globals`},
		"import not asked for": {httpImport(manifested(asking(`"log"`))).bytes(), "imports: flowtrux_v1.http needs the capability http, for which its manifest does not ask"},
		"undescribed import":   {httpImport(plain).bytes(), "capabilities: it needs \"http\": add `allow http` to node \"test\""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.trialTimeout = 50 * time.Millisecond
			m, err := h.Load(t.Context(), ModuleConfig{
				Type: "test", Source: "test.wasm", Wasm: c.wasm, Limits: small, Grants: hostapi.Grants{Log: true},
			})
			if m != nil {
				t.Error("got a module")
			}
			if _, ok := err.(*LoadError); !ok {
				t.Fatalf("error %T %v, want a *LoadError", err, err)
			}
			want, open := strings.CutSuffix("test.wasm: "+c.want, "...")
			if got := err.Error(); got != want && !(open && strings.HasPrefix(got, want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestLoadOfACancelledCaller(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Load(ctx, ModuleConfig{Source: "test.wasm", Wasm: says(abi.Output, "1").with(void("warmup")).bytes()})
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeCancelled {
		t.Errorf("got %v", err)
	}
}

func TestLoadAppliesDefaults(t *testing.T) {
	h := newHost(t)
	g := says(abi.Output, "1").importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	m, err := h.Load(t.Context(), ModuleConfig{Type: `a"\x00`, Source: "a.wasm", Wasm: g.bytes(), Grants: hostapi.Grants{Log: true, HTTP: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	if got, want := string(m.Manifest()), `{"abi":1,"type":"a\"\\x00","version":"0.0.0"}`; got != want {
		t.Errorf("manifest %s, want %s", got, want)
	}
	if got := m.Limits(); got.Memory != DefaultMemory || got.Output != DefaultOutput || got.Timeout != 0 {
		t.Errorf("limits %+v", got)
	}
	if g := m.Grants(); !g.Log || g.HTTP {
		t.Errorf("grants %+v: not only what it imports", g)
	}
	if m.Source() != "a.wasm" {
		t.Error("source", m.Source())
	}
}

func TestLoadErrorShowsStandardError(t *testing.T) {
	h := newHost(t)
	// iovec {text, len} at 8; fd_write(2, 8, 1, 4); proc_exit(2)
	const panicked = "panic: no such table\nand more\n"
	g := says(abi.Output, panicked).
		importing(hostapi.WASI, "fd_write", types(tI32, tI32, tI32, tI32), types(tI32)).
		importing(hostapi.WASI, "proc_exit", types(tI32), none).
		with(void("_initialize", i32c(8), i32c(dataAt), store32, i32c(12), i32c(int32(len(panicked))), store32,
			i32c(2), i32c(8), i32c(1), i32c(4), call(0), drop, i32c(2), call(1)))
	_, err := h.Load(t.Context(), ModuleConfig{Source: "a.wasm", Wasm: g.bytes()})
	if want := "a.wasm: start: the module exited with status 2: panic: no such table"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGrantsNeedManifestAndOperator(t *testing.T) {
	m := load(t, newHost(t), manifested(asking(`"http","log","clock"`)).bytes(), small, hostapi.Grants{Log: true, Random: true})
	if got, want := m.Grants().Names(), []string{"log"}; !slices.Equal(got, want) {
		t.Errorf("granted %v, want %v", got, want)
	}
}
