package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Program is a plan bound to the modules that run it. It is safe for concurrent use, and
// immutable but for what the journal and the observer keep in it. It holds no reference to its
// Nodes: executions do.
type Program struct {
	Plan *flow.Plan
	// Counts is where the journal keeps the counters of the workflow.
	Counts journal.KeptCounts
	// Observed is for what the observer keeps of the workflow. It is empty at first.
	Observed atomic.Value

	owner *Nodes
	nodes []boundNode             // by plan order; the trigger's is empty
	few   [fewNodes / 2]boundNode // nodes of small plans: one object with the program
}

// boundNode is a node bound to its module.
type boundNode struct {
	typ      *nodeType
	client   sandbox.Client
	prepared *sandbox.Prepared // instead of client; nil = the node is not prepared
}

// Call calls the node.
func (n *boundNode) Call(ctx context.Context, s *hostapi.Session, in, dst []byte) (sandbox.Result, error) {
	if n.prepared != nil {
		return n.prepared.Call(ctx, s, in, dst)
	}
	return n.client.Call(ctx, s, in, dst)
}

// Release releases a reference to the program's Nodes.
func (p *Program) Release() { p.owner.Release() }

// Serve marks the program as serving requests: the prepared snapshots of its nodes are retained
// while there is room.
func (p *Program) Serve() {
	for i := range p.nodes {
		if prepared := p.nodes[i].prepared; prepared != nil {
			prepared.Retain()
		}
	}
}

// Retire ends Serve. Prepared snapshots that only this program uses are released. Executions that
// still run prepare them anew.
func (p *Program) Retire() {
	for i := range p.nodes {
		if prepared := p.nodes[i].prepared; prepared != nil {
			prepared.Release()
		}
	}
}

// Bind binds a plan that was compiled against n.
func (n *Nodes) Bind(p *flow.Plan) (*Program, error) {
	program := &Program{Plan: p, owner: n}
	nodes := program.few[:]
	if len(p.Nodes) > len(nodes) {
		nodes = make([]boundNode, len(p.Nodes))
	}
	nodes = nodes[:len(p.Nodes)]
	program.nodes = nodes
	for i := range nodes {
		if p.Nodes[i].Type == flow.TypeTrigger {
			continue
		}
		t, err := n.get(p.Nodes[i].Type)
		if err != nil {
			return nil, fmt.Errorf("node %s: type %s: %w", p.Nodes[i].ID, p.Nodes[i].Type, err)
		}
		nodes[i] = boundNode{typ: t, client: *t.module.For(p.ID)}
		if p.Nodes[i].Fixed != nil {
			nodes[i].prepared = t.module.NewPrepared(p.Nodes[i].Fixed).For(p.ID)
		}
	}
	return program, nil
}
