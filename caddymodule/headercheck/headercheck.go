// Package headercheck finds request headers that a workflow reads and Caddy drops: those with an
// underscore or a dot in their names, unless the options of a server list them.
package headercheck

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
)

// Expected reports whether a request header of a canonical name that has an underscore or a dot
// reaches handlers. nil = nothing is known of the servers: none is expected.
type Expected func(name string) bool

// reason returns why a request header of a canonical name does not arrive, or "" if it may.
func (expected Expected) reason(name string) string {
	if !strings.ContainsAny(name, "_.") || expected != nil && expected(name) {
		return ""
	}
	kind, option := "an underscore", "expected_underscore_headers"
	if !strings.Contains(name, "_") {
		kind, option = "a dot", "expected_dot_headers"
	}
	return fmt.Sprintf(
		"Caddy drops request headers with %s in their names, unless %s in the options of its servers lists them", kind, option)
}

// Dropped returns the problems of a workflow that reads headers which Caddy drops before any
// handler sees them.
func Dropped(p *flow.Plan, s *signature.Scheme, expected Expected) []flow.Problem {
	var problems []flow.Problem
	for _, h := range catalog.RequestHeaders(p, s) {
		if reason := expected.reason(h.Name); reason != "" {
			problems = append(problems, flow.Problem{Path: h.Path, Reason: reason})
		}
	}
	return problems
}

// CompileNew is catalog.CompileNew. It also reports the headers that Caddy drops.
func CompileNew(
	ctx context.Context, id string, document []byte, nodes *engine.Nodes, expected Expected,
) (*engine.Program, error) {
	program, _, err := catalog.CompileNew(ctx, id, 0, document, nodes, expected.reason)
	return program, err
}

// ByRunningServers is Expected for the servers of the config that runs.
func ByRunningServers(name string) bool {
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return false
	}
	for _, s := range app.(*caddyhttp.App).Servers {
		if isExpectedBy(s, name) {
			return true
		}
	}
	return false
}

// isExpectedBy decides as Caddy does: a name with both needs an entry of its own, in either list.
func isExpectedBy(s *caddyhttp.Server, name string) bool {
	underscore, dot := strings.Contains(name, "_"), strings.Contains(name, ".")
	has := func(entry string) bool {
		prefix, isPattern := strings.CutSuffix(entry, "*")
		if entry = http.CanonicalHeaderKey(prefix); isPattern {
			return strings.HasPrefix(name, entry) && !(underscore && dot)
		}
		return name == entry
	}
	return underscore && slices.ContainsFunc(s.ExpectedUnderscoreHeaders, has) || dot && slices.ContainsFunc(s.ExpectedDotHeaders, has)
}
