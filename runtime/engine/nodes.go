package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Nodes are the node types of one configuration: their modules, and what workflows must know of them. They are the
// flow.Types that documents are compiled against. Safe for concurrent use.
//
// Nodes are counted. Who made them holds one reference, and each running execution one; the last release closes the
// modules.
type Nodes struct {
	types map[string]*nodeType
	names []string
	refs  atomic.Int64
}

// nodeType is a module and its manifest.
type nodeType struct {
	*flow.Type
	module *sandbox.Module
}

// NewNodes makes the node types of modules, by the names that workflows use. It takes the modules over, also when it
// fails: it does when a manifest is none.
func NewNodes(modules map[string]*sandbox.Module) (*Nodes, error) {
	n := &Nodes{types: make(map[string]*nodeType, len(modules)), names: slices.Sorted(maps.Keys(modules))}
	n.refs.Store(1)
	var errs []error
	for _, name := range n.names {
		t, err := flow.ParseType(modules[name].Manifest())
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("node type %s: %w", name, err))
		case modules[name].Prepares() != (len(t.Fixed) > 0):
			errs = append(errs, fmt.Errorf("node type %s: its manifest has fixed keys, or it exports %s: it must be both or neither", name, abi.ExportPrepare))
		default:
			t.Name = name // what its author calls it is a proposal: one server can have two versions of a node
		}
		n.types[name] = &nodeType{Type: t, module: modules[name]}
	}
	if len(errs) > 0 {
		n.Release()
		return nil, errors.Join(errs...)
	}
	return n, nil
}

// Type implements flow.Types.
func (n *Nodes) Type(name string) (*flow.Type, bool) {
	t, ok := n.types[name]
	if !ok {
		return nil, false
	}
	return t.Type, true
}

// Prepare implements flow.Preparer.
func (n *Nodes) Prepare(name string, fixed []byte) (reads []string, err error) {
	r, err := n.types[name].module.Prepared(fixed).Prepare(context.Background())
	if err != nil {
		return nil, err
	}
	if r.Kind != abi.Output {
		return nil, &flow.PrepareError{Reason: string(r.Output)}
	}
	rawjson.Elements(rawjson.Get(r.Output, "reads"), func(v []byte) bool {
		reads = append(reads, string(rawjson.AppendString(nil, v)))
		return true
	})
	return reads, nil
}

// Names are the names of all types, sorted. The caller must not change them.
func (n *Nodes) Names() []string { return n.names }

// Module returns the module of a type that is in Names.
func (n *Nodes) Module(name string) *sandbox.Module { return n.types[name].module }

// Acquire takes a reference. It is false when the last one is gone.
func (n *Nodes) Acquire() bool {
	for {
		refs := n.refs.Load()
		if refs == 0 {
			return false
		}
		if n.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// Release gives a reference back. The last one closes the modules.
func (n *Nodes) Release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	for _, t := range n.types {
		// No call is running, so there is nothing to wait for and nobody to tell of an error.
		_ = t.module.Close(context.Background())
	}
}

// Program is a plan bound to the modules that run it. It is immutable and safe for concurrent use. It holds no reference on
// its Nodes: executions do.
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

// Bind binds a plan that was compiled against n.
func (n *Nodes) Bind(p *flow.Plan) (*Program, error) {
	types, calls := make([]*nodeType, len(p.Nodes)), make([]caller, len(p.Nodes))
	for i := range types {
		if p.Nodes[i].Type == flow.TypeTrigger {
			continue
		}
		t, ok := n.types[p.Nodes[i].Type]
		if !ok {
			return nil, fmt.Errorf("node %s: there is no node type %s", p.Nodes[i].ID, p.Nodes[i].Type)
		}
		types[i], calls[i] = t, t.module
		if p.Nodes[i].Fixed != nil {
			calls[i] = t.module.Prepared(p.Nodes[i].Fixed)
		}
	}
	return &Program{Plan: p, owner: n, types: types, calls: calls}, nil
}
