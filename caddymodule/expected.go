package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// isExpected tells whether a server of the config that runs keeps the request header of a canonical
// name, which has an underscore or a dot.
func isExpected(name string) bool {
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

// isExpectedBy follows Caddy: a name with both needs an entry of its own, in either list.
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
