package rewrite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// FuzzRewrite holds Rewrite against the compiler: what the compiler refuses is refused by the one or the other, and what
// it accepts is refused only where there is a reason to.
func FuzzRewrite(f *testing.F) {
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
		if len(wasm) > 4<<10 {
			return
		}
		m, refused := Rewrite(wasm)
		if refused != nil {
			if stricter(refused) {
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
	})
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
	s, _, err := split(wasm)
	if err != nil {
		return wasm
	}
	out := []byte(head)
	for _, id := range order {
		if s[id] != nil {
			out = appendSized(append(out, id), s[id])
		}
	}
	return out
}

// stricter says whether a module is refused for a reason that the compiler does not have: a bound, something that nodes
// cannot, or a rule of the format that the compiler is generous about.
func stricter(err error) bool {
	for _, reason := range []string{
		errCut.Error(), errNumber.Error(), "nodes cannot", "more than", "larger than", "it has none", "a node has its own", "reserved",
	} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}
