package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// Compile does all that makes a document a workflow that runs: engine.Nodes.Compile, the check of
// webhook.signature, and the binding to the modules of nodes. It is for documents that were stored
// before. Errors are those of engine.Nodes.Compile.
func Compile(ctx context.Context, id string, revision int64, document []byte, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := nodes.Compile(ctx, id, revision, document, flow.PrepareFuelStored)
	if err != nil {
		return nil, nil, err
	}
	return bind(plan, document, nodes)
}

// compileWith is a round of the compilation of what is stored.
func compileWith(id string, e store.Entry, types *engine.Preparation, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := flow.Compile(id, e.Revision, e.Value, types)
	if err != nil {
		return nil, nil, err
	}
	return bind(plan, e.Value, nodes)
}

// bind is Compile from the plan on.
func bind(plan *flow.Plan, document []byte, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	var settings []byte
	if plan.Webhook != nil {
		settings = plan.Webhook.Signature
	}
	scheme, err := signature.ParseScheme(settings)
	if err != nil {
		return nil, nil, problem(signaturePath(document, err), err)
	}
	program, err := nodes.Bind(plan)
	if err != nil {
		return nil, nil, problem("nodes", err)
	}
	return program, scheme, nil
}

// CompileNew is Compile for a document that somebody brings: the plan's warnings are errors, and
// its secret is checked.
func CompileNew(ctx context.Context, id string, revision int64, document []byte, nodes *engine.Nodes) (*engine.Program, *signature.Scheme, error) {
	plan, err := nodes.Compile(ctx, id, revision, document, flow.MaxPrepareFuel)
	if err != nil {
		return nil, nil, err
	}
	program, scheme, err := bind(plan, document, nodes)
	if err != nil {
		return nil, nil, err
	}
	problems := program.Plan.Warnings
	if w := program.Plan.Webhook; w != nil && w.Secret != "" {
		if err := CheckNewSecret(scheme, []byte(string(w.Secret))); err != nil {
			problems = append(slices.Clip(problems), flow.Problem{Path: webhookPath(document) + ".secret", Reason: err.Error()})
		}
	}
	if len(problems) > 0 {
		return nil, nil, &flow.DocumentError{Problems: problems}
	}
	return program, scheme, nil
}

// tryOut is up to how many bytes a secret is taken for a stopgap, which is not worth a refusal.
const tryOut = 3

// CheckNewSecret is scheme.CheckSecret for a secret that somebody brings. What is shorter than one
// group of base64 is let pass: it is nothing that was pasted wrongly.
func CheckNewSecret(scheme *signature.Scheme, secret []byte) error {
	if len(secret) <= tryOut {
		return nil
	}
	return scheme.CheckSecret(secret)
}

// problem makes a *flow.DocumentError of one problem.
func problem(path string, err error) error {
	reason := err.Error()
	if e := (*signature.Error)(nil); errors.As(err, &e) {
		reason = e.Reason
	}
	return &flow.DocumentError{Problems: []flow.Problem{{Path: path, Reason: reason}}}
}

// signaturePath is the JSON path of what is wrong in webhook.signature of a document that is valid
// otherwise.
func signaturePath(document []byte, err error) string {
	path := webhookPath(document) + ".signature"
	if e := (*signature.Error)(nil); errors.As(err, &e) && e.Path != "" {
		path += "." + e.Path
	}
	return path
}

// webhookPath is the JSON path of the webhook's settings in a document that is valid otherwise.
func webhookPath(document []byte) string {
	index, i := 0, 0
	rawjson.Elements(rawjson.Get(document, "nodes"), func(node []byte) bool {
		if string(rawjson.AppendString(nil, rawjson.Get(node, "type"))) == flow.TypeTrigger {
			index = i
		}
		i++
		return true
	})
	return fmt.Sprintf("nodes[%d].config.webhook", index)
}
