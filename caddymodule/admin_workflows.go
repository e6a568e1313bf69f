package caddymodule

import (
	"errors"
	"fmt"
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

// problems converts the mistakes in a document for the admin API.
func problems(found []flow.Problem) []adminapi.Problem {
	out := make([]adminapi.Problem, 0, len(found))
	for _, p := range found {
		out = append(out, adminapi.Problem(p))
	}
	return out
}

func workflowState(wf *catalog.Workflow) string {
	switch {
	case wf.Preparing != nil:
		return adminapi.StatePreparing
	case wf.Program == nil:
		return adminapi.StateInvalid
	case wf.Problems != nil:
		return adminapi.StateStale
	}
	return adminapi.StateServing
}

func listWorkflows(app *App, w http.ResponseWriter, _ *http.Request) error {
	list := app.catalog.List()
	rows := make([]adminapi.Workflow, 0, len(list))
	for _, wf := range list {
		row := adminapi.Workflow{
			ID: wf.ID, Active: wf.Active, Revision: wf.Revision, Serving: wf.Serving,
			State: workflowState(wf), Secrets: len(live(wf.Keys)), Problems: problems(wf.Problems),
			Warnings:      problems(warnings(wf)),
			SecretProblem: secretTrouble(wf),
		}
		if wf.Program != nil {
			plan := wf.Program.Plan
			row.Name, row.Trigger, row.PrepareFuel = plan.Name, adminapi.TriggerManual, plan.PrepareFuel
			if plan.Webhook != nil {
				row.Trigger, row.Mode = adminapi.TriggerWebhook, string(plan.Webhook.Mode)
			}
		}
		rows = append(rows, row)
	}
	return writeJSON(w, http.StatusOK, adminapi.Workflows{Workflows: rows})
}

// warnings returns the problems of a document that serves and would be rejected if it were new.
func warnings(wf *catalog.Workflow) []flow.Problem {
	if wf.Program == nil {
		return nil
	}
	return append(slices.Clip(wf.Warnings), headercheck.Dropped(wf.Program.Plan, wf.Scheme, headercheck.ByRunningServers)...)
}

func findWorkflow(app *App, id string) (*catalog.Workflow, error) {
	if wf := app.catalog.Workflow(id); wf != nil {
		return wf, nil
	}
	return nil, adminError(http.StatusNotFound, "no workflow %q", id)
}

// getWorkflow writes the document as it is stored, without its secret, so that it can be edited and
// put again. In a document that is invalid, or may be, a secret can be anywhere: see flow.Masked.
func getWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	wf, err := findWorkflow(app, r.PathValue("id"))
	if err != nil {
		return err
	}
	shown := flow.RedactSecret(wf.Document)
	if len(wf.Problems) > 0 || wf.Preparing != nil {
		if shown = flow.Masked(wf.Document); shown == nil {
			return writeJSON(w, http.StatusConflict, adminapi.Error{
				Message:  "what is stored is no JSON object, and not shown: it may hold a secret",
				Problems: problems(wf.Problems),
			})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, wf.Revision))
	_, _ = w.Write(shown)
	return nil
}

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
	plan := program.Plan
	put := []store.Entry{{Key: catalog.WorkflowPrefix + plan.ID, Value: plan.Document}}
	moved := false
	if plan.Webhook != nil && plan.Webhook.Secret != "" {
		if _, has := app.mirror.Get(catalog.SecretPrefix + plan.ID); !has {
			// Not the bare text: it might end with a newline, or begin like the object.
			secret, err := signature.FormatKeys([]signature.Key{signature.NewKey([]byte(string(plan.Webhook.Secret)), time.Time{})})
			if err != nil {
				return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
			}
			put = append(put, store.Entry{Key: catalog.SecretPrefix + plan.ID, Value: secret})
			moved = true
		}
	}
	revision, err := app.mirror.Write(r.Context(), put, nil)
	if err != nil {
		return storeError(err)
	}
	return writeJSON(w, http.StatusOK, adminapi.StoredWorkflow{
		ID: plan.ID, PrepareFuel: plan.PrepareFuel, Revision: revision, SecretMoved: moved,
	})
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

func deleteWorkflow(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := findWorkflow(app, id); err != nil {
		return err
	}
	return deleteKeys(app, w, r, id, catalog.WorkflowPrefix+id, catalog.SecretPrefix+id)
}

// deleteKeys deletes the keys of a name and confirms it.
func deleteKeys(app *App, w http.ResponseWriter, r *http.Request, name string, keys ...string) error {
	revision, err := app.mirror.Write(r.Context(), nil, keys)
	if err != nil {
		return storeError(err)
	}
	return writeJSON(w, http.StatusOK, adminapi.Deleted{Name: name, Revision: revision})
}
