package caddymodule

import (
	"errors"
	"net/http"
	"path"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// apiHandler returns the API for a console, with the routes and errors that it has on the admin
// endpoint. Paths of requests begin with adminapi.Base: the console strips its own prefix from Path
// and RawPath. Package console decides who may send which requests.
func apiHandler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range allRoutes() {
		mux.Handle(route.Pattern, jsonErrors(route.Handler))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect to the cleaned path, which lacks the console's prefix.
		escaped := r.URL.EscapedPath()
		if !strings.HasPrefix(escaped, adminapi.Base) || path.Clean(escaped) != strings.TrimSuffix(escaped, "/") {
			writeError(w, adminError(http.StatusNotFound, "there is no %s", r.URL.Path))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// jsonErrors returns a handler that writes the errors of h as Caddy's admin endpoint does.
func jsonErrors(h caddy.AdminHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.ServeHTTP(w, r); err != nil {
			writeError(w, err)
		}
	})
}

// writeError writes an error of a route.
func writeError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if api := (caddy.APIError{}); errors.As(err, &api) && api.HTTPStatus != 0 {
		status = api.HTTPStatus
	}
	_ = writeJSON(w, status, adminapi.Error{Message: err.Error()}) // it cannot fail for this type
}
