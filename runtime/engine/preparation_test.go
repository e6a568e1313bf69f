package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// spinning returns a node that counts up to a number while it is prepared.
func spinning(id string, rounds int) string {
	return fmt.Sprintf(`{"id":"%s","type":"code","config":{"source":"let n = 0; while (n < %d) n++; export default () => n"}}`, id, rounds)
}

// A document is compiled in rounds, each of which continues where the last one stopped.
func TestPreparationInRounds(t *testing.T) {
	n := codeNodes(t)
	doc := []byte(Document("t>a a>b", spinning("a", 10), spinning("b", 11)))
	p := n.Preparation(flow.MaxPrepareFuel)
	round := func(ctx context.Context) (*flow.Plan, error) {
		p.Begin(ctx)
		return flow.Compile("w", 1, doc, p, nil)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := round(nil); err == nil || !p.Unfinished() || strings.Join(p.Missing(), " ") != "code" {
		t.Fatalf("a type that is not loaded: %v, missing %q", err, p.Missing())
	}
	p.Failed("code", noRoomToLoad)
	if _, err := round(t.Context()); err == nil || !p.Unfinished() || strings.Join(p.Missing(), " ") != "code" {
		t.Errorf("a type for which others had the memory: %v, missing %q", err, p.Missing())
	}
	p.Failed("code", errors.New("no memory"))
	if _, err := round(t.Context()); p.Unfinished() || !strings.Contains(fmt.Sprint(err), `node type "code" cannot be used: no memory`) {
		t.Errorf("a type that cannot be loaded: %v", err)
	}
	if err := n.Load("code"); err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{"what is there": nil, "no time": ended} {
		if _, err := round(ctx); err == nil || !p.Unfinished() || p.Prepared() != 0 {
			t.Errorf("%s: %v, %d prepared", name, err, p.Prepared())
		}
	}
	plan, err := round(t.Context())
	if err != nil || p.Unfinished() || p.Prepared() != 2 || plan.PrepareFuel == 0 {
		t.Fatalf("%v, %d prepared", err, p.Prepared())
	}
	fuel := plan.PrepareFuel
	if plan, err = round(nil); err != nil || plan.PrepareFuel != fuel {
		t.Errorf("once more: %v, %d units of fuel, before %d", err, plan.PrepareFuel, fuel)
	}
	// The fuel does not depend on snapshots that exist already.
	for budget, ok := range map[uint64]bool{fuel: true, fuel - 1: false, fuel / 3: false, 1: false} {
		_, err := n.Compile(t.Context(), budget, PlanOf(doc))
		if want := fmt.Sprintf("burn more than %d units", budget); ok != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d of %d units: %v", budget, fuel, err)
		}
	}
	if _, err := n.Compile(ended, flow.MaxPrepareFuel, PlanOf([]byte(Document("t>a", spinning("a", 12))))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The snapshots of a document together take no more memory than its share. Nodes with the same
// source share a snapshot. A stored document serves in any case.
func TestWhatADocumentKeeps(t *testing.T) {
	n := codeNodes(t)
	large := func(id string, megabytes, value int) string {
		return fmt.Sprintf(`{"id":"%s","type":"code","config":{"source":"const a = []; for (let i = 0; i < %d; i++) a.push(new Uint8Array(1e6).fill(%d)); export default () => a.length"}}`,
			id, megabytes, value)
	}
	many := func(value func(i int) int) []byte {
		nodes := []string{}
		edges := []string{}
		for i := range 8 {
			id := fmt.Sprint("n", i)
			nodes, edges = append(nodes, large(id, 40, value(i))), append(edges, "t>"+id)
		}
		return []byte(Document(strings.Join(edges, " "), nodes...))
	}
	different := many(func(i int) int { return i + 1 })
	_, err := n.Compile(t.Context(), flow.MaxPrepareFuel, PlanOf(different))
	if want := "all of them together may keep 268435456, a quarter of limits sandbox_memory"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	for name, c := range map[string]struct {
		doc  []byte
		fuel uint64
	}{
		"the same image":    {many(func(int) int { return 1 }), flow.MaxPrepareFuel},
		"stored before":     {different, flow.PrepareFuelStored},
		"just one of these": {[]byte(Document("t>a", large("a", 40, 1))), flow.MaxPrepareFuel},
	} {
		if _, err := n.Compile(t.Context(), c.fuel, PlanOf(c.doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// noRoomToLoad is the error of a module for which others use the memory.
var noRoomToLoad = &sandbox.LoadError{Detail: &sandbox.Error{Code: sandbox.CodeTimeout, Detail: &sandbox.BudgetFullError{Need: 1}}}
