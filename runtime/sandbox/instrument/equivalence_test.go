package instrument

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/flowtrux/edge/internal/compiled"
)

// pair is an original module and its instrumented form, which must behave the same.
type pair struct {
	t interface {
		Helper()
		Fatalf(format string, args ...any)
	}
	before       *instance
	after        *instance
	instrumented *Module
	known        []byte // what the memory was when it was looked at last
}

// newPair starts both. It returns nil if both fail to start for the same reason.
func newPair(t testing.TB, h *host, wasm []byte) *pair {
	t.Helper()
	h = &host{t, h.runtime}
	m, err := Instrument(wasm, marked)
	if err != nil {
		t.Fatal(err)
	}
	before, err := h.original(wasm)
	after := h.instrumented(wasm, m)
	if err != nil || after.began != nil {
		if err == nil || after.began == nil || !strings.Contains(err.Error(), trap(after.began)) && len(m.Data) == 0 {
			t.Fatalf("the start: %v, instrumented: %v", err, after.began)
		}
		return nil
	}
	p := &pair{t: t, before: before, after: after, instrumented: m}
	p.look()
	return p
}

// call calls both and compares results, or traps.
func (p *pair) call(name string, args ...uint64) {
	p.t.Helper()
	want, got := p.before.call(name, args...), p.after.call(name, args...)
	if want != got {
		p.t.Fatalf("%s%v = %s, instrumented %s", name, args, want, got)
	}
	if strings.HasPrefix(got, "[") {
		p.noted()
	} else {
		p.look()
	}
}

// state compares the memories, and the globals that the module exports itself.
func (p *pair) state() {
	p.t.Helper()
	if !bytes.Equal(p.before.own(), p.after.own()) {
		p.t.Fatalf("memories differ, of %d and %d bytes", len(p.before.own()), len(p.after.own()))
	}
	for _, g := range p.instrumented.Globals {
		own := p.before.ExportedGlobal(fmt.Sprint("own", g.Index))
		added := p.after.ExportedGlobal(g.Name)
		if _, ok := added.(api.MutableGlobal); !ok || added.Type() != g.Type {
			p.t.Fatalf("global %d: type %#x, want %#x", g.Index, added.Type(), g.Type)
		}
		if own != nil && own.Get() != added.Get() {
			p.t.Fatalf("global %d is %#x, instrumented %#x", g.Index, own.Get(), added.Get())
		}
	}
}

// look clears the marks and remembers the memory.
func (p *pair) look() {
	if p.instrumented.Base > 0 {
		clear(p.after.memory.buf[:Base])
	}
	p.known = bytes.Clone(p.after.own())
}

// noted fails if a write is not marked. It is used after calls that have returned.
func (p *pair) noted() {
	p.t.Helper()
	if own := p.after.own(); p.instrumented.Base > 0 {
		known := append(p.known, make([]byte, max(0, len(own)-len(p.known)))...)
		const part = 1 << 10 // most are as they were, which is soon seen
		for from := 0; from < len(own); from += part {
			to := min(from+part, len(own))
			if bytes.Equal(own[from:to], known[from:to]) {
				continue
			}
			for at := from; at < to; at++ {
				if own[at] != known[at] && !p.marked(at) {
					p.t.Fatalf("byte %#x was written to and is not marked", at)
				}
			}
		}
	}
	p.look()
}

// marked reports whether a byte has a mark.
func (p *pair) marked(at int) bool {
	marks := p.after.memory.buf[:Base]
	return marks[at>>marked.Granule] != 0 || at >= Beyond && marks[(at-Beyond)>>marked.Granule] != 0
}

func TestSamples(t *testing.T) {
	for _, c := range []wazero.RuntimeConfig{wazero.NewRuntimeConfig(), wazero.NewRuntimeConfigInterpreter()} {
		h := newHost(t, c)
		for name, wasm := range samples() {
			t.Run(name, func(t *testing.T) {
				p := newPair(t, h, wasm)
				if p == nil {
					return
				}
				for _, arg := range []uint64{1, 2, 3, 0x10, 1000, 65_536, 0xffffffff, 5_000_000} {
					if strings.HasPrefix(name, "loop") && arg > 1000 {
						continue
					}
					p.call("run", arg)
					p.state()
				}
			})
		}
	}
}

