package main

import (
	"encoding/json"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/bench/meter"
)

func init() { caddy.RegisterModule(endpoint{}) }

// endpoint adds /bench/runtime to the admin API, for counters that Caddy's /metrics and /debug/vars
// do not have.
type endpoint struct{}

// CaddyModule returns the Caddy module information.
func (endpoint) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.bench", New: func() caddy.Module { return endpoint{} }}
}

// Routes implements caddy.AdminRouter.
func (endpoint) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: "/bench/runtime", Handler: caddy.AdminHandlerFunc(
		func(w http.ResponseWriter, r *http.Request) error {
			return json.NewEncoder(w).Encode(meter.ReadRuntime(r.URL.Query().Has("gc")))
		})}}
}

// Interface guards
var _ caddy.AdminRouter = endpoint{}
