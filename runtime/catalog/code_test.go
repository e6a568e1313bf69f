package catalog

import (
	"context"
	"testing"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/store"
)

// codeNodes are the built-in node types.
func codeNodes(t testing.TB) *engine.Nodes {
	t.Helper()
	return codeNodesOf(t, newHost(t, nil))
}

// newHost is a sandbox with that budget.
func newHost(t testing.TB, b *sandbox.Budget) *sandbox.Host {
	t.Helper()
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir, Budget: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return host
}

func codeNodesOf(t testing.TB, host *sandbox.Host) *engine.Nodes {
	t.Helper()
	loads := make(map[string]engine.Load)
	for _, n := range nodes.Builtin() {
		loads[n.Type] = func() (*sandbox.Module, error) {
			return host.Load(context.Background(), sandbox.ModuleConfig{
				Type: n.Type, Source: "built in", Wasm: n.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...),
			})
		}
	}
	types := engine.NewNodes(loads)
	t.Cleanup(types.Release)
	return types
}

// Code changes with its document, for the executions that begin afterwards; a source that does not
// compile changes nothing.
func TestCodeChangesLive(t *testing.T) {
	c := New(Options{Nodes: codeNodes(t)})
	defer c.Close()
	apply := func(b store.Batch) {
		c.Apply(b)
		if err := c.Settled(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	document := func(source string) string {
		return `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"manual"}},{"id":"code","type":"code","config":{"source":"` +
			source + `"}}],"edges":[{"source":"trigger","target":"code"}]}`
	}
	e := engine.New(engine.Config{})
	gives := func(p *engine.Program) string {
		ev, err := flow.NewEvent([]byte(`{}`), "", flow.Event{Headers: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		release, err := e.Acquire(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		return string(e.NewExecution(t.Context(), p, "exec-1", ev, nil).Run().Nodes[1].Output)
	}
	apply(reset(1, entry(1, "workflows/w", document("return 1"))))
	before := c.Workflow("w").Program
	if got := gives(before); got != "1" {
		t.Errorf("got %s", got)
	}
	apply(put(2, "workflows/w", document("return 2")))
	if got := gives(c.Workflow("w").Program); got != "2" {
		t.Errorf("after a change: %s", got)
	}
	if got := gives(before); got != "1" {
		t.Errorf("an execution that began before: %s", got)
	}
	apply(put(3, "workflows/w", document("return (")))
	w := c.Workflow("w")
	if len(w.Problems) != 1 || w.Problems[0].String() != "nodes[1].config.source: SyntaxError: unexpected end of the code (line 1, column 9)" {
		t.Errorf("problems %v", w.Problems)
	}
	if got := gives(w.Program); got != "2" {
		t.Errorf("after a source that does not compile: %s", got)
	}
}
