package caddymodule

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// TestEndpoints finds handlers of webhooks in sites as the Caddyfile makes them, and in others.
func TestEndpoints(t *testing.T) {
	host := func(names ...string) any { m := caddyhttp.MatchHost(names); return &m }
	path := &caddyhttp.MatchPath{"/hooks/*"}
	route := func(matchers []caddyhttp.MatcherSet, handlers ...caddyhttp.MiddlewareHandler) caddyhttp.Route {
		return caddyhttp.Route{MatcherSets: matchers, Handlers: handlers}
	}
	sub := func(routes ...caddyhttp.Route) *caddyhttp.Subroute { return &caddyhttp.Subroute{Routes: routes} }
	webhooks := func(prefix string) *Handler { return &Handler{Prefix: prefix} }
	other := new(caddyhttp.StaticResponse)
	shared := route(nil, webhooks("/shared/"))
	itself := route(nil, &caddyhttp.Invoke{Name: "itself"}, webhooks("/itself/"))

	app := &caddyhttp.App{HTTPPort: 8080, Servers: map[string]*caddyhttp.Server{
		"a": {
			Listen: []string{":8080", ":8443"}, TLSConnPolicies: caddytls.ConnectionPolicies{{}},
			Routes: caddyhttp.RouteList{
				route([]caddyhttp.MatcherSet{{host("shop.example", "www.shop.example")}}, sub(
					route(nil, other),
					route([]caddyhttp.MatcherSet{{path}}, webhooks("/hooks/"), other),
					route([]caddyhttp.MatcherSet{{host("www.shop.example"), path}}, webhooks("/www/")),
				)),
			},
		},
		"b": {
			Listen:      []string{"127.0.0.1:9000"},
			NamedRoutes: map[string]*caddyhttp.Route{"shared": &shared, "itself": &itself},
			Routes: caddyhttp.RouteList{
				route([]caddyhttp.MatcherSet{{host("a.example")}, {path}}, webhooks("/any/")),
				route([]caddyhttp.MatcherSet{{host("a.example")}, {host("b.example")}}, webhooks("/two/")),
				route(nil, webhooks("/any/")),
				route([]caddyhttp.MatcherSet{{host("c.example")}}, &caddyhttp.Invoke{Name: "shared"}, &caddyhttp.Invoke{Name: "missing"}),
				route(nil, &caddyhttp.Invoke{Name: "itself"}),
			},
		},
		"c": {Listen: []string{":7000"}, Routes: caddyhttp.RouteList{route(nil, other)}},
	}}
	shop := []string{"shop.example", "www.shop.example"}
	want := []adminapi.Endpoint{
		{Prefix: "/hooks/", Listen: []string{":8080"}, Hosts: shop},
		{Prefix: "/hooks/", Listen: []string{":8443"}, Hosts: shop, TLS: true},
		{Prefix: "/www/", Listen: []string{":8080"}, Hosts: []string{"www.shop.example"}},
		{Prefix: "/www/", Listen: []string{":8443"}, Hosts: []string{"www.shop.example"}, TLS: true},
		{Prefix: "/any/", Listen: []string{"127.0.0.1:9000"}},
		{Prefix: "/two/", Listen: []string{"127.0.0.1:9000"}, Hosts: []string{"a.example", "b.example"}},
		{Prefix: "/shared/", Listen: []string{"127.0.0.1:9000"}, Hosts: []string{"c.example"}},
		{Prefix: "/itself/", Listen: []string{"127.0.0.1:9000"}},
	}
	if diff := cmp.Diff(want, endpointsOf(app)); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}
