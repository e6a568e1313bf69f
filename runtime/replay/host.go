package replay

import (
	"context"
	"fmt"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/trace"
)

// recordedHost is the host of a replayed call. It returns the recorded responses.
type recordedHost struct {
	calls      []journal.HostCall
	next       int
	unrecorded int // requests for which the record has no response
	requests   []Request
}

// ask returns the next recorded host call. ok is false if there is none, or if it is of another
// function.
func (h *recordedHost) ask(function string, request []byte) (c journal.HostCall, ok bool) {
	a := Request{Function: function, Replayed: request}
	if len(request) > trace.MaxValue {
		a.Replayed = fmt.Appendf(nil, `"(%d bytes)"`, len(request))
	}
	if h.next < len(h.calls) && h.calls[h.next].Function == function {
		c, ok = h.calls[h.next], true
		a.Recorded = []byte(c.Request.Text)
		h.next++
	} else if h.unrecorded++; h.unrecorded > maxUnrecorded {
		return c, false
	}
	h.requests = append(h.requests, a)
	return c, ok
}

// end returns the requests, including recorded ones that were not repeated.
func (h *recordedHost) end() []Request {
	for _, c := range h.calls[h.next:] {
		h.requests = append(h.requests, Request{Function: c.Function, Recorded: []byte(c.Request.Text)})
	}
	return h.requests
}

// errNotRecorded is the error of a request for which the record has no response.
var errNotRecorded = &hostapi.Failure{Code: "not_recorded", Message: "the record has no response to this", Fatal: true}

func failureOf(c journal.HostCall) error {
	if c.Code == "" {
		return nil
	}
	return &hostapi.Failure{Code: c.Code, Message: c.Message, Fatal: c.Fatal}
}

// Do implements hostapi.HTTPClient.
func (h *recordedHost) Do(_ context.Context, req []byte, _ hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	c, ok := h.ask(abi.ImportHTTP, trace.CanonicalJSON(req))
	switch {
	case !ok:
		return dst, errNotRecorded
	case c.Code != "":
		return dst, failureOf(c)
	}
	return append(dst, c.Answer.Text...), nil
}

// SetGlobal implements hostapi.GlobalWriter.
func (h *recordedHost) SetGlobal(_ context.Context, key string, value []byte) error {
	c, ok := h.ask(abi.ImportGlobalSet, trace.SetGlobalRequest(key, value))
	if !ok {
		return errNotRecorded
	}
	return failureOf(c)
}

// AddGlobal implements hostapi.GlobalWriter.
func (h *recordedHost) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	return h.respond(abi.ImportGlobalAdd, trace.AddGlobalRequest(key, by))
}

// GetGlobal implements hostapi.Globals.
func (h *recordedHost) GetGlobal(key string) ([]byte, error) {
	return h.respond(abi.ImportGlobalGet, trace.GetGlobalRequest(key))
}

// respond returns the recorded response to a request for a global, or nil if it was empty.
func (h *recordedHost) respond(function string, request []byte) ([]byte, error) {
	c, ok := h.ask(function, request)
	switch {
	case !ok:
		return nil, errNotRecorded
	case c.Code != "" || c.Answer.Text == "":
		return nil, failureOf(c)
	}
	return []byte(c.Answer.Text), nil
}
