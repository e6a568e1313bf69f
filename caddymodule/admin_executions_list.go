package caddymodule

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// executionFilters are the query parameters of listExecutions.
var executionFilters = []string{"workflow", "status", "source", "id", "from", "to", "limit", "cursor"}

// statuses are the values of the filter by status.
var statuses = journal.Statuses()

// listExecutions writes one page.
func listExecutions(app *App, w http.ResponseWriter, r *http.Request) error {
	query, err := executionQuery(r.URL.Query())
	if err != nil {
		return err
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

// executionQuery reads the filters of a request. Those that can select nothing are errors: an empty
// list would be misleading.
func executionQuery(q url.Values) (query journal.Query, err error) {
	query = journal.Query{Workflow: q.Get("workflow"), Source: q.Get("source"), Cursor: q.Get("cursor"), IDPrefix: idPrefix(q.Get("id"))}
	if list := q.Get("status"); list != "" {
		query.Statuses = strings.Split(list, ",")
	}
	for _, s := range query.Statuses {
		if !slices.Contains(statuses, s) {
			return query, adminError(http.StatusBadRequest, "no status %q; there are: %s", s, strings.Join(statuses, ", "))
		}
	}
	if query.Source != "" && query.Source != journal.SourceConsole {
		return query, adminError(http.StatusBadRequest, "no source %q; there is: %s", query.Source, journal.SourceConsole)
	}
	if query.From, err = timeParameter(q, "from"); err != nil {
		return query, err
	}
	if query.To, err = timeParameter(q, "to"); err != nil {
		return query, err
	}
	if !query.From.IsZero() && !query.To.IsZero() && !query.From.Before(query.To) {
		return query, adminError(http.StatusBadRequest, "from is not before to")
	}
	query.Limit, err = limitOf(q, journal.MaxLimit)
	return query, err
}

// timeParameter returns the time that a parameter gives, or zero if there is none.
func timeParameter(q url.Values, name string) (time.Time, error) {
	text := q.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, adminError(http.StatusBadRequest, "%s is a time such as 2026-03-01T13:30:00Z, not %q", name, text)
	}
	return t, nil
}

// idPrefix returns the beginning of an execution's id for what a person may have typed of one.
func idPrefix(text string) string {
	const prefix = "exec-"
	text = strings.ToLower(strings.TrimSpace(text))
	if strings.HasPrefix(prefix, text) || strings.HasPrefix(text, prefix) {
		return text
	}
	return prefix + text
}

// limitOf returns the parameter limit, or 0 if there is none.
func limitOf(q url.Values, most int) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, adminError(http.StatusBadRequest, "limit is a number between 1 and %d", most)
	}
	return n, nil
}
