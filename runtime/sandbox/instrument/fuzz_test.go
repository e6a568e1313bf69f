package instrument

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"pgregory.net/rapid"
)

// FuzzInstrument compares Instrument with the compiler: a module that the compiler rejects is
// rejected by one of the two, and a module that it accepts is rejected only for a known reason.
func FuzzInstrument(f *testing.F) {
	for _, wasm := range samples() {
		f.Add(wasm)
	}
	for _, c := range rejections {
		f.Add(c.wasm)
	}
	f.Add(tight().bytes())
	r := wazero.NewRuntimeWithConfig(context.Background(),
		wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) <= 4<<10 {
			agrees(t, r, wasm)
		}
	})
}

// TestSpoiledModules does the same with modules that are valid except for a few bytes.
func TestSpoiledModules(t *testing.T) {
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	var all [][]byte
	named := samples()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		all = append(all, named[name])
	}
	rapid.Check(t, func(t *rapid.T) {
		wasm := slices.Clone(rapid.SampledFrom(all).Draw(t, "sample"))
		if rapid.Bool().Draw(t, "generated") {
			wasm = generate(t).bytes()
		}
		// most of the code is in the second half
		from := rapid.SampledFrom([]int{len(header), len(wasm) / 2}).Draw(t, "from")
		for range rapid.IntRange(1, 3).Draw(t, "bytes") {
			at := rapid.IntRange(from, len(wasm)-1).Draw(t, "at")
			wasm[at] = rapid.OneOf(rapid.Byte(), rapid.ByteRange(0, 12)).Draw(t, "byte")
		}
		agrees(t, r, wasm)
	})
}

// agrees fails if Instrument and the compiler disagree about a module.
func agrees(t interface{ Fatalf(string, ...any) }, r wazero.Runtime, wasm []byte) {
	m, refused := Instrument(wasm, marked)
	if refused != nil {
		if stricter(refused) || greedy(wasm) {
			return
		}
		if err := compile(r, plain(wasm)); err == nil {
			t.Fatalf("the compiler takes %x, and here it is refused: %v", wasm, refused)
		}
		return
	}
	before, after := compile(r, plain(wasm)), compile(r, m.Wasm)
	if (before == nil) != (after == nil) {
		t.Fatalf("%x\nas it came: %v\nrewritten:  %v", wasm, before, after)
	}
}

// compile returns the compiler's error for a module. A panic of the compiler is an error.
func compile(r wazero.Runtime, wasm []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	code, err := r.CompileModule(context.Background(), wasm)
	if err == nil {
		err = code.Close(context.Background())
	}
	return err
}

// plain returns a module without custom sections, which may be malformed and are ignored.
func plain(wasm []byte) []byte {
	s, _, _, err := split(wasm)
	if err != nil {
		return wasm
	}
	out := []byte(header)
	for _, id := range order {
		if s[id] != nil {
			out = appendSized(append(out, id), s[id])
		}
	}
	return out
}

// greedy reports whether a module may make the compiler allocate more memory than exists. The
// compiler never gets such modules.
func greedy(wasm []byte) (greedy bool) {
	defer func() {
		// sections are read here even after a malformed one, which their readers do not expect
		if recover() != nil {
			greedy = true
		}
	}()
	s, _, _, err := split(wasm)
	if err != nil {
		return true
	}
	m := newModule(Options{}, s, nil)
	for _, id := range order {
		if s[id] == nil {
			continue
		}
		r := reader{b: s[id]}
		if m.read(id, &r); r.err != nil && stricter(r.err) {
			return true
		}
	}
	return false
}

// stricter reports whether a module is rejected for a reason that the compiler does not have: a
// limit, an unsupported proposal, or a rule of the format about which the compiler is lenient.
func stricter(err error) bool {
	for _, reason := range []string{
		errTruncated.Error(), errLEB128.Error(), "nodes cannot", "exceed", "more than", "larger than", "it has none", "a node has its own", "reserved", "the bound for",
	} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}
