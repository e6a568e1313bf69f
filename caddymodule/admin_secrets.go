package caddymodule

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// listSecrets shows all secrets as getSecret does, also those of workflows that do not exist.
func listSecrets(app *App, w http.ResponseWriter, _ *http.Request) error {
	entries := app.mirror.List(catalog.SecretPrefix)
	rows := make([]adminapi.Secrets, 0, len(entries))
	for _, e := range entries {
		id := strings.TrimPrefix(e.Key, catalog.SecretPrefix)
		keys, err := signature.ParseKeys(e.Value)
		row := secretRow(app, id, e.Revision, keys)
		switch {
		case err != nil:
			row.Problem = err.Error()
		case len(keys) == 0:
			row.Problem = "is empty"
		}
		rows = append(rows, row)
	}
	return writeJSON(w, http.StatusOK, adminapi.SecretList{Secrets: rows})
}

// getSecret shows how many secrets are live and when they expire. Their text never leaves the
// store.
func getSecret(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	entry, ok := app.mirror.Get(catalog.SecretPrefix + id)
	if !ok {
		return noSecret(id)
	}
	keys, err := signature.ParseKeys(entry.Value)
	if err != nil {
		return adminError(http.StatusConflict, "what is stored as the secret of workflow %q %w", id, err)
	}
	setRevision(w, entry.Revision)
	return writeJSON(w, http.StatusOK, secretRow(app, id, entry.Revision, keys))
}

func noSecret(id string) error {
	return adminError(http.StatusNotFound, "no secret for workflow %q", id)
}

// secretRow shows the secrets of a workflow.
func secretRow(app *App, id string, revision int64, keys []signature.Key) adminapi.Secrets {
	secrets := make([]adminapi.Secret, 0, len(keys))
	for _, k := range live(keys) {
		s := adminapi.Secret{}
		if !k.ExpiresAt.IsZero() {
			s.ExpiresAt = &k.ExpiresAt
		}
		secrets = append(secrets, s)
	}
	return adminapi.Secrets{
		ID: id, Revision: revision, Workflow: app.catalog.Workflow(id) != nil, Live: len(secrets), Secrets: secrets,
	}
}

// live returns the keys that have not expired.
func live(keys []signature.Key) []signature.Key {
	now := time.Now()
	var out []signature.Key
	for _, k := range keys {
		if k.ExpiresAt.IsZero() || k.ExpiresAt.After(now) {
			out = append(out, k)
		}
	}
	return out
}

// secretTrouble describes what is wrong with the secret of a workflow; "" = nothing.
func secretTrouble(wf *catalog.Workflow) string {
	switch {
	case wf.SecretProblem != "":
		return wf.SecretProblem
	case wf.Program == nil || !wf.Active || !wf.Webhook || len(live(wf.Keys)) > 0:
		return ""
	case len(wf.Keys) > 0:
		return "has expired: all its webhooks are refused"
	}
	return "is missing: all its webhooks are refused until there is one, see `caddy flowtrux secret set`"
}

// checkSecrets returns the first error of check for the secrets of keys.
func checkSecrets(keys []signature.Key, check func(secret []byte) error) error {
	for _, k := range keys {
		if err := check(k.Secret); err != nil {
			return err
		}
	}
	return nil
}

// putSecret stores a secret: its text, or an object with several. With ?keep_old=24h the secrets
// that are live now stay valid for that time.
func putSecret(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	value, err := readAdminBody(w, r)
	if err != nil {
		return err
	}
	keys, err := newSecrets(app, id, value)
	if err != nil {
		return err
	}
	p, err := readPrecondition(r)
	if err != nil {
		return err
	}
	stored := store.Entry{Key: catalog.SecretPrefix + id, Value: value}
	var now []store.Entry
	if keep := r.URL.Query().Get("keep_old"); keep == "" {
		stored.Revision, now, err = app.mirror.WriteIf(r.Context(), p.of(stored.Key), []store.Entry{stored}, nil)
	} else {
		d, bad := caddy.ParseDuration(keep)
		if bad != nil || d <= 0 {
			return adminError(http.StatusBadRequest, "keep_old %q is not a duration", keep)
		}
		if len(keys) != 1 || !keys[0].ExpiresAt.IsZero() {
			return adminError(http.StatusBadRequest, "with keep_old the body is one secret that does not expire")
		}
		stored, now, err = app.replace(r.Context(), p, stored.Key, func(old []byte) ([]byte, error) {
			return signature.Rotate(old, keys[0].Secret, time.Now(), d)
		})
	}
	switch bad := (*signature.Error)(nil); {
	case errors.As(err, &bad):
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: bad}
	case err != nil:
		return storeError(err)
	case now != nil:
		return app.conflict(w, p, now[0])
	}
	if keys, err = signature.ParseKeys(stored.Value); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
	}
	setRevision(w, stored.Revision)
	return writeJSON(w, http.StatusOK, adminapi.StoredSecret{ID: id, Live: len(live(keys)), Revision: stored.Revision})
}

// newSecrets reads and checks the secrets in a request's body.
func newSecrets(app *App, id string, value []byte) ([]signature.Key, error) {
	keys, err := signature.ParseKeys(value)
	if err != nil {
		return nil, adminError(http.StatusBadRequest, "the secret %w", err)
	}
	if len(keys) == 0 {
		return nil, adminError(http.StatusBadRequest, "the secret is empty")
	}
	if !flow.ValidID(id) {
		return nil, adminError(http.StatusBadRequest, "%q is not a workflow id", id)
	}
	if wf := app.catalog.Workflow(id); wf != nil {
		check := func(secret []byte) error { return catalog.CheckNewSecret(wf.Scheme, secret) }
		if err := checkSecrets(keys, check); err != nil {
			return nil, adminError(http.StatusBadRequest, "the secret %w; see `caddy flowtrux secret set %s --generate`", err, id)
		}
	}
	return keys, nil
}

func deleteSecret(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	var missing error
	if _, ok := app.mirror.Get(catalog.SecretPrefix + id); !ok {
		missing = noSecret(id)
	}
	return deleteKeys(app, w, r, id, missing, catalog.SecretPrefix+id)
}
