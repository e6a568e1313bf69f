package caddymodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/store"
)

// globals are the engine's access to globals: it reads from the catalog and writes to the store.
type globals struct{ app *App }

// Global implements engine.Globals.
func (g globals) Global(key string) ([]byte, bool) { return g.app.catalog.Global(key) }

// SetGlobal implements hostapi.GlobalWriter for keys that globals_write allows.
func (g globals) SetGlobal(ctx context.Context, key string, value []byte) error {
	if err := g.check(key); err != nil {
		return err
	}
	if _, err := g.app.mirror.Write(ctx, []store.Entry{{Key: catalog.GlobalPrefix + key, Value: value}}, nil); err != nil {
		return notTaken(err)
	}
	return nil
}

// AddGlobal implements hostapi.GlobalWriter for the same keys. The store adds atomically, so that
// servers can add to the same global at the same time.
func (g globals) AddGlobal(ctx context.Context, key string, by int64) ([]byte, error) {
	if err := g.check(key); err != nil {
		return nil, err
	}
	var sum []byte
	_, err := g.app.mirror.Update(ctx, catalog.GlobalPrefix+key, func(value []byte) ([]byte, error) {
		if value != nil {
			// a value that is not JSON becomes empty, which is no integer either
			value, _ = rawjson.AppendCanonical([]byte{}, value, 1)
		}
		var ok bool
		if sum, ok = rawjson.AddInteger(nil, value, by); !ok {
			return nil, hostapi.ErrGlobalNotInteger
		}
		return bytes.Clone(sum), nil
	})
	switch {
	case errors.Is(err, hostapi.ErrGlobalNotInteger):
		return nil, err
	case err != nil:
		return nil, notTaken(err)
	}
	return sum, nil
}

// check rejects keys that nodes may not write.
func (g globals) check(key string) error {
	if g.app.mayWrite(key) {
		return nil
	}
	return &hostapi.Failure{
		Code:    "global_not_allowed",
		Message: "writing this global is not allowed",
		Fatal:   true,
		Detail:  fmt.Errorf("globals_write does not allow %q", key),
	}
}

func notTaken(err error) error {
	return &hostapi.Failure{Code: "store_unavailable", Message: "the store did not take the global", Detail: err}
}

// mayWrite reports whether nodes may write a global.
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
