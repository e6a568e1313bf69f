package engine

import (
	"context"
	"fmt"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Program is a plan bound to the modules that run it. It is immutable and safe for concurrent use.
// It holds no reference to its Nodes: executions do.
type Program struct {
	Plan  *flow.Plan
	owner *Nodes
	types []*nodeType // by plan order; nil for the trigger
	calls []caller    // by plan order; nil for the trigger
}

// caller is a module, or one prepared for a node.
type caller interface {
	Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (sandbox.Result, error)
}

// Release releases a reference to the program's Nodes.
func (p *Program) Release() { p.owner.Release() }

// Serve marks the program as serving requests: the prepared snapshots of its nodes are retained
// while there is room.
func (p *Program) Serve() {
	for _, c := range p.calls {
		if prepared, ok := c.(*sandbox.Prepared); ok {
			prepared.Retain()
		}
	}
}

// Retire ends Serve. Prepared snapshots that only this program uses are released. Executions that
// still run prepare them anew.
func (p *Program) Retire() {
	for _, c := range p.calls {
		if prepared, ok := c.(*sandbox.Prepared); ok {
			prepared.Release()
		}
	}
}

// Bind binds a plan that was compiled against n.
func (n *Nodes) Bind(p *flow.Plan) (*Program, error) {
	types, calls := make([]*nodeType, len(p.Nodes)), make([]caller, len(p.Nodes))
	for i := range types {
		if p.Nodes[i].Type == flow.TypeTrigger {
			continue
		}
		t, err := n.get(p.Nodes[i].Type)
		if err != nil {
			return nil, fmt.Errorf("node %s: type %s: %w", p.Nodes[i].ID, p.Nodes[i].Type, err)
		}
		types[i], calls[i] = t, t.module.For(p.ID)
		if p.Nodes[i].Fixed != nil {
			calls[i] = t.module.NewPrepared(p.Nodes[i].Fixed).For(p.ID)
		}
	}
	return &Program{Plan: p, owner: n, types: types, calls: calls}, nil
}
