package caddymodule

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// apiRoute is one method of a path of the API.
type apiRoute struct {
	method, path string
	content      bool // it needs the store's content, which has to be loaded
	handle       func(*App, http.ResponseWriter, *http.Request) error
	query        []string // the query parameters it takes
}

// apiRoutes is the API, as the admin endpoint and consoles serve it.
var apiRoutes = []apiRoute{
	{"GET", "workflows", true, listWorkflows, workflowFilters},
	{"PUT", "workflows", true, putWorkflow, nil},
	{"GET", "workflows/{id}", true, getWorkflow, nil},
	{"PUT", "workflows/{id}", true, putWorkflow, nil},
	{"DELETE", "workflows/{id}", true, deleteWorkflow, nil},
	{"GET", "secrets", true, listSecrets, nil},
	{"GET", "secrets/{id}", true, getSecret, nil},
	{"PUT", "secrets/{id}", true, putSecret, []string{"keep_old"}},
	{"DELETE", "secrets/{id}", true, deleteSecret, nil},
	{"GET", "globals", true, listGlobals, nil},
	{"GET", "globals/{key}", true, getGlobal, nil},
	{"PUT", "globals/{key}", true, putGlobal, nil},
	{"DELETE", "globals/{key}", true, deleteGlobal, nil},
	{"GET", "executions", false, listExecutions, executionFilters},
	{"GET", "executions/{id}", false, getExecution, nil},
	{"GET", "executions/{id}/document", false, getExecutionDocument, nil},
	{"POST", "executions/{id}/cancel", false, cancelExecution, nil},
	{"POST", "executions/{id}/replay", true, replayExecution, []string{"revision"}},
	{"GET", "counts", false, getCounts, []string{"workflow", "hours"}},
	{"GET", "events", false, getEvents, []string{"after", "wait"}},
	{"GET", "nodes", false, listNodes, nil},
	{"GET", "status", false, getStatus, nil},
	{"POST", "validate", false, validateWorkflow, []string{"id"}},
	{"POST", "send", true, sendWebhook, nil},
}

// allRoutes returns all that is below adminapi.Base, also the errors for other methods and paths.
func allRoutes() []caddy.AdminRoute {
	out := make([]caddy.AdminRoute, 0, 2*len(apiRoutes))
	add := func(pattern string, handle caddy.AdminHandlerFunc) {
		out = append(out, caddy.AdminRoute{Pattern: pattern, Handler: handle})
	}
	var paths []string
	methods := make(map[string][]string)
	for _, route := range apiRoutes {
		add(route.method+" "+adminapi.Base+route.path, route.serve)
		if methods[route.path] == nil {
			paths = append(paths, route.path)
		}
		methods[route.path] = append(methods[route.path], route.method)
	}
	// The mux would respond with text, not JSON.
	for _, path := range paths {
		allow := strings.Join(methods[path], ", ")
		add(adminapi.Base+path, func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", allow)
			return adminError(http.StatusMethodNotAllowed, "there is no %s of %s%s; there is %s", r.Method, adminapi.Base, path, allow)
		})
	}
	add(adminapi.Base, func(_ http.ResponseWriter, r *http.Request) error {
		return adminError(http.StatusNotFound, "there is no %s; below %s there are %s", r.URL.Path, adminapi.Base, strings.Join(paths, ", "))
	})
	return out
}

func (r *apiRoute) serve(w http.ResponseWriter, req *http.Request) error {
	if err := r.checkQuery(req.URL.RawQuery); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	app, err := adminApp()
	if err != nil {
		return err
	}
	if r.content && !app.loaded(req.Context()) {
		return adminError(http.StatusServiceUnavailable, "the store has not been loaded yet: see %sstatus, or try again", adminapi.Base)
	}
	return r.handle(app, w, req)
}

// checkQuery rejects parameters that would have no effect: the result of a mistyped filter would be
// misleading.
func (r *apiRoute) checkQuery(raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("reading the query: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case len(r.query) == 0:
			return fmt.Errorf("unknown parameter %q: this takes none", name)
		case !slices.Contains(r.query, name):
			return fmt.Errorf("unknown parameter %q; there are: %s", name, strings.Join(r.query, ", "))
		case len(q[name]) > 1:
			return fmt.Errorf("parameter %q is given %d times", name, len(q[name]))
		}
	}
	return nil
}
