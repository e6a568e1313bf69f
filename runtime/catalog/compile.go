package catalog

import (
	"bytes"
	"context"
	"errors"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/internal/message"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// HeaderCheck returns why no request can have a header, given by its canonical name, or "" if one
// can. nil finds nothing wrong.
type HeaderCheck func(name string) (reason string)

// signatures implements flow.Signatures with the schemes of package signature. check is for new
// documents.
type signatures struct{ check HeaderCheck }

// Parse implements flow.Signatures. The scheme is a *signature.Scheme.
func (s signatures) Parse(settings []byte) (scheme any, problems []flow.Problem) {
	parsed, err := signature.ParseScheme(settings)
	var all signature.Errors
	errors.As(err, &all)
	for _, e := range all {
		problems = append(problems, flow.Problem{Path: e.Place(), Reason: e.Reason})
	}
	if s.check != nil {
		for _, h := range signature.CustomHeaders(settings) {
			if reason := s.check(h.Name); reason != "" {
				problems = append(problems, flow.Problem{Path: h.Path, Reason: reason})
			}
		}
	}
	if err != nil {
		return nil, problems
	}
	return parsed, problems
}

// CheckHeader implements flow.Signatures.
func (s signatures) CheckHeader(name string) string {
	if s.check == nil {
		return ""
	}
	return s.check(name)
}

// CheckSecret implements flow.Signatures.
func (signatures) CheckSecret(scheme any, secret flow.Secret) string {
	if err := CheckNewSecret(scheme.(*signature.Scheme), []byte(string(secret))); err != nil {
		return err.Error()
	}
	return ""
}

// defaultScheme returns the scheme of a workflow without signature settings.
func defaultScheme() *signature.Scheme {
	s, _ := signature.ParseScheme(nil) // never fails: there is nothing to parse
	return s
}

// Compile compiles a stored document and its signature scheme, and binds its nodes to their
// modules. Errors are those of engine.Nodes.Compile.
func Compile(ctx context.Context, id string, revision int64, document []byte, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := nodes.Compile(ctx, flow.PrepareFuelStored, func(types flow.Types) (*flow.Plan, error) {
		return flow.Compile(id, revision, document, types, signatures{})
	})
	return bind(plan, err, nodes)
}

// CompileNew is [Compile] for a document that is not stored yet. The plan's warnings are errors,
// and its secret and the request headers that it names are checked.
func CompileNew(
	ctx context.Context, id string, revision int64, document []byte, nodes *engine.Nodes, check HeaderCheck,
) (*engine.Program, *signature.Scheme, error) {
	plan, err := nodes.Compile(ctx, flow.MaxPrepareFuel, func(types flow.Types) (*flow.Plan, error) {
		return flow.CompileNew(id, revision, document, types, signatures{check})
	})
	return bind(plan, err, nodes)
}

// compileRound is one round of the compilation of a stored document.
func compileRound(id string, e store.Entry, types *engine.Preparation, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := flow.Compile(id, e.Revision, e.Value, types, signatures{})
	if err == nil && bytes.Equal(plan.Document, e.Value) {
		plan.Document = e.Value // which the catalog retains anyway
	}
	return bind(plan, err, nodes)
}

// bind returns a program for a plan, or err unless it is nil.
func bind(plan *flow.Plan, err error, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	if err != nil {
		return nil, nil, err
	}
	program, err := nodes.Bind(plan)
	if err != nil {
		return nil, nil, &flow.DocumentError{Problems: []flow.Problem{{Path: "nodes", Reason: err.Error()}}}
	}
	if plan.Webhook == nil {
		return program, defaultScheme(), nil
	}
	return program, plan.Webhook.Scheme.(*signature.Scheme), nil
}

// maxStopgap is the length up to which a secret is taken for a stopgap, in bytes. Stopgaps are not
// rejected.
const maxStopgap = 3

// CheckNewSecret is scheme.CheckSecret for a new secret, which also must not be the text that is
// shown in place of secrets. Other secrets shorter than one group of base64 pass, because they are
// no pasting mistakes.
func CheckNewSecret(scheme *signature.Scheme, secret []byte) error {
	switch {
	case string(secret) == message.Mask:
		return errMask
	case len(secret) <= maxStopgap:
		return nil
	}
	return scheme.CheckSecret(secret)
}

var errMask = errors.New("is " + message.Mask + ", which is shown in place of secrets: anybody can guess it")
