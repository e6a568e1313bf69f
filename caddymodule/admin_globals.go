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
		rows = append(rows, adminapi.Global{
			Key: g.Key, Value: shown(g.Key, g.Value), Revision: g.Revision, Secret: flow.IsSecretGlobal(g.Key),
		})
	}
	return writeJSON(w, http.StatusOK, adminapi.Globals{Globals: rows})
}

func getGlobal(app *App, w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	g, ok := app.catalog.GlobalEntry(key)
	if !ok {
		return noGlobal(key)
	}
	setRevision(w, g.Revision)
	return writeJSON(w, http.StatusOK, shown(key, g.Value))
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
	p, err := readPrecondition(r)
	if err != nil {
		return err
	}
	name := catalog.GlobalPrefix + key
	revision, now, err := app.mirror.WriteIf(r.Context(), p.of(name), []store.Entry{{Key: name, Value: value}}, nil)
	switch {
	case err != nil:
		return storeError(err)
	case now != nil:
		return app.conflict(w, p, now[0])
	}
	setRevision(w, revision)
	return writeJSON(w, http.StatusOK, adminapi.StoredGlobal{Key: key, Revision: revision})
}

func deleteGlobal(app *App, w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	var missing error
	if _, ok := app.catalog.Global(key); !ok {
		missing = noGlobal(key)
	}
	return deleteKeys(app, w, r, key, missing, catalog.GlobalPrefix+key)
}

func noGlobal(key string) error { return adminError(http.StatusNotFound, "no global %q", key) }
