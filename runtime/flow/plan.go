package flow

import "time"

// Mode is how a webhook is answered.
type Mode string

// The response modes.
const (
	Minimal      Mode = "minimal"
	LastNode     Mode = "lastNode"
	SpecificNode Mode = "specificNode"
	AllNodes     Mode = "allNodes"
)

// Plan is a validated workflow, ready to run. It is immutable and safe for concurrent use.
type Plan struct {
	ID       string
	Name     string
	Active   bool
	Revision int64    // the store's revision of the document; 0 when it came from a file
	Document []byte   // the document's text as given, less webhook.secret
	Webhook  *Webhook // nil when the trigger is not a webhook
	Nodes    []Node   // plan order: layer, then order in the document; Nodes[0] is the trigger
}

// Webhook is the trigger's webhook settings.
type Webhook struct {
	Mode            Mode
	ResponseNode    int // index in Nodes, for SpecificNode; -1 otherwise
	StatusCode      int
	Header          []HeaderField
	Timeout         time.Duration
	MaxConcurrent   int  // 0 = no limit of its own
	AcceptOnTimeout bool // onTimeout: accept
	Idempotency     *Idempotency
	Signature       []byte // raw JSON of webhook.signature, nil = default scheme; checked by package signature
	Secret          Secret // webhook.secret: counts only while the store has no secret
}

// HeaderField is one custom response header, name in canonical form, in document order.
type HeaderField struct{ Name, Value string }

// Idempotency names where a sender's idempotency key stands.
type Idempotency struct {
	Header string // or
	Field  *Template
	Window time.Duration
}

// Secret is text that never shows: it prints as a mask. Use string(s) for the text.
type Secret string

func (Secret) String() string               { return "***" }
func (Secret) GoString() string             { return "***" }
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Node is one step of a plan.
type Node struct {
	ID, Type, Name string
	Layer          int           // longest path from the trigger
	Config         *Template     // nil for the trigger
	ForEach        *Template     // nil = runs once
	Concurrency    int           // of forEach items, >= 1
	Timeout        time.Duration // 0 = none of its own
	Retry          Retry
	Continue       bool // onError: continue
	ErrorEdge      bool // has an outgoing "error" edge
	In, Out        []Edge
}

// Retry is a node's retry rule. MaxAttempts counts all attempts, >= 1.
type Retry struct {
	MaxAttempts         int
	Backoff, MaxBackoff time.Duration
}

// Edge leads from node From to node To, indexes in Plan.Nodes. Handle "" is taken on success.
type Edge struct {
	From, To int
	Handle   string
}

// HandleError is the handle of edges that are taken when a node fails.
const HandleError = "error"
