package caddymodule

import (
	"maps"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// processStarted is when this process has started.
var processStarted = time.Now().UTC()

// endpoints returns the handlers of webhooks in the servers of the config that runs.
func endpoints() []adminapi.Endpoint {
	app, err := caddy.ActiveContext().AppIfConfigured("http")
	if err != nil {
		return []adminapi.Endpoint{}
	}
	return endpointsOf(app.(*caddyhttp.App))
}

func endpointsOf(app *caddyhttp.App) []adminapi.Endpoint {
	found := []adminapi.Endpoint{}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		s := app.Servers[name]
		plain, encrypted := listeners(app, s)
		w := routeWalker{server: s}
		w.routes(s.Routes, nil, 0)
		for _, e := range w.found {
			if e.Listen = plain; len(plain) > 0 {
				found = append(found, e)
			}
			if e.Listen, e.TLS = encrypted, true; len(encrypted) > 0 {
				found = append(found, e)
			}
		}
	}
	return found
}

// listeners returns the addresses of a server, by whether they use TLS. Caddy never uses TLS on the
// HTTP port.
func listeners(app *caddyhttp.App, s *caddyhttp.Server) (plain, encrypted []string) {
	httpPort := app.HTTPPort
	if httpPort == 0 {
		httpPort = caddyhttp.DefaultHTTPPort
	}
	for _, listen := range s.Listen {
		a, err := caddy.ParseNetworkAddress(listen)
		if err == nil && len(s.TLSConnPolicies) > 0 && int(a.StartPort) != httpPort {
			encrypted = append(encrypted, listen)
		} else {
			plain = append(plain, listen)
		}
	}
	return plain, encrypted
}

// routeWalker finds handlers of webhooks in the routes of a server.
type routeWalker struct {
	server *caddyhttp.Server
	found  []adminapi.Endpoint // without listeners
}

// maxRouteDepth is how deep routes are searched: named routes can invoke each other.
const maxRouteDepth = 32

// routes searches routes that requests for some hosts reach; nil = all hosts.
func (w *routeWalker) routes(list caddyhttp.RouteList, hosts []string, depth int) {
	if depth > maxRouteDepth {
		return
	}
	for _, route := range list {
		hosts := hostsOf(route, hosts)
		for _, h := range route.Handlers {
			switch h := h.(type) {
			case *Handler:
				w.add(h.Prefix, hosts)
			case *caddyhttp.Subroute:
				w.routes(h.Routes, hosts, depth+1)
			case *caddyhttp.Invoke:
				if named := w.server.NamedRoutes[h.Name]; named != nil {
					w.routes(caddyhttp.RouteList{*named}, hosts, depth+1)
				}
			}
		}
	}
}

// add notes an endpoint, once.
func (w *routeWalker) add(prefix string, hosts []string) {
	same := func(e adminapi.Endpoint) bool { return e.Prefix == prefix && slices.Equal(e.Hosts, hosts) }
	if !slices.ContainsFunc(w.found, same) {
		w.found = append(w.found, adminapi.Endpoint{Prefix: prefix, Hosts: hosts})
	}
}

// hostsOf returns the hosts of a route within routes for some hosts: those of its host matchers, if
// each of its sets of matchers has one.
func hostsOf(route caddyhttp.Route, within []string) []string {
	var hosts []string
	for _, set := range route.MatcherSets {
		own := false
		for _, m := range set {
			if h, ok := m.(*caddyhttp.MatchHost); ok {
				hosts, own = append(hosts, *h...), true
			}
		}
		if !own {
			return within
		}
	}
	if hosts == nil {
		return within
	}
	return hosts
}
