// Package response builds the HTTP responses that senders of webhooks get: status, headers and body
// for every way a request can end. Its functions are pure: the caller chooses the response and
// writes it.
//
// Each body is JSON unless a workflow says otherwise. A response is complete in memory before its
// first byte is written, so a sender never sees the beginning of something that failed later.
// Responses reveal no details: a rejected signature always looks the same, and a failed execution
// shows only the node and the message of its error.
package response

import (
	"net/http"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
)

const contentType = "application/json; charset=utf-8"

// Response is an HTTP response, written in one piece.
type Response struct {
	Status int
	Header Header // owned by the caller; without Content-Length
	// Body is read-only: it may be part of an execution's result. It is nil for 204, 205 and 304.
	Body []byte
	Code Code // of an error, as in its body; "" = none
}

// Accepted returns the response of the mode minimal: the execution's id, with the plan's status and
// headers.
func Accepted(p *flow.Plan, id string) Response {
	return of(p, status(p), id, appendAccepted(nil, id))
}

// AcceptedLate returns the response of a waiting mode that has stopped waiting (onTimeout: accept):
// status 202 with the body of Accepted.
func AcceptedLate(p *flow.Plan, id string) Response {
	return of(p, http.StatusAccepted, id, appendAccepted(nil, id))
}

func appendAccepted(dst []byte, id string) []byte {
	dst = append(dst, `{"success":true,"executionId":`...)
	dst = rawjson.AppendQuoted(dst, []byte(id))
	return append(dst, '}')
}

// status returns the status of a successful response. It is 200 without webhook settings, as in a
// workflow that a command runs.
func status(p *flow.Plan) int {
	if p.Webhook == nil {
		return http.StatusOK
	}
	return p.Webhook.StatusCode
}

// of builds a successful response. The workflow's headers replace the default ones, except for the
// execution's id.
func of(p *flow.Plan, status int, id string, body []byte) Response {
	var custom []flow.HeaderField
	if p.Webhook != nil {
		custom = p.Webhook.Header
	}
	h := newHeader(id, len(custom)+1)
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		body = nil
	default:
		h.Set("Content-Type", contentType)
	}
	for _, f := range custom {
		if f.Name != headerID {
			h.Set(f.Name, f.Value)
		}
	}
	return Response{Status: status, Header: h, Body: body}
}

const headerID = "X-Execution-Id"

// Header holds the fields of a response, no name twice. A response has a handful of them, for which
// a list is smaller and faster than an http.Header.
type Header []flow.HeaderField

// newHeader returns a header with the fields of every response and room for more fields. id is the
// execution's, or "" if there is none.
func newHeader(id string, more int) Header {
	h := append(make(Header, 0, more+2), flow.HeaderField{Name: "X-Content-Type-Options", Value: "nosniff"})
	if id != "" {
		h = append(h, flow.HeaderField{Name: headerID, Value: id})
	}
	return h
}

// Set sets a field. Its name must be canonical.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if f := &(*h)[i]; f.Name == name {
			f.Value = value
			return
		}
	}
	*h = append(*h, flow.HeaderField{Name: name, Value: value})
}

// Get returns the value of a field, "" if there is none. Its name must be canonical.
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value
		}
	}
	return ""
}

// AddTo sets the fields in an http.Header. Their values, of which handlers further out may change
// any, are appended to values, which may be nil.
func (h Header) AddTo(to http.Header, values []string) {
	for i := range h {
		n := len(values)
		values = append(values, h[i].Value)
		to[h[i].Name] = values[n : n+1 : n+1] // so that Add cannot reach the next one
	}
}