func TestC(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	text := []byte(`{"a": [1, 22, -3.5, true, null], "b\"c": {"d": "e f", "g": {}}, "h": [[[]], ""]}`)
	for name, inputs := range map[string][][]byte{
		"json": {text, text[:40], bytes.Repeat([]byte("["), 101), bytes.Repeat([]byte("[1,"), 99), nil, []byte("x")},
		"hash": {text, bytes.Repeat(text, 700), nil},
	} {
		for _, flags := range [][]string{nil, {"-O0"}, {"-O3", "-msimd128"}} {
			p := newPair(t, h, compileC(t, name, flags...))
			for _, input := range inputs {
				for _, in := range []*instance{p.before, p.after} {
					at, err := in.ExportedFunction("buffer").Call(in.ctx)
					if err != nil || !in.layout.Write(in, uint32(at[0]), input) {
						t.Fatal(err)
					}
				}
				p.call("run", uint64(len(input)))
				if name == "hash" {
					p.call("blocks", uint64(len(input)))
				}
				p.state()
			}
		}
	}
	for _, flags := range [][]string{nil, {"-O0"}, {"-O3", "-Wl,--max-memory=262144"}} {
		p := newPair(t, h, compileC(t, "small", flags...))
		for n := range uint64(24) {
			p.call("fib", n)
			p.call("sort", n*3)
			p.call("spin", n*n)
			p.call("deep", n*n*n)
			p.call("divide", n*7, n%3)
			p.call("load", n<<13)
			p.call("apply", n, n*5, n%2)
			p.call("grow", n/8)
			p.state()
		}
		p.call("divide", 1<<31, 1<<32-1)
		p.call("grow", 1<<32-1)
	}
}

// The output of compilers must be accepted.
func TestCompilers(t *testing.T) {
	files, err := filepath.Glob(dist + "*.wasm")
	if err != nil || len(files) == 0 {
		t.Fatal("no modules:", err)
	}
	programs := map[string][]byte{"json-go": compileGo(t, "json-go")}
	for _, file := range files {
		programs[file] = readFile(t, file)
	}
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	for name, wasm := range programs {
		m, err := Instrument(wasm, marked)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Obstacles) > 0 || len(m.Data) == 0 || m.Loops < 100 || m.Functions < 50 || len(m.Globals) == 0 {
			t.Errorf("%s: obstacles %q, %d segments, %d loops, %d functions, %d globals", name, m.Obstacles, len(m.Data), m.Loops,
				m.Functions, len(m.Globals))
		}
		if err := compile(r, m.Wasm); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const dist = "../../../nodes/dist/"

// A Go program behaves the same and costs the same each time, however often it yields.
func TestGo(t *testing.T) {
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close(context.Background()) })
	h := newHost(t, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	wasm := compileGo(t, "json-go")
	p := newPair(t, h, wasm)
	again := h.instrumented(wasm, p.instrumented)
	again.memory.slice = 777
	again.memory.fuel.Set(777)

	p.call("_initialize")
	again.call("_initialize")
	for _, input := range []string{
		`{"input":{"a":1},"operations":[{"op":"set","path":"b[0]","value":2},{"op":"delete","path":"a"}]}`,
		`{"output":` + strings.Repeat(`[1,`, 200) + `{}` + strings.Repeat(`]`, 200) + `}`, `{`, `null`,
	} {
		want, got := p.before.node([]byte(input)), p.after.node([]byte(input))
		if want != got {
			t.Errorf("%s = %s, instrumented %s", input, want, got)
		}
		p.noted()
		again.node([]byte(input))
		if a, b := p.after.used(), again.used(); a != b || a < 1000 {
			t.Errorf("%s costs %d, and again %d", input, a, b)
		}
	}
	p.state()
	if p.after.memory.yields == 0 || again.memory.yields < 5*p.after.memory.yields {
		t.Errorf("%d and %d yields", p.after.memory.yields, again.memory.yields)
	}
}
