package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Nodes are the node types of one configuration: their modules, and what workflows must know of
// them. Documents are compiled against a [Preparation] of them. A module is loaded when it is first
// asked for. Safe for concurrent use.
//
// Nodes are counted. Their maker holds one reference, and each running execution one; the last
// release closes the modules.
type Nodes struct {
	types   map[string]*lazyType
	names   []string
	loading chan struct{} // as many are loaded at a time as there are cores
	refs    atomic.Int64
}

// Load loads the module of a node type. It is called again after an error, by one goroutine at a
// time.
type Load func() (*sandbox.Module, error)

// lazyType is a node type that may have been loaded.
type lazyType struct {
	load Load

	mu  sync.Mutex               // held while it is loaded
	typ atomic.Pointer[nodeType] // nil = it has not been
}

// nodeType is a module and its manifest.
type nodeType struct {
	*flow.Type
	module *sandbox.Module
}

// NewNodes makes node types, by the names that workflows use. The modules are closed with them.
func NewNodes(types map[string]Load) *Nodes {
	n := &Nodes{
		types: make(map[string]*lazyType, len(types)), names: slices.Sorted(maps.Keys(types)),
		loading: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	n.refs.Store(1)
	for name, load := range types {
		n.types[name] = &lazyType{load: load}
	}
	return n
}

// loaded returns a type if it has been loaded, nil if not. The error is flow.ErrNoType when there
// is none of that name.
func (n *Nodes) loaded(name string) (*nodeType, error) {
	u, ok := n.types[name]
	if !ok {
		return nil, flow.ErrNoType
	}
	return u.typ.Load(), nil
}

// get returns a type, loaded. The error is flow.ErrNoType when there is none of that name.
func (n *Nodes) get(name string) (*nodeType, error) {
	if t, err := n.loaded(name); t != nil || err != nil {
		return t, err
	}
	u := n.types[name]
	u.mu.Lock()
	defer u.mu.Unlock()
	if n.refs.Load() == 0 { // nobody would close what is loaded now
		return nil, ErrGone
	}
	if t := u.typ.Load(); t != nil {
		return t, nil
	}
	n.loading <- struct{}{}
	defer func() { <-n.loading }()
	module, err := u.load()
	if err != nil {
		return nil, err
	}
	t, err := newNodeType(name, module)
	if err != nil {
		return nil, errors.Join(err, module.Close(context.Background()))
	}
	u.typ.Store(t)
	return t, nil
}

// newNodeType reads a module's manifest.
func newNodeType(name string, module *sandbox.Module) (*nodeType, error) {
	t, err := flow.ParseType(module.Manifest())
	if err != nil {
		return nil, err
	}
	if module.CanPrepare() != (len(t.Fixed) > 0) {
		return nil, fmt.Errorf("its manifest has fixed keys, or it exports %s: it must be both or neither", abi.ExportPrepare)
	}
	// what its author calls it is a proposal: one server can have two versions of a node
	t.Name = name
	return &nodeType{Type: t, module: module}, nil
}

// Load loads a type's module, unless it has been. The error is flow.ErrNoType when there is none of
// that name.
func (n *Nodes) Load(name string) error {
	_, err := n.get(name)
	return err
}

// Type returns a type, loaded. The error is flow.ErrNoType when there is none of that name.
func (n *Nodes) Type(name string) (*flow.Type, error) {
	t, err := n.get(name)
	if err != nil {
		return nil, err
	}
	return t.Type, nil
}

// Names are the names of all types, sorted. The caller must not change them.
func (n *Nodes) Names() []string { return n.names }

// Module returns a type's module. The error is flow.ErrNoType when there is none of that name.
func (n *Nodes) Module(name string) (*sandbox.Module, error) {
	t, err := n.get(name)
	if err != nil {
		return nil, err
	}
	return t.module, nil
}

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
	for _, u := range n.types {
		u.close()
	}
}

// close closes what was loaded, and waits for what is being loaded.
func (u *lazyType) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if t := u.typ.Load(); t != nil {
		// No call is running, so there is nothing to wait for and nobody to tell of an error.
		_ = t.module.Close(context.Background())
	}
}
