package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// statuses are the values of the filter by status.
var statuses = journal.Statuses()

// listExecutions writes one page: ?workflow=&status=&limit=&cursor=.
func listExecutions(app *App, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	query := journal.Query{Workflow: q.Get("workflow"), Status: q.Get("status"), Cursor: q.Get("cursor")}
	if query.Status != "" && !slices.Contains(statuses, query.Status) {
		return adminError(http.StatusBadRequest, "no status %q; there are: %s", query.Status, strings.Join(statuses, ", "))
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > journal.MaxLimit {
			return adminError(http.StatusBadRequest, "limit is a number between 1 and %d", journal.MaxLimit)
		}
		query.Limit = n
	}
	page, err := app.executor.List(r.Context(), query)
	if err != nil {
		return journalError(err)
	}
	if page.Rows == nil {
		page.Rows = []journal.Summary{}
	}
	return writeJSON(w, http.StatusOK, adminapi.Executions{Executions: page.Rows, Next: page.Next})
}

func getExecution(app *App, w http.ResponseWriter, r *http.Request) error {
	record, err := app.executor.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return journalError(err)
	}
	return writeJSON(w, http.StatusOK, record)
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
		{journal.ErrVolatile, http.StatusConflict, "the journal keeps nothing: see accept_loss"},
	} {
		if errors.Is(err, e.is) {
			return adminError(e.status, "%s", e.message)
		}
	}
	return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
}
