package caddymodule

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/store"
)

// maxGlobalKey is the maximum length of keys of globals, in bytes.
const maxGlobalKey = 256

// shown returns a global's value as the admin API shows it.
func shown(key string, value []byte) json.RawMessage {
	if flow.IsSecretGlobal(key) {
		return json.RawMessage(`"***"`)
	}
	return value
}

func listGlobals(app *App, w http.ResponseWriter, _ *http.Request) error {
	list := app.catalog.Globals()
	rows := make([]adminapi.Global, 0, len(list))
	for _, g := range list {
		rows = append(rows, adminapi.Global{Key: g.Key, Value: shown(g.Key, g.Value)})
	}
	return writeJSON(w, http.StatusOK, adminapi.Globals{Globals: rows})
}

func getGlobal(app *App, w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	value, ok := app.catalog.Global(key)
	if !ok {
		return adminError(http.StatusNotFound, "no global %q", key)
	}
	return writeJSON(w, http.StatusOK, shown(key, value))
}

// putGlobal stores the body unchanged: a JSON value, or text.
func putGlobal(app *App, w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	value, err := readAdminBody(w, r)
	if err != nil {
		return err
	}
	if key == "" || len(key) > maxGlobalKey || !utf8.ValidString(key) {
		return adminError(http.StatusBadRequest, "a global's key is a text of 1 to %d bytes", maxGlobalKey)
	}
	revision, err := app.mirror.Write(r.Context(), []store.Entry{{Key: catalog.GlobalPrefix + key, Value: value}}, nil)
	if err != nil {
		return storeError(err)
	}
	return writeJSON(w, http.StatusOK, adminapi.StoredGlobal{Key: key, Revision: revision})
}

func deleteGlobal(app *App, w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if _, ok := app.catalog.Global(key); !ok {
		return adminError(http.StatusNotFound, "no global %q", key)
	}
	return deleteKeys(app, w, r, key, catalog.GlobalPrefix+key)
}
