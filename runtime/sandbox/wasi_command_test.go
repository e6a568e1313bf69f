package sandbox

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// buildCommand compiles the WASI command once.
var buildCommand = sync.OnceValues(func() ([]byte, error) { return wasmbuild.C(context.Background(), "testdata/c/command.c") })

func TestCommands(t *testing.T) {
	wasm, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	everyReset(t, func(t *testing.T, h *Host) {
		limits := Limits{Memory: 4 << 20, Timeout: 10 * time.Second, Output: 1 << 16}
		m := load(t, h, wasm, limits, hostapi.Grants{})
		if want := `{"abi":1,"type":"test","version":"0.0.0"}`; string(m.Manifest()) != want {
			t.Errorf("manifest %s", m.Manifest())
		}
		long := `"` + strings.Repeat("abc", 20_000) + `"`
		for range 2 {
			for _, c := range []struct {
				input, output string
				code          string
				logged        []string
			}{
				{`"a"`, `["a",1]`, "", nil},
				{`"x"`, `["x",1]`, "", nil},
				{`"k"`, `[0]`, "", nil},
				{`"k"`, `[0]`, "", nil},
				{`"e"`, "the module exited with status 3", CodeExit, []string{"no such order"}},
				{`"a"`, `["a",1]`, "", nil},
				{`"o"`, "standard output is not one JSON value: ", CodeBadAnswer, nil},
				{`"n"`, "standard output is not one JSON value: ", CodeBadAnswer, nil},
				{`"t"`, "the module trapped: unreachable", CodeTrap, nil},
				{long, `[` + long + `,1]`, "", nil},
				{`"o` + long[1:], "the output is over the limit of 65536 bytes", CodeOutputTooLarge, nil},
				{``, "standard output is not one JSON value: ", CodeBadAnswer, nil},
			} {
				var logged []string
				s := &hostapi.Session{Log: func(_ int, line string) { logged = append(logged, line) }}
				dst := []byte("kept")
				r, err := m.Call(t.Context(), s, []byte(c.input), dst)
				if c.code != "" {
					if e := fails(t, err, c.code); !strings.HasPrefix(e.Message, c.output) {
						t.Errorf("%.20s: %s", c.input, e.Message)
					}
				} else if err != nil || r.Kind != abi.Output || string(r.Output) != c.output || !bytes.Equal(dst, []byte("kept")) {
					t.Errorf("%.20s: %d %.50s, %v", c.input, r.Kind, r.Output, err)
				}
				if !slices.Equal(logged, c.logged) || s.Fuel == 0 || s.MemorySize == 0 {
					t.Errorf("%.20s: logged %q, fuel %d, memory %d", c.input, logged, s.Fuel, s.MemorySize)
				}
			}
		}
	})
}

func TestACommandHasLimits(t *testing.T) {
	wasm, err := buildCommand()
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	m := load(t, h, wasm, Limits{Memory: 4 << 20, Timeout: 30 * time.Millisecond}, hostapi.Grants{})
	_, err = m.Call(t.Context(), new(hostapi.Session), []byte(`"l"`), nil)
	fails(t, err, CodeTimeout)
	m = load(t, h, wasm, Limits{Memory: 4 << 20, Fuel: 50}, hostapi.Grants{})
	_, err = m.Call(t.Context(), new(hostapi.Session), []byte(`"a"`), nil)
	fails(t, err, CodeFuel)
	if _, err := h.Load(t.Context(), ModuleConfig{Source: "test.wasm", Wasm: wasm, Limits: small}); err == nil ||
		!strings.HasPrefix(err.Error(), "test.wasm: memory: it begins with ") {
		t.Error(err)
	}
}

// Other exports of nodes have no meaning in a command, whatever their types.
func TestACommandIsNotPrepared(t *testing.T) {
	g := guest{
		memory: []byte{0, 1},
		funcs:  []function{void("_start"), void("describe"), void("prepare"), {"alloc", none, types(tI64), nil, i64c(0)}},
	}
	m := load(t, newHost(t), g.bytes(), small, hostapi.Grants{})
	if m.CanPrepare() {
		t.Error("it can be prepared")
	}
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	fails(t, err, CodeBadAnswer)
}
