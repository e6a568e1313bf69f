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

// FuzzInstrument holds Instrument against the compiler: what the compiler refuses is refused by the
// one or the other, and what it accepts is refused only where there is a reason to.
func FuzzInstrument(f *testing.F) {
	for _, wasm := range samples() {
		f.Add(wasm)
	}
	for _, c := range refusals {
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

// TestSpoiledModules does the same with modules that are right but for a few bytes.
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
		// code is rather in the second half
		from := rapid.SampledFrom([]int{len(header), len(wasm) / 2}).Draw(t, "from")
		for range rapid.IntRange(1, 3).Draw(t, "bytes") {
			at := rapid.IntRange(from, len(wasm)-1).Draw(t, "at")
			wasm[at] = rapid.OneOf(rapid.Byte(), rapid.ByteRange(0, 12)).Draw(t, "byte")
		}
		agrees(t, r, wasm)
	})
}

// agrees fails when Instrument and the compiler do not agree about a module.
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

// compile says whether the compiler takes a module. A panic of it is a refusal.
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

// plain is a module without custom sections, which may be wrong: they are left out.
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

// greedy says whether a module may make the compiler reserve more than there is, which is why it
// never gets to see such.
func greedy(wasm []byte) (greedy bool) {
	defer func() {
		// sections are read here although one before them is wrong, which they are not made for
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

// stricter says whether a module is refused for a reason that the compiler does not have: a bound,
// something that nodes cannot, or a rule of the format that the compiler is generous about.
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
