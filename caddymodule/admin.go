package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// maxAdminBody is the maximum size of a request's body, in bytes: the largest workflow document and
// some white space.
const maxAdminBody = 1<<20 + 4096

// AdminAPI serves the paths below /flowtrux/ on Caddy's admin endpoint, and nowhere else:
// workflows, secrets, globals, executions, node types and status. It has no configuration and no
// state: each request looks up the app of the config that runs. `caddy flowtrux` is its client.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.flowtrux", New: func() caddy.Module { return new(AdminAPI) }}
}

// adminRoute is one method of a path.
type adminRoute struct {
	method, path string
	content      bool // it needs the store's content, which has to be loaded
	handle       func(*App, http.ResponseWriter, *http.Request) error
	query        []string // the query parameters it takes
}

var adminRoutes = []adminRoute{
	{"GET", "workflows", true, listWorkflows, nil},
	{"PUT", "workflows", true, putWorkflow, nil},
	{"GET", "workflows/{id}", true, getWorkflow, nil},
	{"PUT", "workflows/{id}", true, putWorkflow, nil},
	{"DELETE", "workflows/{id}", true, deleteWorkflow, nil},
	{"GET", "secrets/{id}", true, getSecret, nil},
	{"PUT", "secrets/{id}", true, putSecret, []string{"keep_old"}},
	{"DELETE", "secrets/{id}", true, deleteSecret, nil},
	{"GET", "globals", true, listGlobals, nil},
	{"GET", "globals/{key}", true, getGlobal, nil},
	{"PUT", "globals/{key}", true, putGlobal, nil},
	{"DELETE", "globals/{key}", true, deleteGlobal, nil},
	{"GET", "executions", false, listExecutions, []string{"workflow", "status", "limit", "cursor"}},
	{"GET", "executions/{id}", false, getExecution, nil},
	{"POST", "executions/{id}/cancel", false, cancelExecution, nil},
	{"POST", "executions/{id}/replay", true, replayExecution, []string{"revision"}},
	{"GET", "nodes", false, listNodes, nil},
	{"GET", "status", false, getStatus, nil},
	{"POST", "validate", false, validateWorkflow, []string{"id"}},
}

// Routes implements caddy.AdminRouter.
func (*AdminAPI) Routes() []caddy.AdminRoute {
	out := make([]caddy.AdminRoute, 0, 2*len(adminRoutes))
	add := func(pattern string, handle caddy.AdminHandlerFunc) {
		out = append(out, caddy.AdminRoute{Pattern: pattern, Handler: handle})
	}
	var paths []string
	methods := make(map[string][]string)
	for _, r := range adminRoutes {
		add(r.method+" "+adminapi.Base+r.path, r.serve)
		if methods[r.path] == nil {
			paths = append(paths, r.path)
		}
		methods[r.path] = append(methods[r.path], r.method)
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

func (r *adminRoute) serve(w http.ResponseWriter, req *http.Request) error {
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
func (r *adminRoute) checkQuery(raw string) error {
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

// adminApp returns the app of the config that runs. The app of a config that is being loaded may
// not be complete yet.
func adminApp() (*App, error) {
	app, err := runningApp()
	switch {
	case err == nil:
		return app, nil
	case caddy.ActiveContext().Context == nil:
		return nil, adminError(http.StatusServiceUnavailable, "the server is still starting: try again")
	case errors.Is(err, caddy.ErrNotConfigured):
		return nil, adminError(http.StatusNotFound, "flowtrux is not configured: put the flowtrux directive in a site")
	}
	return nil, caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
}

func adminError(status int, format string, args ...any) error {
	return caddy.APIError{HTTPStatus: status, Err: fmt.Errorf(format, args...)}
}

// storeError is the error of a write that the store did not accept.
func storeError(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: fmt.Errorf("writing to the store: %w", err)}
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
	return nil
}

func readAdminBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, adminError(http.StatusRequestEntityTooLarge, "the body is over %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("reading the body: %w", err)}
	}
	return b, nil
}

// Interface guards
var (
	_ caddy.Module      = (*AdminAPI)(nil)
	_ caddy.AdminRouter = (*AdminAPI)(nil)
)
