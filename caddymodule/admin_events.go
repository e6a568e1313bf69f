package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/caddymodule/adminapi"
)

// maxEventWait is the longest that a request waits for events. Caddy's admin endpoint gives up on
// requests after 10 s.
const maxEventWait = 5 * time.Second

// maxEventWaits is how many requests may wait for events at the same time.
const maxEventWaits = 256

// getEvents returns the events after a cursor, and waits for one if there is none yet. Without a
// cursor it returns where to begin.
func getEvents(app *App, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var wait time.Duration
	if text := q.Get("wait"); text != "" {
		var err error
		if wait, err = caddy.ParseDuration(text); err != nil || wait < 0 || wait > maxEventWait {
			return adminError(http.StatusBadRequest, "wait is %q; it can be a duration of up to %s", text, maxEventWait)
		}
	}
	after := q.Get("after")
	reader := app.live.read(after)
	defer reader.Close()
	out := adminapi.Events{Events: []json.RawMessage{}, Next: reader.Position().String()}
	if after == "" {
		return writeJSON(w, http.StatusOK, out)
	}
	defer app.live.waits.Add(-1)
	if app.live.waits.Add(1) > maxEventWaits {
		w.Header().Set("Retry-After", "10")
		return adminError(http.StatusServiceUnavailable, "too many requests wait for events")
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(app.streaming, cancel)()
	page, err := reader.Read(ctx)
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	for _, e := range page.Events {
		out.Events = append(out.Events, e.JSON)
	}
	out.Next, out.Reset = page.Next.String(), page.Reset
	return writeJSON(w, http.StatusOK, out)
}
