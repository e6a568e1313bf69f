// Package answer shapes what the sender of a webhook gets: status, headers and body of every way a request can end. Its
// functions are pure; who calls them decides which answer it is and writes it.
//
// Each body is JSON unless a workflow says otherwise, and each answer is complete in memory before its first byte is
// written: a sender never sees the beginning of something that failed later. It is not a place for details: a refused
// signature always looks the same, and of a failed execution only the node and its own message show.
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
	Body   []byte      // only to be read, it may be part of an execution's result; nil for 204, 205, 304
}

// Accepted is the answer of the mode minimal: the execution's id, with the plan's status and headers.
func Accepted(p *flow.Plan, id string) Answer {
	return of(p, status(p), id, appendAccepted(nil, id))
}

// AcceptedLate is the answer of a waiting mode that waits no longer (onTimeout: accept): 202 and what Accepted says.
func AcceptedLate(p *flow.Plan, id string) Answer {
	return of(p, http.StatusAccepted, id, appendAccepted(nil, id))
}

func appendAccepted(dst []byte, id string) []byte {
	dst = append(dst, `{"success":true,"executionId":`...)
	dst = rawjson.AppendQuoted(dst, []byte(id))
	return append(dst, '}')
}

// status is the status of an answer that is no failure. What has no webhook settings, such as a workflow that is run
// by command, answers 200.
func status(p *flow.Plan) int {
	if p.Webhook == nil {
		return http.StatusOK
	}
	return p.Webhook.StatusCode
}

// of makes an answer that is no failure, in which the workflow's headers win over ours except for the execution's id.
func of(p *flow.Plan, status int, id string, body []byte) Answer {
	h := header(id)
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		body = nil
	default:
		h["Content-Type"] = []string{contentType}
	}
	if p.Webhook != nil {
		for _, f := range p.Webhook.Header {
			if f.Name != headerID {
				h[f.Name] = []string{f.Value}
			}
		}
	}
	return Answer{Status: status, Header: h, Body: body}
}

const headerID = "X-Execution-Id"

// header has what every answer has. id is the execution's, "" when there is none.
func header(id string) http.Header {
	h := make(http.Header, 8)
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if id != "" {
		h[headerID] = []string{id}
	}
	return h
}
