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

// Nodes holds the node types of one configuration, each with its module and manifest. Documents are
// compiled against a [Preparation] of them. A module is loaded when it is first needed. Nodes is
// safe for concurrent use.
//
// Nodes counts its references. The caller of NewNodes holds one, and so does each running
// execution. The last Release closes the modules.
type Nodes struct {
	types   map[string]*lazyType
	names   []string
	loading chan struct{} // limits concurrent loads to the number of cores
	refs    atomic.Int64
}

// Load loads the module of a node type. After an error it may be called again. Calls do not
// overlap.
type Load func() (*sandbox.Module, error)

// Family is a file that offers several node types. Loading one of them loads them all.
type Family struct {
	Types []string // the names that workflows use
	// Load loads a module for each of Types, which has that name as its type. After an error it may
	// be called again. Calls do not overlap.
	Load func() ([]*sandbox.Module, error)
}

// lazyType is a node type that is loaded when needed.
type lazyType struct {
	file *lazyFile
	typ  atomic.Pointer[nodeType] // nil = not loaded
}

// lazyFile is a file whose node types are loaded when one of them is needed.
type lazyFile struct {
	names []string
	types []*lazyType
	load  func() ([]*sandbox.Module, error)
	mu    sync.Mutex // held during load
}

// nodeType is a module and its manifest.
type nodeType struct {
	*flow.Type
	module *sandbox.Module
}

// NewNodes returns node types, by the names that workflows use: those of files with one, and those
// of families. No name may be there twice. It takes over the modules: the last Release closes them.
func NewNodes(types map[string]Load, families ...Family) *Nodes {
	n := &Nodes{types: make(map[string]*lazyType, len(types)), loading: make(chan struct{}, runtime.GOMAXPROCS(0))}
	n.refs.Store(1)
	for name, load := range types {
		n.add(Family{[]string{name}, func() ([]*sandbox.Module, error) {
			m, err := load()
			return []*sandbox.Module{m}, err
		}})
	}
	for _, f := range families {
		n.add(f)
	}
	n.names = slices.Sorted(maps.Keys(n.types))
	return n
}

func (n *Nodes) add(f Family) {
	file := &lazyFile{names: f.Types, load: f.Load}
	for _, name := range f.Types {
		t := &lazyType{file: file}
		file.types = append(file.types, t)
		n.types[name] = t
	}
}

// loaded returns a type if it has been loaded, else nil. The error is flow.ErrNoType if the name is
// unknown.
func (n *Nodes) loaded(name string) (*nodeType, error) {
	u, ok := n.types[name]
	if !ok {
		return nil, flow.ErrNoType
	}
	return u.typ.Load(), nil
}

// get returns a type and loads it if necessary. The error is flow.ErrNoType if the name is unknown.
func (n *Nodes) get(name string) (*nodeType, error) {
	if t, err := n.loaded(name); t != nil || err != nil {
		return t, err
	}
	u := n.types[name]
	u.file.mu.Lock()
	defer u.file.mu.Unlock()
	if n.refs.Load() == 0 { // nobody would close the modules
		return nil, ErrGone
	}
	if t := u.typ.Load(); t != nil {
		return t, nil
	}
	n.loading <- struct{}{}
	defer func() { <-n.loading }()
	if err := u.file.open(); err != nil {
		return nil, err
	}
	return u.typ.Load(), nil
}

// open loads the file's modules. Either all of its types are loaded then, or none.
func (f *lazyFile) open() (err error) {
	modules, err := f.load()
	if err != nil {
		return err
	}
	types, err := f.bind(modules)
	if err != nil {
		for _, m := range modules {
			err = errors.Join(err, m.Close(context.Background()))
		}
		return err
	}
	for i, t := range types {
		f.types[i].typ.Store(t)
	}
	return nil
}

// bind reads the manifests of the file's modules.
func (f *lazyFile) bind(modules []*sandbox.Module) (types []*nodeType, err error) {
	if len(modules) == 1 && len(f.names) == 1 {
		t, err := newNodeType(f.names[0], modules[0])
		return []*nodeType{t}, err
	}
	for _, name := range f.names {
		i := slices.IndexFunc(modules, func(m *sandbox.Module) bool { return m.Type() == name })
		if i < 0 {
			return nil, fmt.Errorf("it offers no node type %s", name)
		}
		t, bad := newNodeType(name, modules[i])
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("node type %s: %w", name, bad))
		}
		types = append(types, t)
	}
	if len(modules) > len(f.names) {
		err = errors.Join(err, fmt.Errorf("it offers %d node types instead of %d", len(modules), len(f.names)))
	}
	return types, err
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
	// the name in the manifest is only a proposal: one server can have two versions of a node
	t.Name = name
	return &nodeType{Type: t, module: module}, nil
}

// Load loads a type's module if it is not loaded yet. The error is flow.ErrNoType if the name is
// unknown.
func (n *Nodes) Load(name string) error {
	_, err := n.get(name)
	return err
}

// Type returns a type and loads it if necessary. The error is flow.ErrNoType if the name is
// unknown.
func (n *Nodes) Type(name string) (*flow.Type, error) {
	t, err := n.get(name)
	if err != nil {
		return nil, err
	}
	return t.Type, nil
}

// Names returns the names of all types, sorted. The caller must not change them.
func (n *Nodes) Names() []string { return n.names }

// Module returns a type's module and loads it if necessary. The error is flow.ErrNoType if the name
// is unknown.
func (n *Nodes) Module(name string) (*sandbox.Module, error) {
	t, err := n.get(name)
	if err != nil {
		return nil, err
	}
	return t.module, nil
}

// Acquire takes a reference. It returns false if the last one has been released.
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

// Release releases a reference. The last Release closes the modules.
func (n *Nodes) Release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	for _, u := range n.types {
		u.close()
	}
}

// close closes the module if it is loaded. It waits while the module is being loaded.
func (u *lazyType) close() {
	u.file.mu.Lock()
	defer u.file.mu.Unlock()
	if t := u.typ.Load(); t != nil {
		// No call is running, so there is nothing to wait for, and no caller could act on an error.
		_ = t.module.Close(context.Background())
	}
}
