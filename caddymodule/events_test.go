package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	logtest "go.uber.org/zap/zaptest/observer"
)

func init() { caddy.RegisterModule(eventRecorder{}) }

// eventRecorder is an event handler like those that operators install. It records the events.
type eventRecorder struct{}

func (eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.recorder", New: func() caddy.Module { return new(eventRecorder) }}
}

func (eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.events = append(recorded.events, e)
	if recorded.handle != nil {
		recorded.handle()
	}
	return nil
}

// recorded holds the events that eventRecorder has received.
var recorded struct {
	mu     sync.Mutex
	events []caddy.Event
	handle func()
}

// nextEvents waits for n events, returns them and removes them from recorded.
func nextEvents(t *testing.T, n int) []caddy.Event {
	t.Helper()
	var got []caddy.Event
	eventually(t, fmt.Sprintf("%d events", n), func() bool {
		recorded.mu.Lock()
		defer recorded.mu.Unlock()
		got = append(got, recorded.events...)
		recorded.events = nil
		return len(got) >= n
	})
	return got
}

// subscribed is the config of the events app that subscribes eventRecorder to the app's events.
const subscribed = `{"subscriptions":[{
	"events":["flowtrux.execution_failed","flowtrux.workflow_rejected"],
	"modules":["flowtrux"],
	"handlers":[{"handler":"recorder"}]
}]}`

// failing is a workflow whose node `lookup` fails, because nodes may not connect to 127.0.0.1.
const failing = `{"nodes":[
	{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":{"responseMode":"lastNode"}}},
	{"id":"lookup","type":"http-request","config":{"url":"http://127.0.0.1:1/"}}],
	"edges":[{"source":"t","target":"lookup"}]}`

// TestEvents checks that subscriptions in Caddy's events app get the app's events from a running
// config.
func TestEvents(t *testing.T) {
	r := runWith(t, `{}`, around{events: subscribed})
	s := site{t: t, app: r.app(), caddy: r}
	s.putWorkflow("broken", failing)
	nextEvents(t, 0)

	t.Run("execution_failed", func(t *testing.T) {
		reply := s.do(to("broken", `{"private":"text"}`))
		if reply.code() != "execution_failed" {
			t.Fatalf("%d %s", reply.status, reply.body)
		}
		e := nextEvents(t, 1)[0]
		if e.Name() != "flowtrux.execution_failed" || e.Origin().CaddyModule().ID != "flowtrux" {
			t.Errorf("event %s of %v", e.Name(), e.Origin())
		}
		want := map[string]any{
			"workflow": "broken", "execution_id": reply.header.Get("X-Execution-Id"), "status": "failed",
			"code": "http_address_refused", "node": "lookup",
		}
		if !reflect.DeepEqual(e.Data, want) {
			t.Errorf("data %v, want %v", e.Data, want)
		}
	})

	t.Run("workflow_rejected", func(t *testing.T) {
		s.put("workflows/new", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook",
			"webhook":{"secret":"top-secret","responseMod":"lastNode"}}}],"edges":[]}`)
		e := nextEvents(t, 1)[0]
		if e.Name() != "flowtrux.workflow_rejected" || e.Data["id"] != "new" {
			t.Errorf("event %s with %v", e.Name(), e.Data)
		}
		if revision, _ := e.Data["revision"].(int64); revision != r.app().catalog.Workflow("new").Revision {
			t.Errorf("revision %v", e.Data["revision"])
		}
		text, err := json.Marshal(e.CloudEvent())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), `"path":"nodes[0].config.webhook`) || !strings.Contains(string(text), "responseMod") {
			t.Errorf("the problems are missing: %s", text)
		}
		if strings.Contains(string(text), "top-secret") {
			t.Errorf("the event holds a secret: %s", text)
		}
	})

	t.Run("after a reload", func(t *testing.T) {
		old := r.app()
		if !old.life.enter() { // as a running execution does
			t.Fatal("the config has ended")
		}
		if err := r.load(`{"limits":{"executions":3}}`); err != nil {
			t.Fatal(err)
		}
		// The new config rejects the stored document too.
		if e := nextEvents(t, 1)[0]; e.Data["id"] != "new" {
			t.Errorf("event %s with %v", e.Name(), e.Data)
		}
		old.events.workflowRejected("late", 1, nil)
		if e := nextEvents(t, 1)[0]; e.Data["id"] != "late" {
			t.Errorf("event %s with %v", e.Name(), e.Data)
		}
		old.life.leave()
	})
}

// TestEventsThatNobodyWants checks that the data of an event without subscribers is not even
// created.
func TestEventsThatNobodyWants(t *testing.T) {
	r := run(t, `{}`)
	r.app().events.emit(eventExecutionFailed, func() map[string]any {
		t.Error("the data of an event without subscribers is created")
		return nil
	})
}

// TestEventsAreBounded checks that a slow handler delays nobody. The log has the number of events
// that it missed.
func TestEventsAreBounded(t *testing.T) {
	r := runWith(t, `{}`, around{events: subscribed})
	e := r.app().events
	core, logs := logtest.New(zapcore.WarnLevel)
	e.mu.Lock()
	e.logger = zap.New(core)
	e.mu.Unlock()
	release, busy := make(chan struct{}), make(chan struct{}, 1)
	setHandle := func(f func()) {
		recorded.mu.Lock()
		defer recorded.mu.Unlock()
		recorded.handle = f
	}
	setHandle(func() {
		select {
		case busy <- struct{}{}:
			<-release
		default:
		}
	})
	defer setHandle(nil)
	e.workflowRejected("first", 1, nil)
	<-busy
	for range maxEvents + 3 {
		e.workflowRejected("more", 1, nil)
	}
	close(release)
	nextEvents(t, maxEvents+1)
	eventually(t, "the log line about dropped events", func() bool { return logs.Len() > 0 })
	if line := logs.All()[0]; line.ContextMap()["count"] != int64(3) {
		t.Errorf("%s %v", line.Message, line.ContextMap())
	}
}

// TestEventHandlersThatPanic checks that a panic in a handler ends neither the server nor later
// events.
func TestEventHandlersThatPanic(t *testing.T) {
	r := runWith(t, `{}`, around{events: subscribed})
	e := r.app().events
	first := true
	recorded.mu.Lock()
	recorded.handle = func() {
		if first {
			first = false
			panic("a bug")
		}
	}
	recorded.mu.Unlock()
	defer func() {
		recorded.mu.Lock()
		defer recorded.mu.Unlock()
		recorded.handle = nil
	}()
	e.workflowRejected("one", 1, nil)
	e.workflowRejected("two", 1, nil)
	nextEvents(t, 2)
}

// Interface guards
var _ caddyevents.Handler = eventRecorder{}
