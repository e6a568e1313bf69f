package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// getSecret shows how many secrets are live and when they expire. Their text never leaves the
// store.
func getSecret(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	entry, ok := app.mirror.Get(catalog.SecretPrefix + id)
	if !ok {
		return adminError(http.StatusNotFound, "no secret for workflow %q", id)
	}
	keys, err := signature.ParseKeys(entry.Value)
	if err != nil {
		return adminError(http.StatusConflict, "what is stored as the secret of workflow %q %w", id, err)
	}
	secrets := make([]adminapi.Secret, 0, len(keys))
	for _, k := range live(keys) {
		s := adminapi.Secret{}
		if !k.ExpiresAt.IsZero() {
			s.ExpiresAt = &k.ExpiresAt
		}
		secrets = append(secrets, s)
	}
	return writeJSON(w, http.StatusOK, adminapi.Secrets{ID: id, Live: len(secrets), Secrets: secrets})
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
	keys, err := signature.ParseKeys(value)
	if err != nil {
		return adminError(http.StatusBadRequest, "the secret %w", err)
	}
	if len(keys) == 0 {
		return adminError(http.StatusBadRequest, "the secret is empty")
	}
	if !flow.ValidID(id) {
		return adminError(http.StatusBadRequest, "%q is not a workflow id", id)
	}
	if wf := app.catalog.Workflow(id); wf != nil {
		check := func(secret []byte) error { return catalog.CheckNewSecret(wf.Scheme, secret) }
		if err := checkSecrets(keys, check); err != nil {
			return adminError(http.StatusBadRequest, "the secret %w; see `caddy flowtrux secret set %s --generate`", err, id)
		}
	}
	if keep := r.URL.Query().Get("keep_old"); keep != "" {
		d, err := caddy.ParseDuration(keep)
		if err != nil || d <= 0 {
			return adminError(http.StatusBadRequest, "keep_old %q is not a duration", keep)
		}
		if value[0] == '{' {
			return adminError(http.StatusBadRequest, "with keep_old the body is the text of one secret")
		}
		old, _ := app.mirror.Get(catalog.SecretPrefix + id)
		if value, err = signature.Rotate(old.Value, keys[0].Secret, time.Now(), d); err != nil {
			return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
		}
		if keys, err = signature.ParseKeys(value); err != nil {
			return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
		}
	}
	revision, err := app.mirror.Write(r.Context(), []store.Entry{{Key: catalog.SecretPrefix + id, Value: value}}, nil)
	if err != nil {
		return storeError(err)
	}
	return writeJSON(w, http.StatusOK, adminapi.StoredSecret{ID: id, Live: len(live(keys)), Revision: revision})
}

func deleteSecret(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, ok := app.mirror.Get(catalog.SecretPrefix + id); !ok {
		return adminError(http.StatusNotFound, "no secret for workflow %q", id)
	}
	return deleteKeys(app, w, r, id, catalog.SecretPrefix+id)
}
