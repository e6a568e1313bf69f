// Package answer shapes what the sender of a webhook gets: status, headers and body of every way a
// request can end. Its functions are pure; who calls them decides which answer it is and writes it.
//
// Each body is JSON unless a workflow says otherwise, and each answer is complete in memory before
// its first byte is written: a sender never sees the beginning of something that failed later. It
// is not a place for details: a refused signature always looks the same, and of a failed execution
// only the node and its own message show.
package answer

import (
	"net/http"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
)

const contentType = "application/json; charset=utf-8"

// Answer is what a sender gets: written in one piece.
type Answer struct {
	Status int
	Header http.Header // the caller's to change; without Content-Length
	// only to be read, it may be part of an execution's result; nil for 204, 205, 304
	Body []byte
	Code Code // of an error, as in its body; "" = none
}

// Accepted is the answer of the mode minimal: the execution's id, with the plan's status and
// headers.
func Accepted(p *flow.Plan, id string) Answer {
	return of(p, status(p), id, appendAccepted(nil, id))
}

// AcceptedLate is the answer of a waiting mode that waits no longer (onTimeout: accept): 202 and
// what Accepted says.
func AcceptedLate(p *flow.Plan, id string) Answer {
	return of(p, http.StatusAccepted, id, appendAccepted(nil, id))
}

func appendAccepted(dst []byte, id string) []byte {
	dst = append(dst, `{"success":true,"executionId":`...)
	dst = rawjson.AppendQuoted(dst, []byte(id))
	return append(dst, '}')
}

// status is the status of an answer that is no failure. What has no webhook settings, such as a
// workflow that is run by command, answers 200.
func status(p *flow.Plan) int {
	if p.Webhook == nil {
		return http.StatusOK
	}
	return p.Webhook.StatusCode
}

// of makes an answer that is no failure, in which the workflow's headers win over ours except for
// the execution's id.
func of(p *flow.Plan, status int, id string, body []byte) Answer {
	var custom []flow.HeaderField
	if p.Webhook != nil {
		custom = p.Webhook.Header
	}
	h := newHeader(id, len(custom)+1)
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		body = nil
	default:
		h.set("Content-Type", contentType)
	}
	for _, f := range custom {
		if f.Name != headerID {
			h.set(f.Name, f.Value)
		}
	}
	return Answer{Status: status, Header: h.fields, Body: body}
}

const headerID = "X-Execution-Id"

// header is a header that is being made. The values of all fields lie in one array.
type header struct {
	fields http.Header
	values []string
}

// newHeader begins with what every answer has and leaves room for more fields. id is the
// execution's, "" when there is none.
func newHeader(id string, more int) header {
	h := header{make(http.Header, more+2), make([]string, 0, more+2)}
	h.set("X-Content-Type-Options", "nosniff")
	if id != "" {
		h.set(headerID, id)
	}
	return h
}

// set sets a field, whose name is canonical.
func (h *header) set(name, value string) {
	n := len(h.values)
	h.values = append(h.values, value)
	h.fields[name] = h.values[n : n+1 : n+1] // so that Add cannot reach the next one
}
