package caddymodule

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/signature"
)

// exchange is one webhook request on its way to a response. It is used by the request's goroutine
// only.
type exchange struct {
	app    *App
	logger *zap.Logger
	w      http.ResponseWriter
	r      *http.Request
	id     string    // of the workflow, as the path has it
	source string    // of the request, see journal.Entry
	began  time.Time // when the request arrived
	ip     string    // see client

	workflow *catalog.Workflow // after find
	// after readBody, also when it was rejected. Its bytes are there until all checks have passed,
	// and count until the request has its slot.
	body body
	// after parse; nil again while the request waits for another's execution
	event *flow.Event
	key   *journal.Key // after findKey; nil = the request has none

	// what the response says, for placeholders
	header  response.Header
	code    response.Code
	outcome string // what the placeholder status shows

	result *engine.Result // of the execution that the request has waited for; nil = none

	values [8]string // of the response's header; here they need no memory of their own
}

// check is one test that a request has to pass. It returns nil, or the response of a request that
// ends here.
type check func(*exchange) *response.Response

// The checks, in their order: the first that fails decides the response. Where ids are hidden,
// nothing may depend on the id before the signature is verified.
var (
	openChecks = []check{
		(*exchange).ready, (*exchange).find, (*exchange).method, (*exchange).readBody,
		(*exchange).verify, (*exchange).mediaType, (*exchange).parse, (*exchange).challenge, runnable((*exchange).find),
		(*exchange).findKey,
	}
	hidingChecks = []check{
		(*exchange).ready, (*exchange).method, (*exchange).readBody, (*exchange).findHidden,
		(*exchange).verify, (*exchange).mediaType, (*exchange).parse, (*exchange).challenge, runnable((*exchange).findHidden),
		(*exchange).findKey,
	}
)

// respond runs the checks and the workflow, and returns the response.
func (x *exchange) respond(checks []check) response.Response {
	if !x.enter() {
		return *x.reject(response.NotReady)
	}
	defer x.app.life.leave()
	defer x.body.release()
	for _, check := range checks {
		if a := check(x); a != nil {
			return *a
		}
	}
	x.body.discard() // the event has its own copy, and the key its digest
	return x.run()
}

// client returns the client's address.
func (x *exchange) client() string {
	if x.ip == "" {
		x.ip = clientIP(x.r)
	}
	return x.ip
}

// enter keeps the app alive until the request has its response. A request can reach the handler of
// a config that was replaced and cleaned up since its connection was accepted. Then the app of the
// config that runs now takes it. It reports whether there is one.
func (x *exchange) enter() bool {
	for range 2 {
		if x.app.life.enter() {
			return true
		}
		app, err := runningApp()
		if err != nil {
			return false
		}
		x.app = app
	}
	return false
}

// ready rejects requests until the store has been loaded.
func (x *exchange) ready() *response.Response {
	if !x.app.loaded(x.r.Context()) {
		return x.reject(response.NotReady)
	}
	return nil
}

// find rejects ids without an active workflow that has a webhook trigger.
func (x *exchange) find() *response.Response {
	w := x.app.catalog.Workflow(x.id)
	if w == nil || !w.Active || !w.Webhook {
		return x.reject(response.WorkflowNotFound)
	}
	x.workflow = w
	return nil
}

// findHidden is find for handlers that hide ids. An unknown id goes through a signature check
// without keys, which hashes the body with a secret of the process and never succeeds.
func (x *exchange) findHidden() *response.Response {
	w := x.app.catalog.Workflow(x.id)
	if w == nil || !w.Active || !w.Webhook {
		x.app.decoy.Verify(x.r.Header, x.body.data, nil, time.Now())
		return x.rejectSignature(unknownWorkflow, "")
	}
	x.workflow = w
	return nil
}

// method rejects methods other than POST.
func (x *exchange) method() *response.Response {
	if x.r.Method != http.MethodPost {
		return x.reject(response.MethodNotAllowed)
	}
	return nil
}

// readBody reads the body, and rejects one that exceeds a limit of size, time or memory.
func (x *exchange) readBody() *response.Response {
	err := x.app.bodies.read(&x.body, x.w, x.r, x.client())
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBodyTooLarge):
		return x.reject(response.BodyTooLarge, zap.Error(err))
	case errors.Is(err, errBodyTimeout):
		return x.reject(response.BodyTimeout, zap.Error(err))
	case errors.Is(err, errBodyMemory):
		return x.reject(response.Overloaded, zap.Error(err))
	default: // the sender went away, or its framing is broken
		return x.reject(response.InvalidJSON, zap.Error(err))
	}
}

