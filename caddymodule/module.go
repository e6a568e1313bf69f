// Package caddymodule is FlowTrux Edge inside Caddy: the app `flowtrux` that owns a config's
// workflows, node modules, store and journal, the handler `http.handlers.flowtrux` that answers
// signed webhooks, and their Caddyfile words. It turns requests into events and results into
// answers; what happens between is package runtime's business, which knows nothing of Caddy.
//
// Stores and journals are guest modules below flowtrux.stores and flowtrux.journals, each in a
// package of its own that is imported for its side effect; third parties add engines the same way.
//
// What outlives a config (compiled code, the copy of the store, accepted executions, counters) is
// in the usage pool of pool.go. Everything else belongs to one App and goes with it, once its
// last request has ended.
package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/flowtrux/edge/caddymodule/command"
)

// init is the index of what this package adds to Caddy.
func init() {
	// modules
	caddy.RegisterModule(&App{})
	caddy.RegisterModule(&Handler{})
	caddy.RegisterModule(&AdminAPI{})

	// the command line
	caddycmd.RegisterCommand(command.Flowtrux())

	// the Caddyfile
	httpcaddyfile.RegisterGlobalOption(appName, parseApp)
	httpcaddyfile.RegisterHandlerDirective(appName, parseHandler)
	httpcaddyfile.RegisterDirectiveOrder(appName, httpcaddyfile.Before, "respond")
}
