package catalog

import (
	"context"
	"errors"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// signatures implements flow.Signatures with the schemes of package signature.
type signatures struct{}

// Parse implements flow.Signatures. The scheme is a *signature.Scheme.
func (signatures) Parse(settings []byte) (scheme any, problems []flow.Problem) {
	s, err := signature.ParseScheme(settings)
	if err == nil {
		return s, nil
	}
	var all signature.Errors
	errors.As(err, &all)
	for _, e := range all {
		problems = append(problems, flow.Problem{Path: e.Path, Reason: e.Reason})
	}
	return nil, problems
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
// and its secret is checked.
func CompileNew(ctx context.Context, id string, revision int64, document []byte, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := nodes.Compile(ctx, flow.MaxPrepareFuel, func(types flow.Types) (*flow.Plan, error) {
		return flow.CompileNew(id, revision, document, types, signatures{})
	})
	return bind(plan, err, nodes)
}

// compileRound is one round of the compilation of a stored document.
func compileRound(id string, e store.Entry, types *engine.Preparation, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := flow.Compile(id, e.Revision, e.Value, types, signatures{})
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

// CheckNewSecret is scheme.CheckSecret for a new secret. Secrets shorter than one group of base64
// pass, because they are no pasting mistakes.
func CheckNewSecret(scheme *signature.Scheme, secret []byte) error {
	if len(secret) <= maxStopgap {
		return nil
	}
	return scheme.CheckSecret(secret)
}
