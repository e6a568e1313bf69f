package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/command"
)

// maxAdminBody bounds what a PUT may carry, in bytes: a workflow document of the largest size and some white space.
const maxAdminBody = 1<<20 + 4096

// AdminAPI serves what is below /flowtrux/ on Caddy's admin endpoint, and nowhere else: workflows, secrets,
// globals, executions, node types and status. It holds nothing: each request looks up the app of the config that runs.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.flowtrux", New: func() caddy.Module { return new(AdminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (*AdminAPI) Routes() []caddy.AdminRoute {
	routes := []struct {
		pattern string
		content bool // it is about the store's content, which has to be there
		handle  func(*App, http.ResponseWriter, *http.Request) error
	}{
		{"GET workflows", true, listWorkflows},
		{"PUT workflows", true, putWorkflow},
		{"GET workflows/{id}", true, getWorkflow},
		{"PUT workflows/{id}", true, putWorkflow},
		{"DELETE workflows/{id}", true, deleteWorkflow},
		{"GET secrets/{id}", true, getSecret},
		{"PUT secrets/{id}", true, putSecret},
		{"DELETE secrets/{id}", true, deleteSecret},
		{"GET globals", true, listGlobals},
		{"GET globals/{key}", true, getGlobal},
		{"PUT globals/{key}", true, putGlobal},
		{"DELETE globals/{key}", true, deleteGlobal},
		{"GET executions", false, listExecutions},
		{"GET executions/{id}", false, getExecution},
		{"POST executions/{id}/cancel", false, cancelExecution},
		{"POST executions/{id}/replay", true, replayExecution},
		{"GET nodes", false, listNodes},
		{"GET status", false, getStatus},
	}
	out := make([]caddy.AdminRoute, 0, len(routes))
	for _, r := range routes {
		var method, path string
		_, _ = fmt.Sscan(r.pattern, &method, &path)
		out = append(out, caddy.AdminRoute{
			Pattern: method + " " + command.AdminBase + path,
			Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, req *http.Request) error {
				app, err := adminApp()
				if err != nil {
					return err
				}
				if r.content && !app.loaded(req.Context()) {
					return adminError(http.StatusServiceUnavailable, "the store has not been loaded yet: see %sstatus, or try again", command.AdminBase)
				}
				return r.handle(app, w, req)
			}),
		})
	}
	return out
}

// adminApp is the app of the config that runs. A config that is being loaded is not looked at: its app may not be whole yet.
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

// storeError is the answer when the store did not take a write.
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
