package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

// The events of the app, for subscriptions in Caddy's events app. Their data is documented on App.
const (
	eventExecutionFailed  = "flowtrux.execution_failed"
	eventWorkflowRejected = "flowtrux.workflow_rejected"
)

// maxEvents bounds the events that wait for their handlers. More are dropped, and counted in the
// log: handlers may be slow, and failures may come by the thousands.
const maxEvents = 256

// events emits a config's events. Handlers of subscriptions run one after the other on a goroutine
// of their own, so that neither executions nor the catalog wait for them. It is safe for concurrent
// use.
type events struct {
	ctx    caddy.Context // of the app, the origin of the events
	app    *caddyevents.App
	logger *zap.Logger

	mu       sync.Mutex
	started  bool // the config runs: before, its subscriptions are not bound
	closed   bool
	emitting bool // there is a goroutine that emits what waits
	waiting  []event
	dropped  int
}

// event is a name and its data, which nobody changes any more.
type event struct {
	name string
	data map[string]any
}

// newEvents finds Caddy's events app. It is loaded even if the config does not name it.
func newEvents(ctx caddy.Context, logger *zap.Logger) (*events, error) {
	v, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("loading the events app: %w", err)
	}
	app, ok := v.(*caddyevents.App)
	if !ok {
		return nil, errors.New("the app events is another module")
	}
	return &events{ctx: ctx, app: app, logger: logger}, nil
}

// on calls f when Caddy emits an event. It is for Provision only.
func (e *events) on(name string, f func()) error { return e.app.On(name, subscriber{f}) }

// subscriber is a subscription of this package's own.
type subscriber struct{ f func() }

// Handle implements caddyevents.Handler.
func (s subscriber) Handle(context.Context, caddy.Event) error {
	s.f()
	return nil
}

// start begins to emit, once Caddy has started all apps of the config.
func (e *events) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started = true
	e.emitWaiting()
}

// close drops what waits. It does not wait for a handler that runs.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.waiting = nil
}

// emit has an event emitted, unless nobody would see it. data is not called then. It does not
// wait.
func (e *events) emit(name string, data func() map[string]any) {
	if e.ctx.Err() != nil {
		// The config was replaced, and what ends now began before. Subscriptions of the config
		// that runs get the event.
		if app, err := runningApp(); err == nil && app.events != e {
			app.events.emit(name, data)
		}
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	// before the start Caddy may be binding subscriptions
	case e.closed || e.started && !e.app.ShouldEmit(name):
		return
	case len(e.waiting) >= maxEvents:
		e.dropped++
		return
	}
	e.waiting = append(e.waiting, event{name, data()})
	e.emitWaiting()
}

// emitWaiting starts the goroutine that emits, if there is something for it. The lock is held.
func (e *events) emitWaiting() {
	if !e.started || e.emitting || len(e.waiting) == 0 {
		return
	}
	e.emitting = true
	go func() {
		for {
			next, ok := e.next()
			if !ok {
				return
			}
			e.handle(next)
		}
	}()
}

// next takes the oldest event that waits. It is false when there is none, and then its caller
// ends.
func (e *events) next() (event, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dropped > 0 {
		e.logger.Warn("events were dropped: their handlers are too slow", zap.Int("count", e.dropped))
		e.dropped = 0
	}
	if len(e.waiting) == 0 {
		e.waiting = nil
		e.emitting = false
		return event{}, false
	}
	next := e.waiting[0]
	e.waiting = e.waiting[1:]
	return next, true
}

// handle runs the handlers of an event. One that panics is no reason to end the server: no request
// of its author's is at stake here.
func (e *events) handle(v event) {
	defer func() {
		if reason := recover(); reason != nil {
			e.logger.Error("a handler of an event panicked", zap.String("event", v.name), zap.Any("reason", reason),
				zap.Stack("stack"))
		}
	}()
	e.app.Emit(e.ctx, v.name, v.data)
}

// executionFailed emits the event of an execution that failed or timed out.
func (e *events) executionFailed(p *flow.Plan, r *engine.Result) {
	e.emit(eventExecutionFailed, func() map[string]any {
		data := map[string]any{
			"workflow": p.ID, "execution_id": r.ID, "status": string(r.Status), "code": "", "node": "",
		}
		if r.Failing >= 0 {
			data["node"] = p.Nodes[r.Failing].ID
			if err := r.Nodes[r.Failing].Err; err != nil {
				data["code"] = err.Code
			}
		}
		return data
	})
}

// workflowRejected emits the event of a document that is invalid. The reasons are those of the log
// and the admin API: they hold no secret.
func (e *events) workflowRejected(id string, revision int64, problems []flow.Problem) {
	e.emit(eventWorkflowRejected, func() map[string]any {
		list := make([]map[string]string, 0, len(problems))
		for _, p := range problems {
			list = append(list, map[string]string{"path": p.Path, "reason": p.Reason})
		}
		return map[string]any{"id": id, "revision": revision, "problems": list}
	})
}

// Interface guards
var _ caddyevents.Handler = subscriber{}
