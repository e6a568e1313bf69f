package languages

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/nodetest"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestWrite(t *testing.T) {
	for _, l := range All() {
		t.Run(l.Name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "node")
			if err := l.Write(dir); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "testdata", "cases.json"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cases.Parse(b); err != nil {
				t.Error(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) < 3 {
				t.Errorf("%v, %v", entries, err)
			}
			// What an author has changed stays.
			node := filepath.Join(dir, entries[0].Name())
			if entries[0].IsDir() {
				node = filepath.Join(dir, "testdata", "cases.json")
			}
			if err := os.WriteFile(node, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := l.Write(dir); err == nil || !strings.Contains(err.Error(), "is there already") {
				t.Error(err)
			}
			if b, err := os.ReadFile(node); err != nil || string(b) != "mine" {
				t.Errorf("%s, %v", b, err)
			}
		})
	}
}

// The SDK in C reads all that JSON can have, and the replies of the host about globals.
func TestNodesInC(t *testing.T) {
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.Background())
	for name, grants := range map[string]hostapi.Grants{"reader": {}, "counter": {Globals: true}, "family": {Globals: true}} {
		t.Run(name, func(t *testing.T) { testNodes(t, host, "testdata/"+name, grants) })
	}
}

// testNodes holds the nodes of a module in C to their cases, which lie beside it, and to the rules.
func testNodes(t *testing.T, host *sandbox.Host, name string, grants hostapi.Grants) {
	wasm, err := wasmbuild.C(t.Context(), name+".c", "-Wall", "-Wextra", "-Werror", "-Wl,--stack-first")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := cases.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	types, err := typesOf(t.Context(), host, wasm, grants)
	if err != nil {
		t.Fatal(err)
	}
	of, err := cases.ByType(list, types...)
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		t.Run(typ, func(t *testing.T) {
			testNode(t, func(noSnapshot bool) (*sandbox.Module, error) {
				return host.Load(t.Context(), sandbox.ModuleConfig{
					Source: name + ".wasm", Wasm: wasm, Grants: grants, Offered: typ, Limits: sandbox.Limits{NoSnapshot: noSnapshot},
				})
			}, of[typ])
		})
	}
}

// typesOf returns the node types of a module.
func typesOf(ctx context.Context, host *sandbox.Host, wasm []byte, grants hostapi.Grants) (types []string, err error) {
	modules, err := host.LoadFamily(ctx, sandbox.FamilyConfig{Wasm: wasm, Grants: grants})
	for _, m := range modules {
		types = append(types, m.Type())
		err = errors.Join(err, m.Close(ctx))
	}
	return types, err
}

func testNode(t *testing.T, load func(noSnapshot bool) (*sandbox.Module, error), list []cases.Case) {
	m, err := load(false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	for i := range list {
		for _, d := range list[i].Compare(nodetest.Call(t.Context(), m, &list[i]).Answer) {
			t.Errorf("%s: %s", list[i].Name, d)
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
