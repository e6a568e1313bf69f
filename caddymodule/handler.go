package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/response"
)

const defaultPrefix = "/api/webhooks/"

// Handler receives webhooks: `POST {prefix}{workflow id}` runs the workflow with that id. Requests
// for other paths go to the next handler. Workflows, their secrets, and everything else that
// handlers share belong to the app `flowtrux`.
//
// Requests must be signed with one of the workflow's secrets; this cannot be turned off. The
// signature covers only the body. Query parameters and headers are not protected by it.
//
// The handler responds to errors itself, with JSON. They do not reach `handle_errors`; to replace
// them, use `intercept` and its `handle_response`.
//
// In a Caddyfile:
//
//	example.com {
//		flowtrux {
//			prefix /hooks/
//			unknown_workflow 401
//		}
//	}
//
// The handler in JSON:
//
//	{
//		"handler": "flowtrux",
//		"prefix": "/hooks/",
//		"unknown_workflow": 401
//	}
//
// The handler sets these placeholders for webhooks. Those about the response are empty until it is
// known: in `header` directives they need `defer`.
//
// Placeholder | Description
// ------------|-------------
// `{http.flowtrux.workflow}` | the workflow's id as in the path, at most 64 bytes
// `{http.flowtrux.execution_id}` | the execution's ID; empty if the request was rejected
// `{http.flowtrux.status}` | what became of the execution, see below
// `{http.flowtrux.code}` | the error's code as in the response's body; empty without an error
//
// The workflow is set even if it does not exist. A duplicate has the execution ID of the first
// request. The status is that at the time of the response: `succeeded`, `failed`, `timed_out`,
// `cancelled`, `pending` (accepted, in mode `minimal`), `running` (it took longer than the
// webhook's timeout), `duplicate` (the response of an earlier request), or `rejected` (there is no
// execution).
type Handler struct {
	// Prefix of webhooks' paths; the rest of the path is the workflow's id. It begins and ends with
	// a slash. Default: `/api/webhooks/`.
	Prefix string `json:"prefix,omitempty"`

	// Status of the response for ids without an active webhook workflow: 404, or 401 as for a wrong
	// signature, so that ids cannot be guessed. Default: 404.
	UnknownWorkflow int `json:"unknown_workflow,omitempty"`

	app    *App
	logger *zap.Logger
	checks []check
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.flowtrux",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision checks the config and finds the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	if h.Prefix == "" {
		h.Prefix = defaultPrefix
	}
	if err := checkPrefix(h.Prefix); err != nil {
		return err
	}
	switch h.UnknownWorkflow {
	case 0, http.StatusNotFound:
		h.checks = openChecks
	case http.StatusUnauthorized:
		h.checks = hidingChecks
	default:
		return fmt.Errorf("unknown_workflow is %d; it can be 404 or 401", h.UnknownWorkflow)
	}
	app, err := ctx.App(appName)
	if err != nil {
		return err
	}
	h.app = app.(*App)
	h.app.handlers.add(h)
	return nil
}

// checkPrefix rejects prefixes that no path can have.
func checkPrefix(p string) error {
	if !strings.HasPrefix(p, "/") || !strings.HasSuffix(p, "/") {
		return fmt.Errorf("prefix '%s' must begin and end with a slash", p)
	}
	if strings.ContainsAny(p, "?#%*{}") || strings.Contains(p, "//") || strings.Contains(p, "/./") || strings.Contains(p, "/../") {
		return errors.New("prefix is a plain path, without placeholders, patterns, escapes, empty or dot segments")
	}
	return nil
}

// ServeHTTP responds to a webhook, or passes the request on to the next handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	id, ok := workflowID(r.URL, h.Prefix)
	if !ok {
		return next.ServeHTTP(w, r)
	}
	h.serve(w, r, id, "")
	return nil
}

// serve responds to a webhook for a workflow, from a source as journal.Entry has it.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, id, source string) {
	x := exchange{app: h.app, logger: h.logger, w: w, r: r, id: id, source: source, began: time.Now()}
	x.publish()
	a := x.respond(h.checks)
	x.decided(a)
	x.logFields()
	if read := r.ContentLength == 0 || x.body.whole; read {
		x.write(a)
	} else {
		x.app.linger.write(&x, a)
	}
}

// workflowID returns the id in a path that consists of the prefix and one more segment. Segments
// are split before escapes are resolved, so an escaped slash never separates (RFC 3986, section
// 2.2). Dot segments are no ids.
func workflowID(u *url.URL, prefix string) (string, bool) {
	if u.RawPath == "" { // no escaped slash in it
		id, ok := strings.CutPrefix(u.Path, prefix)
		return id, ok && isSegment(id) && !strings.Contains(id, "/")
	}
	escaped := u.EscapedPath()
	cut := strings.LastIndexByte(escaped, '/') + 1
	head, err := url.PathUnescape(escaped[:cut])
	if err != nil || head != prefix || strings.Count(escaped[:cut], "/") != strings.Count(prefix, "/") {
		return "", false
	}
	id, err := url.PathUnescape(escaped[cut:])
	return id, err == nil && isSegment(id)
}

func isSegment(s string) bool { return s != "" && s != "." && s != ".." }

// write sends a response in one piece. An error of the connection is not reported: the sender is
// gone.
func (x *exchange) write(a response.Response) {
	h := x.w.Header()
	a.Header.AddTo(h, x.values[1:1])
	switch a.Status {
	// these have no length (RFC 9110, section 8.6)
	case http.StatusNoContent, http.StatusNotModified:
	default:
		x.values[0] = strconv.Itoa(len(a.Body))
		h["Content-Length"] = x.values[:1:1]
	}
	x.w.WriteHeader(a.Status)
	_, _ = x.w.Write(a.Body)
}

// Interface guards
var (
	_ caddy.Module                = (*Handler)(nil)
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
