package nodes_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/cases"
	"github.com/flowtrux/edge/nodes/conformance"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/nodetest"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// everything is the grant of built-in nodes.
var everything = hostapi.Grants{HTTP: true, Log: true, Clock: true, Random: true, Globals: true}

// builtinType is a built-in node type with its file.
type builtinType struct {
	nodes.Type
	wasm   []byte
	folder string // of its sources
}

func builtinTypes() (all []builtinType) {
	for _, f := range nodes.Builtin() {
		for _, t := range f.Types {
			folder := filepath.Join("builtin", t.Name)
			if t.Name == "code" {
				folder = t.Name
			}
			all = append(all, builtinType{t, f.Wasm, folder})
		}
	}
	return all
}

// TestBuiltinInTheSandbox runs the cases of each node on the module that is shipped, which so is
// compared with its sources, and checks the rules for nodes.
func TestBuiltinInTheSandbox(t *testing.T) {
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, n := range builtinTypes() {
		t.Run(n.Name, func(t *testing.T) {
			load := func(noSnapshot bool) (*sandbox.Module, error) {
				// A module is compiled differently without a snapshot, which takes long for code.
				limits := sandbox.Limits{NoSnapshot: noSnapshot && n.Name != "code"}
				return host.Load(t.Context(), sandbox.ModuleConfig{
					Type: n.Name, Source: "built in", Wasm: n.wasm, Grants: everything, Limits: limits, Offered: n.Name,
				})
			}
			m, err := load(false)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := m.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			typ, err := flow.ParseType(m.Manifest())
			if err != nil || typ.Name != n.Name {
				t.Fatalf("manifest of %v: %v", typ, err)
			}
			var list []cases.Case
			for _, c := range conformance.Load(t, n.folder+"/testdata/cases.json") {
				t.Run(c.Name, func(t *testing.T) { c.Check(t, nodetest.Call(t.Context(), m, &c.Case).Answer) })
				list = append(list, c.Case)
			}
			rules, err := nodetest.Rules(t.Context(), load, list)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rules {
				if r.Broken != "" {
					t.Errorf("a rule is broken: it %s: %s", r.Name, r.Broken)
				}
			}
		})
	}
}
