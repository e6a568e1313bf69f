// Package catalog is the live view of a store's content for one configuration: compiled workflows with their secrets, and
// globals.
//
// A [Catalog] is fed with the batches of a store ([Catalog.Apply]) and read by requests and executions at any time: reading
// is one atomic load of a snapshot that never changes. A workflow whose newest document is invalid keeps its last valid
// program. The catalog follows no store by itself, writes nothing to it, and runs nothing.
//
// The keys it knows, below the store's prefix:
//
//	workflows/<id>  a workflow document
//	secrets/<id>    the secrets of a workflow; while this key is there, the document's own secret does not count
//	globals/<key>   a value: JSON, or text that is not JSON and becomes a string
package catalog

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
)

// Prefixes of the keys in a store.
const (
	WorkflowPrefix = "workflows/"
	SecretPrefix   = "secrets/"
	GlobalPrefix   = "globals/"
)

// Options of a Catalog.
type Options struct {
	Nodes  *engine.Nodes // the types that workflows are compiled against; the catalog takes no reference
	Logger *zap.Logger   // nil = no log

	// Keep is called during Apply with the last valid document of a workflow whose newest one is invalid, by the key of
	// that workflow, and with nil when it need not be kept any longer. See store.Mirror.Keep; nil = nobody keeps.
	Keep func(key string, value []byte, revision int64)
}

// Catalog is the live view of a store's content for one configuration. Reading is safe for concurrent use; Apply is
// called by one goroutine at a time.
type Catalog struct {
	options Options
	current atomic.Pointer[snapshot]
	ready   chan struct{}
	isReady sync.Once

	// What only Apply uses.
	secrets map[string]*secret // by workflow id
	kept    map[string]int64   // revisions of the documents that Keep holds, by workflow id
}

// snapshot is what readers see. It never changes.
type snapshot struct {
	workflows map[string]*Workflow
	globals   map[string][]byte
}

// New makes an empty catalog that is not ready.
func New(o Options) *Catalog {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Keep == nil {
		o.Keep = func(string, []byte, int64) {}
	}
	c := &Catalog{
		options: o, ready: make(chan struct{}),
		secrets: make(map[string]*secret), kept: make(map[string]int64),
	}
	c.current.Store(&snapshot{workflows: make(map[string]*Workflow), globals: make(map[string][]byte)})
	return c
}

// Ready is closed when the catalog has had the whole content of its store for the first time.
func (c *Catalog) Ready() <-chan struct{} { return c.ready }

// Workflow finds a workflow; nil when the store has none of that id.
func (c *Catalog) Workflow(id string) *Workflow { return c.current.Load().workflows[id] }

// List gives all workflows sorted by id.
func (c *Catalog) List() []*Workflow {
	return slices.SortedFunc(maps.Values(c.current.Load().workflows), func(a, b *Workflow) int {
		return cmp.Compare(a.ID, b.ID)
	})
}

// Global returns a global's value as canonical raw JSON, which nobody changes.
func (c *Catalog) Global(key string) (value []byte, ok bool) {
	value, ok = c.current.Load().globals[key]
	return value, ok
}

// Global is one global value.
type Global struct {
	Key   string
	Value []byte // canonical raw JSON; must not be shown when flow.IsSecretGlobal(Key)
}

// Globals gives all globals sorted by key, secret ones included.
func (c *Catalog) Globals() []Global {
	values := c.current.Load().globals
	list := make([]Global, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, Global{key, values[key]})
	}
	return list
}
