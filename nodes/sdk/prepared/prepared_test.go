package prepared

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/sdk"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/nodetest"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// words is a prepared value that reads its words from the workflow.
type words []string

func (w words) Reads() []string { return w }

func TestFunc(t *testing.T) {
	bad := errors.New("bad")
	times := 0
	run := Func(func(fixed []byte) (words, error) {
		times++
		if len(fixed) == 0 {
			return nil, bad
		}
		return strings.Split(string(fixed), " "), nil
	}, func(_ *sdk.Context, w words, config []byte) ([]byte, error) {
		return []byte(strings.Join(append(slices.Clone(w), string(config)), "+")), nil
	})
	calls := func(config, want string, wantTimes int) {
		t.Helper()
		out, err := run(new(sdk.Context), []byte(config))
		if want == "" && !errors.Is(err, bad) || want != "" && err != nil || string(out) != want || times != wantTimes {
			t.Errorf("%q: %q, %v, prepared %d times", config, out, err, times)
		}
	}
	calls("a b", "a+b+a b", 1) // both get the whole
	calls("", "", 2)
	prepare := func(fixed []byte) ([]byte, error) {
		preparing = true
		defer func() {
			if preparing {
				t.Error("it was not prepared")
			}
		}()
		return run(new(sdk.Context), fixed)
	}
	if out, err := prepare(nil); !errors.Is(err, bad) || out != nil {
		t.Errorf("%s, %v", out, err)
	}
	calls("c", "c+c", 4)
	if out, err := prepare([]byte(`x" y`)); err != nil || string(out) != `{"reads":["x\"","y"]}` {
		t.Errorf("%s, %v", out, err)
	}
	calls("d", `x"+y+d`, 5)
	calls("", `x"+y+`, 5)
}

func TestWhatIsPreparedNeedsNoReads(t *testing.T) {
	if got := describe(7); string(got) != "{}" {
		t.Errorf("%s", got)
	}
	if got := describe(words(nil)); string(got) != `{"reads":[]}` {
		t.Errorf("%s", got)
	}
}

// A module of Func is prepared by the host, and each call begins with what was prepared.
func TestModule(t *testing.T) {
	wasm, err := wasmbuild.Go(t.Context(), "testdata/match")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.Background())
	load := func(noSnapshot bool) (*sandbox.Module, error) {
		return host.Load(t.Context(), sandbox.ModuleConfig{Source: "match.wasm", Wasm: wasm, Limits: sandbox.Limits{NoSnapshot: noSnapshot}})
	}
	b, err := os.ReadFile("testdata/match/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := cases.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, noSnapshot := range []bool{false, true} {
		m, err := load(noSnapshot)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			for _, d := range list[i].Compare(nodetest.Call(t.Context(), m, &list[i]).Answer) {
				t.Errorf("no snapshot %v: %s: %s", noSnapshot, list[i].Name, d)
			}
		}
		again(t, m)
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	rules, err := nodetest.Rules(t.Context(), load, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if r.Broken != "" {
			t.Errorf("it %s: %s", r.Name, r.Broken)
		}
	}
}

// The nodes of one module are prepared each on its own, and have only their own grants.
func TestFamily(t *testing.T) {
	wasm, err := wasmbuild.Go(t.Context(), "testdata/family")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.Background())
	b, err := os.ReadFile("testdata/family/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := cases.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	of, err := cases.ByType(list, "prefix", "read", "count")
	if err != nil {
		t.Fatal(err)
	}
	globals := hostapi.Grants{Globals: true}
	modules, err := host.LoadFamily(t.Context(), sandbox.FamilyConfig{Source: "family.wasm", Wasm: wasm, Types: []sandbox.TypeConfig{{Offered: "read", Grants: globals}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if len(of[m.Type()]) == 0 {
			t.Errorf("%s has no cases", m.Type())
		}
		for i := range of[m.Type()] {
			c := &of[m.Type()][i]
			for range 2 {
				for _, d := range c.Compare(nodetest.Call(t.Context(), m, c).Answer) {
					t.Errorf("%s: %s: %s", m.Type(), c.Name, d)
				}
			}
		}
		rules, err := nodetest.Rules(t.Context(), func(noSnapshot bool) (*sandbox.Module, error) {
			return host.Load(t.Context(), sandbox.ModuleConfig{
				Source: "family.wasm", Wasm: wasm, Offered: m.Type(), Grants: globals, Limits: sandbox.Limits{NoSnapshot: noSnapshot},
			})
		}, of[m.Type()])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if r.Broken != "" {
				t.Errorf("%s: it %s: %s", m.Type(), r.Name, r.Broken)
			}
		}
	}
	samePrepared(t, modules[0], modules[2])
	for _, m := range modules {
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// samePrepared prepares two node types with the same bytes: each has a snapshot of its own.
func samePrepared(t *testing.T, prefix, count *sandbox.Module) {
	t.Helper()
	fixed := []byte(`{"prefix":"a","words":"a"}`)
	a, b := prefix.NewPrepared(fixed), count.NewPrepared(fixed)
	for range 3 {
		for p, want := range map[*sandbox.Prepared]string{a: `{"text":"aaa","calls":2}`, b: `{"found":2,"calls":2}`} {
			r, err := p.Call(t.Context(), new(hostapi.Session), []byte(`{"text":"aa"}`), nil)
			if err != nil || string(r.Output) != want {
				t.Errorf("%s, %v, want %s", r.Output, err, want)
			}
		}
	}
}

// again calls one that was prepared more than once: each call begins where prepare has ended.
func again(t *testing.T, m *sandbox.Module) {
	t.Helper()
	p := m.NewPrepared([]byte(`{"pattern":"(a+)"}`))
	r, _, err := p.Prepare(t.Context(), 0)
	if want := `{"reads":["trigger.data","steps.\"a\\b\".output"]}`; err != nil || string(r.Output) != want {
		t.Errorf("%s, %v, want %s", r.Output, err, want)
	}
	for range 3 {
		r, err := p.Call(t.Context(), new(hostapi.Session), []byte(`{"text":"a text that is longer than what was fixed"}`), nil)
		if want := `{"pattern":"(a+)","used":1,"matches":true}`; err != nil || string(r.Output) != want {
			t.Errorf("%s, %v, want %s", r.Output, err, want)
		}
	}
}
