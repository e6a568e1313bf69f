package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

// DroppedHeaders are the mistakes in names of request headers that a workflow reads: Caddy drops
// headers with an underscore or a dot in their names before any handler sees them. expected tells
// of such a name whether a server's options say that it is to be kept; nil = nothing is known of
// servers.
func DroppedHeaders(p *flow.Plan, s *signature.Scheme, expected func(name string) bool) []flow.Problem {
	var problems []flow.Problem
	for _, h := range catalog.RequestHeaders(p, s) {
		kind, option := "an underscore", "expected_underscore_headers"
		if !strings.Contains(h.Name, "_") {
			kind, option = "a dot", "expected_dot_headers"
		}
		if !strings.ContainsAny(h.Name, "_.") || expected != nil && expected(h.Name) {
			continue
		}
		problems = append(problems, flow.Problem{Path: h.Path, Reason: fmt.Sprintf(
			"Caddy drops request headers with %s in their names, unless %s in the options of its servers lists them", kind, option)})
	}
	return problems
}

// CompileNew is catalog.CompileNew, and checks for DroppedHeaders as well.
func CompileNew(ctx context.Context, id string, document []byte, nodes *engine.Nodes, expected func(header string) bool) (*engine.Program, error) {
	program, scheme, err := catalog.CompileNew(ctx, id, 0, document, nodes)
	if err != nil {
		return nil, err
	}
	if problems := DroppedHeaders(program.Plan, scheme, expected); len(problems) > 0 {
		return nil, &flow.DocumentError{Problems: problems}
	}
	return program, nil
}
