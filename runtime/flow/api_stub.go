package flow

import "errors"

// Template is a JSON value whose strings may hold templates, parsed once. Immutable.
type Template struct{}

// ErrTooLarge is returned by Template.Append when the result would exceed the limit.
var ErrTooLarge = errors.New("value too large")

// Append resolves t in s and appends the resulting JSON value to dst, at most limit bytes of it (ErrTooLarge, found while resolving).
func (t *Template) Append(dst []byte, s *Scope, limit int) ([]byte, error) { panic("stub") }

// Types knows the node types.
type Types interface {
	Type(name string) (*Type, bool)
	Names() []string // sorted, for messages
}

// Type is what a workflow must know of a node type: its module's manifest, decoded by ParseType.
type Type struct {
	Name string
}

// ParseType decodes a module's manifest (what describe returns).
func ParseType(manifest []byte) (*Type, error) { panic("stub") }

// Problem is one thing wrong with a document.
type Problem struct {
	Path   string // JSON path: nodes[2].config.cases[0].name; "" = the document
	Reason string
}

// DocumentError is all that is wrong with a document, in document order, at least one.
type DocumentError struct {
	Problems []Problem
}

func (e *DocumentError) Error() string { panic("stub") }

// Compile decodes, validates and plans a document. id is the key it is stored under ("" = the document must have one).
// The error is a *DocumentError. raw is not kept or changed.
func Compile(id string, revision int64, raw []byte, types Types) (*Plan, error) { panic("stub") }

// Peek reads from a document that may be invalid the little that is needed to answer its senders: whether it
// is a JSON object, active, its trigger type, its signature settings and secret.
type Peek struct {
	Active    bool
	Webhook   bool
	Signature []byte
	Secret    Secret
}

// PeekDocument never fails; what it cannot read has its default (active, webhook).
func PeekDocument(raw []byte) Peek { panic("stub") }

// NewEvent makes an event of a request: body is checked (exactly one JSON value, UTF-8, no BOM, 512 deep; empty = {}),
// repeated keys are dropped, rawQuery becomes `_query`. Errors are *rawjson.SyntaxError.
func NewEvent(body []byte, rawQuery string, ev Event) (*Event, error) { panic("stub") }
