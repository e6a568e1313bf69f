package flow

import (
	"time"

	"github.com/flowtrux/edge/runtime/internal/message"
)

// Mode says when a webhook gets its response, and what it is.
type Mode string

// The response modes.
const (
	Minimal      Mode = "minimal"
	LastNode     Mode = "lastNode"
	SpecificNode Mode = "specificNode"
	AllNodes     Mode = "allNodes"
)

// Plan is a validated workflow, ready to run. It is immutable and safe for concurrent use. What
// each execution reads stands first.
type Plan struct {
	ID       string
	Webhook  *Webhook // nil when the trigger is manual
	Nodes    []Node   // plan order: layer, then order in the document; Nodes[0] is the trigger
	Active   bool
	Revision int64 // the store's revision of the document; 0 when it came from a file

	// ReadsHeaders reports whether a template reads trigger.headers.
	ReadsHeaders bool

	shared int // how many roots its templates have that are the same for all nodes and items

	Name     string // the id when the document gives none
	Document []byte // the document's text as given, less webhook.secret
	// trigger.data of runs without input, canonical; nil = none given; only of a manual trigger
	Data []byte

	// Warnings are violations of rules that are newer than stored documents. The document is valid
	// and stays in service; for a new document they are errors ([CompileNew]). At most MaxProblems,
	// in the order of the document.
	Warnings []Problem

	// PrepareFuel is the fuel used to prepare the nodes, at most PrepareFuelStored.
	PrepareFuel uint64
}

// Webhook is the trigger's webhook settings.
type Webhook struct {
	Mode            Mode
	ResponseNode    int           // index in Nodes, for SpecificNode; -1 otherwise
	StatusCode      int           // 200 to 599; 200 by default
	Header          []HeaderField // no name twice
	Timeout         time.Duration // of waiting modes; 30s by default
	MaxConcurrent   int           // 0 = no limit of its own
	AcceptOnTimeout bool          // onTimeout: accept
	Idempotency     *Idempotency
	Scheme          any    // what Signatures made of webhook.signature; nil without Signatures
	Secret          Secret // webhook.secret: counts only while the store has no secret
	Path            string // JSON path of these settings in the document
}

// HeaderField is one custom response header, name in canonical form, in document order.
type HeaderField struct{ Name, Value string }

// Idempotency says where a sender's idempotency key is: in a header or in the body.
type Idempotency struct {
	Header string // canonical form; "" = in the body
	// resolves to the value in the body, null when it is missing; nil = in the header
	Field  *Template
	Window time.Duration // how long a key is remembered; 24h by default
}

// Secret is text that never shows: it prints and encodes as a mask. Use string(s) for the text.
type Secret string

// String returns the mask.
func (Secret) String() string { return message.Mask }

// GoString returns the mask.
func (Secret) GoString() string { return message.Mask }

// MarshalText returns the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(message.Mask), nil }

// Node is one step of a plan. What each execution reads stands first.
type Node struct {
	ID      string
	Type    string        // TypeTrigger for the first node
	In, Out []Edge        // in the order of the document
	Config  *Template     // an object; nil for the trigger
	ForEach *Template     // nil = runs once
	own     templates     // where both are
	Timeout time.Duration // 0 = none of its own
	Retry   Retry
	Handles []string // that the node may choose; nil = it does not route

	Continue    bool   // onError: continue
	ErrorEdge   bool   // has an outgoing "error" edge
	Concurrency int    // of forEach items, >= 1
	Layer       int    // longest path from the trigger
	Name        string // the id when the document gives none
	// an object: what the module is prepared with, not in Config; nil = nothing
	Fixed []byte
}

// templates are those of a node, which are one object with all nodes of their plan.
type templates struct{ config, forEach Template }

// Retry is a node's retry rule. Without one there is a single attempt.
type Retry struct {
	MaxAttempts int           // in all, 1 to 20
	Backoff     time.Duration // before the second attempt, then doubled each time; 1s by default
	MaxBackoff  time.Duration // at least Backoff; 30s by default
}

// Edge leads from node From to node To, indexes in Plan.Nodes. Handle "" is taken on success.
type Edge struct {
	From, To int
	Handle   string
}

// HandleError is the handle of edges that are followed when a node fails.
const HandleError = "error"
