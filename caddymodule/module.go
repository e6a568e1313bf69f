// Package caddymodule connects FlowTrux Edge to Caddy. It has the app `flowtrux`, which owns a
// config's workflows, node modules, store and journal; the handler `http.handlers.flowtrux`, which
// responds to signed webhooks; the handler `http.handlers.flowtrux_console`, which serves the
// console; the module `admin.api.flowtrux`; and their Caddyfile syntax. It turns requests into
// events and results into responses. Everything between is in the packages below runtime, which do
// not know Caddy.
//
// Stores and journals are guest modules in the namespaces flowtrux.stores and flowtrux.journals.
// Each has a package of its own, which is imported for its side effect. Third parties add engines
// in the same way.
//
// What outlives a config (compiled code, the copy of the store, accepted executions, metrics) is in
// the usage pool of pool.go. Everything else belongs to one App and is released with it, once its
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
	caddy.RegisterModule(&Console{})
	caddy.RegisterModule(&AdminAPI{})

	// the command line
	caddycmd.RegisterCommand(command.Flowtrux(warm, journalOf, fleetOf))

	// the Caddyfile
	httpcaddyfile.RegisterGlobalOption(appName, parseApp)
	httpcaddyfile.RegisterHandlerDirective(appName, parseHandler)
	httpcaddyfile.RegisterDirectiveOrder(appName, httpcaddyfile.Before, "respond")
	httpcaddyfile.RegisterHandlerDirective(consoleName, parseConsole)
	httpcaddyfile.RegisterDirectiveOrder(consoleName, httpcaddyfile.Before, "respond")
}
