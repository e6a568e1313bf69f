// Package catalog provides the live view of a store for one configuration: compiled workflows with
// their secrets, and globals.
//
// A [Catalog] is fed with the batches of a store ([Catalog.Apply]) and read by requests and
// executions at any time, without a lock. A workflow whose newest document is invalid keeps its
// last valid program. The catalog follows no store by itself, writes nothing to it, and runs
// nothing but the preparation of documents.
//
// Secrets and globals are live when Apply returns, and so are documents whose node types are loaded
// and prepared. Other documents are prepared on goroutines of the catalog, and each is live when it
// is ready. Until then the last valid version serves. In the end the content is the same as if
// Apply had waited for each.
//
// The keys, below the store's prefix:
//
//	workflows/<id>  a workflow document
//	secrets/<id>    the secrets of a workflow; they replace the secret in the document
//	globals/<key>   a value: JSON, or text that is not JSON and becomes a string
package catalog

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// Prefixes of the keys in a store.
const (
	WorkflowPrefix = "workflows/"
	SecretPrefix   = "secrets/"
	GlobalPrefix   = "globals/"
)

// Options configure a Catalog.
type Options struct {
	// node types for workflows; the catalog takes no reference
	Nodes  *engine.Nodes
	Logger *zap.Logger // nil = no log

	// Context is the context of the configuration. After its end nothing more is prepared, and
	// failures to load say nothing about a document. nil = it never ends.
	Context context.Context

	// Keep is called with the last valid document of a workflow whose newest one is invalid or
	// being prepared. It is called with nil once that document is no longer needed. Calls do not
	// overlap, and Keep must not call the catalog. See store.Mirror.Keep. nil = no call.
	Keep func(key string, value []byte, revision int64)

	// Rejected is called once for each document that turns out to be invalid. It must not change
	// the problems, block, or call the catalog. nil = no call.
	Rejected func(id string, revision int64, problems []flow.Problem)

	// Changed is called for a workflow that may have changed or gone, once readers see it. Of the
	// catalog, it may only call Workflow and Ready. It must not block. nil = no call.
	Changed func(id string)
}

// Catalog is the live view of the content of a store for one configuration. It is safe for
// concurrent use. Close ends its goroutines.
type Catalog struct {
	options Options
	current atomic.Pointer[snapshot]
	ready   chan struct{}
	isReady sync.Once
	ctx     context.Context // for all tasks; ends with Options.Context, and with Close
	cancel  context.CancelFunc
	work    sync.WaitGroup // the goroutines that prepare

	// guards the fields below, and is held while the snapshot changes
	mu      sync.Mutex
	secrets map[string]*secret // by workflow ID
	// revisions of the documents that Keep holds, by workflow id
	kept      map[string]int64
	preparing map[string]*task           // by workflow ID
	serving   map[string]*engine.Program // by workflow ID
	turns     turns
	waiting   map[string][]*task // for a node type that is being loaded, by its name
}

// snapshot is the state that readers see. Its maps never change. A slot changes when its workflow
// has been prepared.
type snapshot struct {
	workflows map[string]*slot
	globals   map[string]Global
}

// slot holds a workflow in snapshots; it is never empty.
type slot = atomic.Pointer[Workflow]

// slotOf returns a slot with w, or with a copy of it. If w stays, both are one object: a request to
// one of thousands of workflows waits for the memory of each object.
func slotOf(w *Workflow) *slot {
	if w.Preparing != nil {
		s := new(slot)
		s.Store(w)
		return s
	}
	both := &struct {
		slot     slot
		workflow Workflow
	}{workflow: *w}
	both.slot.Store(&both.workflow)
	return &both.slot
}

// workflow returns a workflow, or nil.
func (s *snapshot) workflow(id string) *Workflow {
	if slot := s.workflows[id]; slot != nil {
		return slot.Load()
	}
	return nil
}

// New returns an empty catalog that is not ready.
func New(o Options) *Catalog {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Keep == nil {
		o.Keep = func(string, []byte, int64) {}
	}
	if o.Rejected == nil {
		o.Rejected = func(string, int64, []flow.Problem) {}
	}
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	if o.Context == nil {
		o.Context = context.Background()
	}
	c := &Catalog{
		options: o, ready: make(chan struct{}),
		secrets: make(map[string]*secret), kept: make(map[string]int64),
		preparing: make(map[string]*task), serving: make(map[string]*engine.Program), waiting: make(map[string][]*task),
		turns: turns{slow: make(map[*task]context.CancelFunc)},
	}
	c.ctx, c.cancel = context.WithCancel(o.Context)
	c.current.Store(&snapshot{workflows: make(map[string]*slot), globals: make(map[string]Global)})
	return c
}

// Close cancels all preparing and waits for its end: at most for a slice of fuel, or for a module
// that is being loaded. The content can still be read as it is. Apply must not be called any more.
func (c *Catalog) Close() {
	c.cancel()
	c.work.Wait()
}

// Settled waits until nothing is being prepared. If ctx ends first, it returns the cause.
func (c *Catalog) Settled(ctx context.Context) error {
	for {
		done := c.busy()
		if done == nil {
			return nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// busy returns a channel that is closed when a workflow is no longer being prepared, or nil when
// none is.
func (c *Catalog) busy() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.preparing {
		return t.done
	}
	return nil
}

// Ready returns a channel that is closed when the catalog has the whole content of its store for
// the first time. Documents may still be being prepared then.
func (c *Catalog) Ready() <-chan struct{} { return c.ready }

// Workflow returns a workflow, or nil if the store has none with that ID.
func (c *Catalog) Workflow(id string) *Workflow { return c.current.Load().workflow(id) }

// List returns all workflows sorted by ID.
func (c *Catalog) List() []*Workflow {
	slots := c.current.Load().workflows
	list := make([]*Workflow, 0, len(slots))
	for _, s := range slots {
		list = append(list, s.Load())
	}
	slices.SortFunc(list, func(a, b *Workflow) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Global returns the value of a global as canonical raw JSON. It never changes.
func (c *Catalog) Global(key string) (value []byte, ok bool) {
	g, ok := c.current.Load().globals[key]
	return g.Value, ok
}

// Global is one global value.
type Global struct {
	Key      string
	Value    []byte // canonical raw JSON; must not be shown if flow.IsSecretGlobal(Key)
	Revision int64
}

// GlobalEntry returns a global with its revision.
func (c *Catalog) GlobalEntry(key string) (g Global, ok bool) {
	g, ok = c.current.Load().globals[key]
	return g, ok
}

// Globals returns all globals sorted by key, including secret ones.
func (c *Catalog) Globals() []Global {
	values := c.current.Load().globals
	list := make([]Global, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, values[key])
	}
	return list
}
