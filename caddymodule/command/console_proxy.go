package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/caddymodule/console"
)

// newAdminProxy returns the API of a server, to which it hands requests on. It sends the headers
// that the API reads and no others: Caddy's admin endpoint refuses requests that look like those of
// a browser, and the cookie is nothing to the server.
func newAdminProxy(cl *client) http.Handler {
	return &httputil.ReverseProxy{
		Transport: cl.http.Transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			h := make(http.Header)
			for _, name := range []string{"Accept", "Content-Type", "If-Match", "If-None-Match"} {
				if values := p.In.Header[name]; values != nil {
					h[name] = values
				}
			}
			h.Set("Origin", cl.origin) // as the other commands, for endpoints that enforce it
			p.Out.Header = h
			origin, _ := url.Parse(cl.origin) // made by client
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = origin.Scheme, origin.Host, origin.Host
		},
		ModifyResponse: func(resp *http.Response) error {
			isJSON := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
			if resp.StatusCode >= 400 && !isJSON {
				return replaceBody(resp, cl.failure(resp.StatusCode))
			}
			kept := make(http.Header)
			for _, name := range []string{"Allow", "Content-Length", "Content-Type", "Date", "Etag", "Retry-After"} {
				if values := resp.Header[name]; values != nil {
					kept[name] = values
				}
			}
			resp.Header = kept
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			console.WriteError(w, http.StatusBadGateway, adminapi.Error{Message: cl.unreachable(err).Error()})
		},
	}
}

// replaceBody replaces an error that is not the API's.
func replaceBody(resp *http.Response, e *apiError) error {
	b, err := json.Marshal(adminapi.Error{Message: e.Error()})
	if err != nil {
		return err
	}
	resp.Body.Close()
	resp.Header = http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(b))}}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return nil
}

const (
	// eventsWait is how long the server may wait for events before it responds with a page.
	eventsWait = 5 * time.Second
	// eventsLate is how much longer a page may take.
	eventsLate = 10 * time.Second
)

// adminEvents reads events page by page. It implements console.Events.
type adminEvents struct {
	client *client
	start  string
	at     string
	first  console.Page // what open has read
}

// openEvents begins to read events after a cursor, or from now on. It reads the first page, without
// waiting, so that a stream begins only if the server is there.
func (cl *client) openEvents(ctx context.Context, after string) (console.Events, error) {
	e := &adminEvents{client: cl, at: after}
	page, err := e.read(ctx, 0)
	if err != nil {
		status := http.StatusBadGateway
		if api, ok := errors.AsType[*apiError](err); ok {
			status = api.status
		}
		return nil, &console.StatusError{Status: status, Err: err}
	}
	if e.start = after; after == "" {
		e.start = page.Next
	}
	e.first = page
	return e, nil
}

// Position implements console.Events.
func (e *adminEvents) Position() string { return e.start }

// Close implements console.Events. No request is open between two pages.
func (e *adminEvents) Close() {}

// Next implements console.Events.
func (e *adminEvents) Next(ctx context.Context) (console.Page, error) {
	if first := e.first; len(first.Events) > 0 || first.Reset {
		e.first = console.Page{}
		return first, nil
	}
	page, err := e.read(ctx, eventsWait)
	if err != nil && ctx.Err() == nil {
		return page, err
	}
	return page, nil
}

// read requests a page, for which the server waits.
func (e *adminEvents) read(ctx context.Context, wait time.Duration) (page console.Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait+eventsLate)
	defer cancel()
	path := "events"
	if e.at != "" {
		path += "?" + url.Values{"after": {e.at}, "wait": {wait.String()}}.Encode()
	}
	var got adminapi.Events
	if err := e.client.get(ctx, path, &got); err != nil {
		return page, err
	}
	page.Next, page.Reset = got.Next, got.Reset
	for i, raw := range got.Events {
		var line bytes.Buffer
		if err := json.Compact(&line, raw); err != nil {
			return page, responseError(err)
		}
		event := console.Event{JSON: line.Bytes()}
		if i == len(got.Events)-1 { // only the page has a cursor
			event.ID = got.Next
		}
		page.Events = append(page.Events, event)
	}
	e.at = got.Next
	return page, nil
}

// Interface guards
var _ console.Events = (*adminEvents)(nil)
