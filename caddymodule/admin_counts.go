package caddymodule

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/journal"
)

// defaultHours is how many hours GET counts covers, unless it is told.
const defaultHours = 24

// getCounts returns counters by the hour. They are in the memory of the journal, so that an
// overview of a thousand workflows needs no record.
func getCounts(app *App, w http.ResponseWriter, r *http.Request) error {
	if app.counting == nil {
		return adminError(http.StatusNotImplemented, "the journal does not count executions")
	}
	q := journal.CountsQuery{Workflow: r.URL.Query().Get("workflow"), Hours: defaultHours}
	if text := r.URL.Query().Get("hours"); text != "" {
		var err error
		if q.Hours, err = strconv.Atoi(text); err != nil || q.Hours < 1 || q.Hours > journal.MaxCountedHours {
			return adminError(http.StatusBadRequest, "hours is %q; it can be 1 to %d", text, journal.MaxCountedHours)
		}
	}
	counts, err := app.counting.Counts(r.Context(), q)
	if err != nil {
		return journalError(err)
	}
	out := adminapi.Counts{
		From: counts.From, Hours: q.Hours, Workflows: make([]adminapi.WorkflowCounts, 0, len(counts.Workflows)),
		Rejections: make([]adminapi.RejectionCounts, 0, len(counts.Rejections)),
	}
	for _, c := range counts.Workflows {
		row := adminapi.WorkflowCounts{
			ID: c.Workflow, Median: c.Median,
			Succeeded: c.Ended[journal.Succeeded], Failed: c.Ended[journal.Failed],
			Cancelled: c.Ended[journal.Cancelled], TimedOut: c.Ended[journal.TimedOut],
		}
		if c.Last.ID != "" {
			row.Last = &adminapi.LastExecution{ID: c.Last.ID, Status: c.Last.Status, EndedAt: c.Last.EndedAt}
		}
		out.Workflows = append(out.Workflows, row)
	}
	for _, c := range counts.Rejections {
		out.Rejections = append(out.Rejections, adminapi.RejectionCounts(c))
	}
	// without white space: it would be most of a large response
	b, err := json.Marshal(out)
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusInternalServerError, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n'))
	return nil
}