// unknownWorkflow is a reason in logs and metrics besides those of package signature.
const unknownWorkflow signature.Reason = "unknown_workflow"

// verify rejects bodies that are not signed with a live secret, and old ones if the scheme signs a
// time.
func (x *exchange) verify() *response.Response {
	w := x.workflow
	reason, header := w.Scheme.Verify(x.r.Header, x.body.data, w.Keys, time.Now())
	if reason == signature.OK {
		return nil
	}
	return x.rejectSignature(reason, header)
}

// rejectSignature rejects a signature, and logs the reason. The header is the one that is missing
// or malformed, "" when none is.
func (x *exchange) rejectSignature(reason signature.Reason, header string) *response.Response {
	x.app.meters.verifyFailures.WithLabelValues(string(reason)).Inc()
	code := response.InvalidSignature
	if reason == signature.Stale {
		code = response.StaleSignature
	}
	a := response.Error(code, "")
	blamed := zap.Skip()
	if header != "" {
		blamed = zap.String("header", header)
	}
	x.logRejection(a, "webhook signature refused", zap.String("reason", string(reason)), blamed, zap.Int("bytes", len(x.body.data)))
	return &a
}

// mediaType rejects content types other than JSON, and content codings.
func (x *exchange) mediaType() *response.Response {
	if !isJSONType(x.r.Header["Content-Type"]) || !isIdentity(x.r.Header["Content-Encoding"]) {
		return x.reject(response.UnsupportedMediaType)
	}
	return nil
}

// parse rejects bodies that are not one JSON value, and makes the event of others. Without a
// program, runnable parses again.
func (x *exchange) parse() *response.Response {
	e, err := flow.NewEvent(x.body.data, x.r.URL.RawQuery, flow.Event{
		LateHeaders: x,
		Method:      x.r.Method,
		ClientIP:    x.client(),
		ReceivedAt:  x.began.UTC(),
		Source:      x.source,
	})
	if err != nil {
		rejection := x.reject(response.InvalidJSON)
		if syntax, ok := errors.AsType[*rawjson.SyntaxError](err); ok {
			*rejection = response.InvalidBody(syntax.Reason, syntax.Offset)
		}
		return rejection
	}
	if p := x.workflow.Program; p != nil && p.Plan.ReadsHeaders {
		e.AddHeaders()
	}
	x.event = e
	return nil
}

// TriggerHeaders implements flow.HeaderSource.
func (x *exchange) TriggerHeaders() []byte {
	return triggerHeaders(x.r.Header, x.workflow.Scheme.Headers())
}

// challenge responds to Slack's url_verification, without an execution. It proves that this
// endpoint knows the secret (https://docs.slack.dev/reference/events/url_verification).
func (x *exchange) challenge() *response.Response {
	if x.workflow.Scheme.Name() != "slack" {
		return nil
	}
	data := x.event.Data
	if rawjson.KindOf(data) != rawjson.Object || string(rawjson.Get(data, "type")) != `"url_verification"` {
		return nil
	}
	challenge := rawjson.Get(data, "challenge")
	if rawjson.KindOf(challenge) != rawjson.String {
		return nil
	}
	body := append([]byte(`{"challenge":`), challenge...)
	return &response.Response{
		Status: http.StatusOK,
		Header: response.Header{
			{Name: "Content-Type", Value: "application/json; charset=utf-8"},
			{Name: "X-Content-Type-Options", Value: "nosniff"},
		},
		Body: append(body, '}'),
	}
}

// runnable makes the check that rejects workflows without a valid version. While the first version
// is being prepared, the request waits up to queue_wait, without a slot. It is then checked again:
// another document may require another signature.
func runnable(find check) check {
	again := []check{find, (*exchange).verify, (*exchange).mediaType, (*exchange).parse, (*exchange).challenge}
	return func(x *exchange) *response.Response {
		if x.workflow.Program != nil {
			return nil
		}
		patience := time.NewTimer(time.Duration(x.app.Limits.QueueWait))
		defer patience.Stop()
		for x.workflow.Program == nil {
			if x.workflow.Preparing == nil {
				return x.reject(response.WorkflowInvalid)
			}
			select {
			case <-x.workflow.Preparing:
			case <-patience.C:
				rejection := x.reject(response.NotReady)
				*rejection = response.Preparing()
				return rejection
			case <-x.r.Context().Done():
				return x.unread()
			}
			for _, check := range again {
				if a := check(x); a != nil {
					return a
				}
			}
		}
		return nil
	}
}
