package catalog

import (
	"testing"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/store"
)

// Code changes with its document, for executions that begin afterwards. A source that does not
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
