package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/response"
)

// outcome is how a request ended, for the placeholder status.
type outcome uint8

const (
	outcomeUndecided outcome = iota
	outcomeRejected
	outcomePending
	outcomeRunning
	outcomeDuplicate
	outcomeSucceeded
	outcomeFailed
	outcomeCancelled
	outcomeTimedOut
)

var outcomeNames = [...]string{
	outcomeUndecided: "",
	outcomeRejected:  "rejected",
	outcomePending:   string(engine.Pending),
	outcomeRunning:   string(engine.Running),
	outcomeDuplicate: "duplicate",
	outcomeSucceeded: string(engine.Succeeded),
	outcomeFailed:    string(engine.Failed),
	outcomeCancelled: string(engine.Cancelled),
	outcomeTimedOut:  string(engine.TimedOut),
}

// outcomeOf returns the outcome of a request whose execution ended.
func outcomeOf(s engine.Status) outcome {
	switch s {
	case engine.Succeeded:
		return outcomeSucceeded
	case engine.Failed:
		return outcomeFailed
	case engine.TimedOut:
		return outcomeTimedOut
	default:
		return outcomeCancelled
	}
}

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
	if x.outcome == outcomeUndecided && a.Code != "" {
		x.outcome = outcomeRejected
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
		if id := x.header["X-Execution-Id"]; len(id) > 0 {
			return id[0], true
		}
		return "", true
	case "status":
		return outcomeNames[x.outcome], true
	case "code":
		return string(x.code), true
	}
	return nil, false
}
