package engine

import (
	"testing"

	"github.com/flowtrux/edge/runtime/flow"
)

// BenchmarkSlot is what each request pays for its slot.
func BenchmarkSlot(b *testing.B) {
	p := newPermits(256)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.acquire(b.Context(), "order-intake", 10, 0, false); err != nil {
			b.Fatal(err)
		}
		p.release("order-intake")
	}
}

// BenchmarkRun is what the engine itself costs: the workflow has no node that is called.
func BenchmarkRun(b *testing.B) {
	nodes, err := NewNodes(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer nodes.Release()
	plan, err := flow.Compile("w", 1, []byte(document("")), nodes)
	if err != nil {
		b.Fatal(err)
	}
	p, err := nodes.Bind(plan)
	if err != nil {
		b.Fatal(err)
	}
	e := New(Config{})
	ev := event(b, `{"order_id":"A-1","total":250.50}`)
	b.ReportAllocs()
	for b.Loop() {
		if r := e.Run(b.Context(), p, "exec-1", ev, nil); r.Status != Succeeded {
			b.Fatal(r.Status)
		}
	}
}
