package engine_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/internal/wasmbuild"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// familyConfig is that of a module with the node types count, length and read.
func familyConfig(t *testing.T) sandbox.FamilyConfig {
	t.Helper()
	wasm, err := wasmbuild.C(t.Context(), "../../nodes/sdk/languages/testdata/family.c", "-Wl,--stack-first")
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.FamilyConfig{
		Source: "family.wasm", Wasm: wasm, Types: []sandbox.TypeConfig{{Offered: "read", Type: "read-global", Grants: hostapi.Grants{Globals: true}}},
	}
}

// A family is loaded when the first document needs one of its types, once for all of them, and
// closed with the last reference. Its types run side by side in one workflow.
func TestFamilyIsLoadedOnce(t *testing.T) {
	config := familyConfig(t)
	var loads atomic.Int64
	var modules []*sandbox.Module
	n := engine.NewNodes(nil, engine.Family{Types: []string{"read-global", "count", "length"}, Load: func() (_ []*sandbox.Module, err error) {
		loads.Add(1)
		modules, err = Host.LoadFamily(context.Background(), config)
		return modules, err
	}})
	if names := strings.Join(n.Names(), " "); names != "count length read-global" || loads.Load() != 0 {
		t.Errorf("%s, loaded %d times", names, loads.Load())
	}
	var all sync.WaitGroup
	for _, typ := range []string{"count", "length", "read-global", "count"} {
		all.Go(func() {
			if _, err := n.Compile(t.Context(), flow.MaxPrepareFuel, PlanOf([]byte(Document("t>a", `{"id":"a","type":"`+typ+`"}`)))); err != nil && typ != "length" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if loads.Load() != 1 {
		t.Errorf("loaded %d times", loads.Load())
	}
	l := &Lab{T: t, Nodes: n, Engine: engine.New(engine.Config{Globals: Workspace{"rate": "1.25"}})}
	r := l.Run(Document("t>a a>b b>c:some c>d", `{"id":"a","type":"count"}`, `{"id":"b","type":"length","config":{"text":"four"}}`,
		`{"id":"c","type":"read-global","config":{"key":"rate"}}`, `{"id":"d","type":"count"}`), `{}`)
	if r.Status != engine.Succeeded {
		t.Fatalf("%s: %+v", r.Status, r)
	}
	for i, want := range []string{"", "1", "4", "1.25", "1"} {
		if got := string(r.Nodes[i].Output); i > 0 && got != want {
			t.Errorf("node %d: %s, want %s", i, got, want)
		}
	}
	n.Release()
	for _, m := range modules {
		if _, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err == nil {
			t.Errorf("%s is still open", m.Type())
		}
	}
}

// If a family is not what it should be, none of its types can be used, and none stays loaded.
func TestFamilyThatCannotBeUsed(t *testing.T) {
	config := familyConfig(t)
	for name, c := range map[string]struct {
		types []string
		want  string
	}{
		"another type":   {[]string{"count", "length", "write"}, "it offers no node type write"},
		"too few types":  {[]string{"count", "length"}, "it offers 3 node types instead of 2"},
		"another one":    {[]string{"read"}, "it offers no node type read"},
		"too many types": {[]string{"count", "length", "read-global", "write"}, "it offers no node type write"},
	} {
		var modules []*sandbox.Module
		n := engine.NewNodes(nil, engine.Family{Types: c.types, Load: func() (_ []*sandbox.Module, err error) {
			modules, err = Host.LoadFamily(context.Background(), config)
			return modules, err
		}})
		for _, typ := range c.types {
			if err := n.Load(typ); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %s: %v, want %s", name, typ, err, c.want)
			}
			for _, m := range modules {
				if _, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err == nil {
					t.Errorf("%s: %s is still open", name, m.Type())
				}
			}
		}
		n.Release()
	}
}
