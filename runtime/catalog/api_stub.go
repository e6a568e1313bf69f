package catalog

import (
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// Options of a Catalog.
type Options struct {
	Nodes  *engine.Nodes
	Logger *zap.Logger
	Keep   func(key string, value []byte, revision int64) // store.Mirror.Keep; may be nil
}

// Catalog is the live view of a store's content for one config: compiled workflows, secrets, globals.
// Reading is one atomic load; Apply is called by one goroutine at a time.
type Catalog struct{ _ struct{} }

// New makes an empty catalog that is not ready.
func New(o Options) *Catalog { panic("stub") }

// Apply takes a step of the store's content. Invalid documents keep their last valid program and are logged once per revision.
func (c *Catalog) Apply(b store.Batch) { panic("stub") }

// Ready is closed after the first Reset batch was applied.
func (c *Catalog) Ready() <-chan struct{} { panic("stub") }

// Workflow is what is known of a workflow that is in the store. Immutable.
type Workflow struct {
	ID            string
	Program       *engine.Program // the last valid one; nil = there never was one
	Active        bool
	Webhook       bool // its trigger is a webhook
	Scheme        *signature.Scheme
	Keys          []signature.Key
	Revision      int64          // of the newest document
	Serving       int64          // of Program's document; 0 = none
	Problems      []flow.Problem // of the newest document; nil = it is valid
	SecretProblem string         // why the stored secret is none; no secrets in it
	Document      []byte         // the newest document as stored
}

// Workflow finds a workflow; nil when the store has none of that id.
func (c *Catalog) Workflow(id string) *Workflow { panic("stub") }

// List gives all workflows sorted by id.
func (c *Catalog) List() []*Workflow { panic("stub") }

// Global returns a global's value as raw JSON.
func (c *Catalog) Global(key string) ([]byte, bool) { panic("stub") }

// Globals gives all globals, sorted by key, as raw JSON; __secret ones included: mask before showing.
func (c *Catalog) Globals() []Global { panic("stub") }

// Global is one global value.
type Global struct {
	Key   string
	Value []byte
}
