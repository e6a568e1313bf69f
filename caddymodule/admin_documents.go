package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/headercheck"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/signature"
	"github.com/flowtrux/edge/runtime/store"
)

// putWorkflow stores a document that validates; a webhook.secret in it becomes the workflow's
// secret, in the same transaction, unless the store has one already: applying an old file again
// must not undo a rotation.
func putWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	doc, err := readAdminBody(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if id == "" && lacksID(doc) {
		return adminError(http.StatusBadRequest, "the document has no id: give it one, or put it to %sworkflows/<id>", adminapi.Base)
	}
	program, err := headercheck.CompileNew(r.Context(), id, doc, app.types, headercheck.ByRunningServers)
	if bad := (*flow.DocumentError)(nil); errors.As(err, &bad) {
		return writeJSON(w, http.StatusBadRequest, adminapi.Error{
			Message:  "the document does not validate, nothing was stored",
			Problems: problems(bad.Problems),
		})
	}
	if err != nil {
		return notCompiled(err)
	}
	p, err := readPrecondition(r)
	if err != nil {
		return err
	}
	stored, now, err := app.storeWorkflow(r.Context(), p, program.Plan)
	switch bad := (*signature.Error)(nil); {
	case errors.As(err, &bad):
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: bad}
	case err != nil:
		return storeError(err)
	case now != nil:
		return app.conflict(w, p, now[0])
	}
	setRevision(w, stored.Revision)
	return writeJSON(w, http.StatusOK, stored)
}

// storeWorkflow stores a document, and its secret if the store has none for it: see secretOf. If p
// does not hold, nothing is written, and now is what the store has as the document.
func (a *App) storeWorkflow(ctx context.Context, p *precondition, plan *flow.Plan) (
	stored *adminapi.StoredWorkflow, now []store.Entry, err error,
) {
	doc := store.Entry{Key: catalog.WorkflowPrefix + plan.ID, Value: plan.Document}
	key := catalog.SecretPrefix + plan.ID
	conditions := p.of(doc.Key)
	p.reach(ctx, a.mirror)
	var secret []byte
	if keys := a.secretOf(plan); keys != nil {
		// Not the bare text: it might end with a newline, or begin like the object.
		if secret, err = signature.FormatKeys(keys); err != nil {
			return nil, nil, err
		}
	}
	_, has := a.mirror.Get(key) // this copy may be old: then the write fails
	for range replaceTries {
		put, all := []store.Entry{doc}, slices.Clip(conditions)
		last := store.Condition{Key: key, Revision: store.AnyRevision}
		move := secret != nil && !has
		if move {
			last.Revision = 0
			put = append(put, store.Entry{Key: key, Value: secret})
		}
		if secret != nil {
			all = append(all, last)
		}
		revision, is, err := a.mirror.WriteIf(ctx, all, put, nil)
		switch {
		case err != nil:
			return nil, nil, err
		case is == nil:
			return &adminapi.StoredWorkflow{
				ID: plan.ID, PrepareFuel: plan.PrepareFuel, Revision: revision, SecretMoved: move,
			}, nil, nil
		case p != nil && !p.holds(is[0]):
			return nil, is, nil
		}
		has = is[len(is)-1].Revision != 0
	}
	return nil, nil, store.ErrContended
}

// secretOf returns the secret of a new document, or else that of the document which it replaces.
// Documents are shown without it, so an edited one comes back without it, and the workflow must not
// lose it. nil = there is none.
func (a *App) secretOf(plan *flow.Plan) []signature.Key {
	if plan.Webhook == nil {
		return nil
	}
	if plan.Webhook.Secret != "" {
		return signature.OneKey([]byte(string(plan.Webhook.Secret)), time.Time{})
	}
	if before := a.catalog.Workflow(plan.ID); before != nil {
		return before.OwnKeys()
	}
	return nil
}

// lacksID reports whether a document is JSON without an id. Compiling tells what is wrong with
// others.
func lacksID(doc []byte) bool {
	canonical, err := rawjson.AppendCanonical(nil, doc, flow.MaxDepth)
	return err == nil && rawjson.Get(canonical, "id") == nil
}

// validateWorkflow checks a document as putWorkflow does, and stores nothing. ?id= names it when it
// has no id itself.
func validateWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	doc, err := readAdminBody(w, r)
	if err != nil {
		return err
	}
	program, err := headercheck.CompileNew(r.Context(), r.URL.Query().Get("id"), doc, app.types, headercheck.ByRunningServers)
	if bad := (*flow.DocumentError)(nil); errors.As(err, &bad) {
		return writeJSON(w, http.StatusOK, adminapi.Validation{Problems: problems(bad.Problems)})
	}
	if err != nil {
		return notCompiled(err)
	}
	plan := program.Plan
	return writeJSON(w, http.StatusOK, adminapi.Validation{
		ID: plan.ID, Nodes: len(plan.Nodes), PrepareFuel: &plan.PrepareFuel, Valid: true,
	})
}

// notCompiled is the error for a document that could not be checked.
func notCompiled(err error) error {
	status := http.StatusInternalServerError
	if full := (*sandbox.BudgetFullError)(nil); errors.As(err, &full) {
		status = http.StatusServiceUnavailable
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}
