// Package console serves the console: the page, which is built from web/ to dist/ and embedded, and
// the API that the page uses. It is behind one of two doors, which decide who comes in: the handler
// `flowtrux_console` of a site (package caddymodule), and the command `caddy flowtrux console`
// (package command).
//
// Both doors get the same from here: the headers of each response, the checks of each write, and
// the session. The package knows neither Caddy nor the server behind the API.
//
// With the build tag flowtrux_no_console the page is left out.
package console

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/internal/version"
)

// The doors of a console, as a session names them.
const (
	DoorSite    = "site"
	DoorCommand = "command"
)

// SessionPath is the path of the session, below the console's prefix.
const SessionPath = "/session"

// Session is the response of GET session: who is at the console, and what it may do.
type Session struct {
	User     string `json:"user"`
	ReadOnly bool   `json:"readOnly"`
	Version  string `json:"version"` // of FlowTrux Edge, in this process
	Door     string `json:"door"`
}

// Options shape a console.
type Options struct {
	// API serves the paths below adminapi.Base.
	API http.Handler
	// Events opens the events after a cursor, from now on if it is "". The error may be a
	// *StatusError.
	Events func(ctx context.Context, after string) (Events, error)
	// Until ends the streams of events. Requests end with their own contexts.
	Until context.Context
	// Door is one of the constants.
	Door string
	// ReadOnly refuses all but reading and validating.
	ReadOnly bool
	// Wrote is told each request that was to change or run something, also one that was refused;
	// nil = nobody is.
	Wrote func(Write)
}

// Write is a request that was to change or run something.
type Write struct {
	Request *http.Request
	User    string
	What    string // the path without adminapi.Base
	Status  int    // of the response
}

// Console serves a page and its API. It is safe for concurrent use.
type Console struct {
	options Options
	files   *files
	streams streams
}

// New returns a console.
func New(o Options) *Console {
	return &Console{options: o, files: embedded(), streams: streams{open: o.Events, until: o.Until}}
}

// Serve serves a request of a user who was let in. The path of its URL begins at the console's
// prefix, with a slash. The response has the headers of SetHeaders, which the door has set.
func (c *Console) Serve(w http.ResponseWriter, r *http.Request, user string) {
	switch {
	case strings.HasPrefix(r.URL.Path, adminapi.Base) && isClean(r.URL):
		if climbs(r.URL.Path) {
			WriteError(w, http.StatusBadRequest, adminapi.Error{
				Message: "a console takes no name that contains the segment ..: use the admin endpoint",
			})
			return
		}
		c.serveAPI(w, r, user)
	case r.URL.Path == SessionPath:
		if !isRead(r) {
			w.Header().Set("Allow", "GET, HEAD")
			WriteError(w, http.StatusMethodNotAllowed, adminapi.Error{Message: "the session can only be read here"})
			return
		}
		writeJSON(w, http.StatusOK, Session{
			User: user, ReadOnly: c.options.ReadOnly, Version: version.Version(), Door: c.options.Door,
		})
	default:
		c.files.serve(w, r)
	}
}

// isClean reports whether a path has no dot segments and no empty ones. What is behind the API
// might take others for a path outside of it.
func isClean(u *url.URL) bool {
	escaped := u.EscapedPath()
	return path.Clean(escaped) == strings.TrimSuffix(escaped, "/")
}

// climbs reports whether a path has a segment "..", which was escaped if the path is clean. Path
// matchers of Caddy resolve the escapes, and then the segment: what authenticates requests for a
// console's prefix would not see this one. On Windows, a backslash separates segments as well.
func climbs(p string) bool {
	for segment := range strings.FieldsFuncSeq(p, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == ".." {
			return true
		}
	}
	return false
}

func (c *Console) serveAPI(w http.ResponseWriter, r *http.Request, user string) {
	refused := c.refuse(r)
	if isRead(r) {
		if refused != nil {
			WriteError(w, refused.status, refused.body)
			return
		}
		if wantsStream(r) {
			c.streams.serve(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		c.options.API.ServeHTTP(w, r)
		return
	}
	watched := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if refused != nil {
		WriteError(watched, refused.status, refused.body)
	} else {
		w.Header().Set("Cache-Control", "no-store")
		c.options.API.ServeHTTP(watched, r)
	}
	if what := strings.TrimPrefix(r.URL.Path, adminapi.Base); c.options.Wrote != nil && !validates(r) {
		c.options.Wrote(Write{Request: r, User: user, What: what, Status: watched.status})
	}
}

// statusWriter notes the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// validates reports whether a request is POST validate, which changes nothing.
func validates(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == adminapi.Base+"validate"
}

// isRead reports whether a request only reads.
func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
