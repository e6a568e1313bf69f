package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/caddyserver/caddy/v2"
)

// maxAdminBody is the maximum size of a request's body, in bytes: the largest workflow document and
// some white space.
const maxAdminBody = 1<<20 + 4096

// AdminAPI serves the API below /flowtrux/ on Caddy's admin endpoint: workflows, secrets, globals,
// executions, node types and status. It has no configuration and no state: each request looks up
// the app of the config that runs. `caddy flowtrux` is its client.
type AdminAPI struct{}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.flowtrux", New: func() caddy.Module { return new(AdminAPI) }}
}

// Routes implements caddy.AdminRouter.
func (*AdminAPI) Routes() []caddy.AdminRoute { return allRoutes() }

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
