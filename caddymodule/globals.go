package caddymodule

import (
	"context"
	"fmt"
	"path"

	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/store"
)

// globals are the globals as the engine sees them: read from the catalog, written to the store.
type globals struct{ app *App }

// Global returns a global's value as raw JSON.
func (g globals) Global(key string) ([]byte, bool) { return g.app.catalog.Global(key) }

// SetGlobal implements hostapi.GlobalWriter for keys that globals_write allows.
func (g globals) SetGlobal(ctx context.Context, key string, value []byte) error {
	if !g.app.mayWrite(key) {
		return &hostapi.Failure{
			Code:    "global_not_allowed",
			Message: "writing this global is not allowed",
			Fatal:   true,
			Detail:  fmt.Errorf("globals_write does not allow %q", key),
		}
	}
	if _, err := g.app.mirror.Write(ctx, []store.Entry{{Key: catalog.GlobalPrefix + key, Value: value}}, nil); err != nil {
		return &hostapi.Failure{Code: "store_unavailable", Message: "the store did not take the global", Detail: err}
	}
	return nil
}

// mayWrite tells whether nodes may write a global.
func (a *App) mayWrite(key string) bool {
	if key == "" || flow.IsSecretGlobal(key) {
		return false
	}
	for _, p := range a.GlobalsWrite {
		if ok, _ := path.Match(p, key); ok {
			return true
		}
	}
	return false
}
