package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

func getExecution(app *App, w http.ResponseWriter, r *http.Request) error {
	record, err := app.executor.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return journalError(err)
	}
	return writeJSON(w, http.StatusOK, record)
}

// getExecutionDocument writes the document that an execution ran with, without its secret.
func getExecutionDocument(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	doc, revision, err := app.executor.Document(r.Context(), id)
	if errors.Is(err, journal.ErrNotEnded) || errors.Is(err, journal.ErrUnknown) {
		// It may still be the document of the workflow.
		record, gone := app.executor.Get(r.Context(), id)
		if gone != nil {
			return journalError(gone)
		}
		if doc, revision = documentOf(app, record.Workflow, record.Revision); doc == nil {
			return adminError(http.StatusConflict, "the document of revision %d is not at hand: the execution has not ended, or was recorded without it", record.Revision)
		}
	} else if err != nil {
		return journalError(err)
	}
	setRevision(w, revision)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc)
	return nil
}

// documentOf returns a workflow's document of a revision without its secret, or nil unless it is
// the one that serves.
func documentOf(app *App, id string, revision int64) ([]byte, int64) {
	wf := app.catalog.Workflow(id)
	if wf == nil || wf.Program == nil || wf.Serving != revision {
		return nil, 0
	}
	return wf.Program.Plan.Document, revision
}

// cancelExecution does not wait: a running execution ends as soon as its nodes have stopped.
func cancelExecution(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := app.executor.Cancel(r.Context(), id); err != nil {
		return journalError(err)
	}
	return writeJSON(w, http.StatusAccepted, adminapi.Cancelled{ID: id})
}

// replayExecution runs an ended execution again, with the workflow as it was recorded, or with
// ?revision=current as it serves now.
func replayExecution(app *App, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	plan, err := replayPlan(app, r.Context(), id, r.URL.Query().Get("revision"))
	if err != nil {
		return err
	}
	newID := app.engine.NewID()
	if err := app.executor.Rerun(r.Context(), id, newID, plan); err != nil {
		return journalError(err)
	}
	return writeJSON(w, http.StatusAccepted, adminapi.Rerun{ID: newID, ReplayOf: id})
}

// replayPlan returns the plan to run an execution again with; nil = the recorded one.
func replayPlan(app *App, ctx context.Context, id, revision string) (*flow.Plan, error) {
	switch revision {
	case "", "recorded":
		return nil, nil
	case "current":
	default:
		return nil, adminError(http.StatusBadRequest, "revision is recorded or current, not %q", revision)
	}
	record, err := app.journal.Get(ctx, id)
	if err != nil {
		return nil, journalError(err)
	}
	wf, err := findWorkflow(app, record.Workflow)
	if err != nil {
		return nil, err
	}
	if wf.Program == nil {
		return nil, adminError(http.StatusConflict, "workflow %q has no valid version", wf.ID)
	}
	return wf.Program.Plan, nil
}

// journalError is the error of a call that the journal rejected; nothing was changed.
func journalError(err error) error {
	for _, e := range []struct {
		is      error
		status  int
		message string
	}{
		{journal.ErrUnknown, http.StatusNotFound, "no such execution, or not any more"},
		{journal.ErrEnded, http.StatusConflict, "the execution has ended already"},
		{journal.ErrNotEnded, http.StatusConflict, "the execution has not ended yet: cancel it, or wait"},
		{journal.ErrBadCursor, http.StatusBadRequest, "the cursor is none that a list has given"},
		{journal.ErrBadID, http.StatusBadRequest, "no execution's id begins like this"},
		{journal.ErrVolatile, http.StatusConflict, "the journal keeps nothing: see accept_loss"},
	} {
		if errors.Is(err, e.is) {
			return adminError(e.status, "%s", e.message)
		}
	}
	return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
}
