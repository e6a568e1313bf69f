package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/catalog"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/response"
	"github.com/flowtrux/edge/runtime/signature"
)

// exchange is one webhook request on its way to an answer. It is used by the request's goroutine
// only.
type exchange struct {
	app    *App
	logger *zap.Logger
	w      http.ResponseWriter
	r      *http.Request
	id     string    // of the workflow, as the path has it
	began  time.Time // when the request came

	workflow *catalog.Workflow // after find
	body     *body             // after readBody, also when it was refused
	// after parse; nil again while the request waits for another's execution
	event *flow.Event
	key   *journal.Key // after findKey, nil = the request has none
}

// check is one test a request has to pass. It returns nil, or the answer of a request that ends
// here.
type check func(*exchange) *response.Response

// The checks, in the order in which they are answered. Where ids are hidden, nothing that depends
// on the id may be seen before the signature was checked.
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

// answer does what the request asks for.
func (x *exchange) answer(checks []check) response.Response {
	if !x.enter() {
		return *x.refuse(response.NotReady)
	}
	defer x.app.life.leave()
	defer func() {
		if x.body != nil {
			x.body.release()
		}
	}()
	for _, check := range checks {
		if a := check(x); a != nil {
			return *a
		}
	}
	return x.run()
}

// enter keeps the app alive until the request is answered. A request can reach the handler of a
// config that was replaced and cleaned up since its connection was accepted; the app of the config
// that runs now answers it. It is false when there is none.
func (x *exchange) enter() bool {
	for range 2 {
		if x.app.life.enter() {
			return true
		}
		x.app.life.leave()
		app, err := runningApp()
		if err != nil {
			return false
		}
		x.app = app
	}
	return false
}

// ready: the store has been loaded.
func (x *exchange) ready() *response.Response {
	if !x.app.loaded(x.r.Context()) {
		return x.refuse(response.NotReady)
	}
	return nil
}

// loaded tells whether the store has been loaded. An app that has just started gets a moment for
// it.
func (a *App) loaded(ctx context.Context) bool {
	if a.isLoaded() {
		return true
	}
	ready := a.catalog.Ready()
	patience := time.NewTimer(a.patience())
	defer patience.Stop()
	select {
	case <-ready:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

// isLoaded is loaded without a wait.
func (a *App) isLoaded() bool {
	select {
	case <-a.catalog.Ready():
		return true
	default:
		return false
	}
}

// find: there is such a workflow, it is active and starts by webhook.
func (x *exchange) find() *response.Response {
	w := x.app.catalog.Workflow(x.id)
	if w == nil || !w.Active || !w.Webhook {
		return x.refuse(response.WorkflowNotFound)
	}
	x.workflow = w
	return nil
}

// findHidden is find for handlers that hide ids: what is not found goes through a signature check
// without keys, which hashes the body with a secret of the process and never succeeds.
func (x *exchange) findHidden() *response.Response {
	w := x.app.catalog.Workflow(x.id)
	if w == nil || !w.Active || !w.Webhook {
		x.app.decoy.Verify(x.r.Header, x.body.data, nil, time.Now())
		return x.refuseSignature(unknownWorkflow, "")
	}
	x.workflow = w
	return nil
}

// method: it is POST.
func (x *exchange) method() *response.Response {
	if x.r.Method != http.MethodPost {
		return x.refuse(response.MethodNotAllowed)
	}
	return nil
}

// readBody: the body is within the limits of size, time and memory.
func (x *exchange) readBody() *response.Response {
	var err error
	x.body, err = x.app.bodies.read(x.w, x.r)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBodyTooLarge):
		return x.refuse(response.BodyTooLarge, zap.Error(err))
	case errors.Is(err, errBodyTimeout):
		return x.refuse(response.BodyTimeout, zap.Error(err))
	case errors.Is(err, errBodyMemory):
		return x.refuse(response.Overloaded, zap.Error(err))
	default: // the sender went away, or its framing is broken
		return x.refuse(response.InvalidJSON, zap.Error(err))
	}
}

// unknownWorkflow stands in logs and metrics beside the reasons of package signature.
const unknownWorkflow signature.Reason = "unknown_workflow"

// verify: the body is signed with a live secret, and not too long ago where the scheme says when.
func (x *exchange) verify() *response.Response {
	w := x.workflow
	reason, header := w.Scheme.Verify(x.r.Header, x.body.data, w.Keys, time.Now())
	if reason == signature.OK {
		return nil
	}
	return x.refuseSignature(reason, header)
}

// refuseSignature says why in the log; header is the one that is missing or malformed, "" when none
// is.
func (x *exchange) refuseSignature(reason signature.Reason, header string) *response.Response {
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
	x.note(a, "webhook signature refused", zap.String("reason", string(reason)), blamed, zap.Int("bytes", len(x.body.data)))
	return &a
}

// mediaType: what the headers say of the body does not rule out plain JSON.
func (x *exchange) mediaType() *response.Response {
	if !isJSONType(x.r.Header["Content-Type"]) || !isIdentity(x.r.Header["Content-Encoding"]) {
		return x.refuse(response.UnsupportedMediaType)
	}
	return nil
}

// parse: the body is one JSON value.
func (x *exchange) parse() *response.Response {
	e, err := flow.NewEvent(x.body.data, x.r.URL.RawQuery, flow.Event{
		Headers:    triggerHeaders(x.r.Header, x.workflow.Scheme.Headers()),
		Method:     x.r.Method,
		ClientIP:   clientIP(x.r),
		ReceivedAt: x.began.UTC(),
	})
	if err != nil {
		refusal := x.refuse(response.InvalidJSON)
		var syntax *rawjson.SyntaxError
		if errors.As(err, &syntax) {
			*refusal = response.InvalidBody(syntax.Reason, syntax.Offset)
		}
		return refusal
	}
	x.event = e
	return nil
}

// challenge answers Slack's url_verification, which asks whether this endpoint knows the secret
// (https://docs.slack.dev/reference/events/url_verification): no execution.
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
		Header: http.Header{
			"Content-Type":           {"application/json; charset=utf-8"},
			"X-Content-Type-Options": {"nosniff"},
		},
		Body: append(body, '}'),
	}
}

// runnable: there is a valid version of the workflow to run. For the first one of a workflow that
// is being prepared the request waits up to queue_wait, and is then checked anew: another document
// may ask for another signature. It holds no slot meanwhile.
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
				return x.refuse(response.WorkflowInvalid)
			}
			select {
			case <-x.workflow.Preparing:
			case <-patience.C:
				refusal := x.refuse(response.NotReady)
				*refusal = response.Preparing()
				return refusal
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
