package catalog

import (
	"bytes"
	"errors"
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// Workflow is the state of a workflow in the store. It is immutable.
//
// Active, Webhook and Scheme are those of the version that serves. For a workflow that never had a
// valid version, they are read leniently from its newest document. So its senders get the responses
// that do not depend on the rest.
type Workflow struct {
	ID      string
	Program *engine.Program // of the last valid document; nil = there never was one
	Active  bool
	Webhook bool              // its trigger is a webhook
	Scheme  *signature.Scheme // never nil
	// keys in force; expired ones may be among them
	Keys     []signature.Key
	Revision int64          // of the newest document
	Serving  int64          // of Program's document; 0 = none
	Problems []flow.Problem // of the newest document; nil = it is valid
	// of the newest document if it is valid, see flow.Plan.Warnings
	Warnings []flow.Problem
	// why secrets/<id> has no usable secret; "" = it has, or does not exist. Never contains a
	// secret
	SecretProblem string
	// the newest document as stored; it may contain a secret, see flow.RedactSecret
	Document []byte

	// Preparing is closed when this state is outdated: the document, or an earlier one that may
	// serve in its place, has been prepared, replaced or deleted. nil = nothing is being prepared.
	Preparing <-chan struct{}

	serving []byte          // Program's document as stored
	own     []signature.Key // of the document that serves
}

// program returns the program that serves, or nil.
func (w *Workflow) program() *engine.Program {
	if w == nil {
		return nil
	}
	return w.Program
}

// OwnKeys returns the keys of the secret in the document that serves, whether or not they are in
// force.
func (w *Workflow) OwnKeys() []signature.Key { return w.own }

// peek reads an invalid document leniently.
func (w *Workflow) peek() {
	p := flow.DecodeLenient(w.Document)
	w.Active, w.Webhook, w.own = p.Active, p.Webhook, ownKeys(p.Secret)
	scheme, err := signature.ParseScheme(p.Signature)
	if err != nil {
		scheme = defaultScheme()
	}
	w.Scheme = scheme
}

// problems returns the problems in an error of Compile.
func problems(err error) []flow.Problem {
	if e := (*flow.DocumentError)(nil); errors.As(err, &e) {
		return e.Problems
	}
	return []flow.Problem{{Reason: err.Error()}}
}

// isOf reports whether w was made from this entry.
func (w *Workflow) isOf(e store.Entry) bool {
	return w != nil && w.Revision == e.Revision && bytes.Equal(w.Document, e.Value)
}

// withSecret returns w with the keys in force if its secret in the store is s; nil = none.
func (w *Workflow) withSecret(s *secret) *Workflow {
	with := *w
	with.Keys, with.SecretProblem = w.own, ""
	if s != nil {
		with.Keys, with.SecretProblem = s.keys, s.problem
	}
	return &with
}

// secret is the secret of a workflow in the store.
type secret struct {
	entry   store.Entry
	keys    []signature.Key
	problem string // why there are no keys
}

func newSecret(e store.Entry) *secret {
	keys, err := signature.ParseKeys(e.Value)
	s := &secret{entry: e, keys: keys}
	switch {
	case err != nil:
		s.keys, s.problem = nil, err.Error()
	case len(keys) == 0:
		s.problem = "is empty"
	}
	return s
}

// isOf reports whether s was made from this entry.
func (s *secret) isOf(e store.Entry) bool {
	return s != nil && s.entry.Revision == e.Revision && bytes.Equal(s.entry.Value, e.Value)
}

// ownKeys returns the keys of the secret in a document.
func ownKeys(s flow.Secret) []signature.Key {
	if s == "" {
		return nil
	}
	return signature.OneKey([]byte(string(s)), time.Time{})
}
