package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/response"
)

// What the placeholder status shows beside the statuses of executions.
const (
	statusRejected  = "rejected"
	statusDuplicate = "duplicate"
)

// publish makes the placeholders of Handler known to the request's replacer. They are looked up
// only where a config uses them, so they cost a request one function value.
func (x *exchange) publish() {
	if repl, ok := x.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(x.placeholder)
	}
}

// decided notes what the placeholders show of the response, before it is written: headers may show
// them.
func (x *exchange) decided(a response.Response) {
	x.header, x.code = a.Header, a.Code
	if x.outcome == "" && a.Code != "" {
		x.outcome = statusRejected
	}
}

// placeholder implements caddy.ReplacerFunc.
func (x *exchange) placeholder(key string) (any, bool) {
	name, ok := strings.CutPrefix(key, "http.flowtrux.")
	if !ok {
		return nil, false
	}
	switch name {
	case "workflow":
		return x.shortID(), true
	case "execution_id":
		return x.header.Get("X-Execution-Id"), true
	case "status":
		return x.outcome, true
	case "code":
		return string(x.code), true
	}
	return nil, false
}
