package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

const orderIntake = `{
	"id": "w", "name": "Order intake",
	"nodes": [
		{"id": "trigger", "type": "trigger", "name": "Webhook", "config": {
			"triggerType": "webhook", "webhook": {"responseMode": "lastNode", "statusCode": 201}}},
		{"id": "normalize", "type": "transform", "config": {
			"output": {"orderId": "{{trigger.data.order_id}}", "total": "{{trigger.data.total}}", "source": "from {{trigger.data._query.source}}"}}},
		{"id": "large", "type": "condition", "config": {
			"conditions": [{"left": "{{steps.normalize.output.total}}", "operator": "greaterThan", "right": 100}]}},
		{"id": "notify", "type": "http-request", "retry": {"maxAttempts": 2, "backoff": "1ms"}, "config": {
			"method": "POST", "url": "{{global.crm_url}}/orders", "body": "{{steps.normalize.output}}"}},
		{"id": "alone", "type": "transform", "config": {"output": "{{execution.id}} of {{workflow.name}}"}}
	],
	"edges": [
		{"source": "trigger", "target": "normalize"},
		{"source": "normalize", "target": "large"},
		{"source": "large", "target": "notify", "sourceHandle": "true"},
		{"source": "large", "target": "alone", "sourceHandle": "false"}
	]
}`

// TestBuiltInNodes runs a workflow with the built-in nodes as they are shipped.
func TestBuiltInNodes(t *testing.T) {
	loads := make(map[string]engine.Load)
	for _, name := range []string{"transform", "condition", "http-request"} {
		file, _, ok := nodes.Find(name)
		if !ok {
			t.Fatal("there is no node " + name)
		}
		loads[name] = func() (*sandbox.Module, error) {
			return Host.Load(t.Context(), sandbox.ModuleConfig{
				Type: name, Source: file.Name, Wasm: file.Wasm, Grants: hostapi.Grants{HTTP: true, Log: true, Globals: true}, Offered: name,
			})
		}
	}
	types := engine.NewNodes(loads)
	defer types.Release()

	type request struct {
		Method, URL string
		Body        json.RawMessage
	}
	for _, c := range []struct {
		name, body, answer string
		requests           int
		want               string
	}{
		{
			"a large order", `{"order_id":"A-1","total":250.50}`, `{"status":201,"headers":{},"body":{"ok":true}}`, 1,
			`succeeded normalize={"orderId":"A-1","total":250.50,"source":"from "} large={"result":true}:true` +
				` notify={"status":201,"headers":{},"body":{"ok":true}} alone-skipped`,
		},
		{
			"a small order", `{"order_id":"A-2","total":99}`, ``, 0,
			`succeeded normalize={"orderId":"A-2","total":99,"source":"from "} large={"result":false}:false` +
				` notify-skipped alone="exec-1 of Order intake"`,
		},
		{
			"a refused order", `{"order_id":"A-3","total":1e3}`, `{"status":422,"headers":{},"body":"no"}`, 1,
			`failed normalize={"orderId":"A-3","total":1e3,"source":"from "} large={"result":true}:true` +
				` notify!http_status alone-skipped`,
		},
		{
			"an order while the other side is down", `{"order_id":"A-4","total":1e3}`, `{"status":503,"headers":{},"body":"no"}`, 2,
			`failed normalize={"orderId":"A-4","total":1e3,"source":"from "} large={"result":true}:true` +
				` notify!http_status alone-skipped`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var requests []string
			l := &Lab{T: t, Nodes: types}
			l.Engine = engine.New(engine.Config{
				Globals: Workspace{"crm_url": `"https://crm.example"`},
				HTTP: rawHTTP(func(raw []byte, o hostapi.HTTPOptions) string {
					var r request
					if err := json.Unmarshal(raw, &r); err != nil {
						t.Errorf("request %s: %v", raw, err)
					}
					requests = append(requests, strings.Join([]string{r.Method, r.URL, string(r.Body), o.IdempotencyKey}, " "))
					return c.answer
				}),
			})
			p := l.Program(orderIntake)
			r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, c.body), nil).Run()
			if got := Show(p, r); got != c.want {
				t.Errorf("ended as\n%s\nwant\n%s", got, c.want)
			}
			want := slices.Repeat([]string{"POST https://crm.example/orders " + string(r.Nodes[1].Output) + " exec-1-notify-0"}, c.requests)
			if !slices.Equal(requests, want) {
				t.Errorf("requests %q, want %q", requests, want)
			}
		})
	}
}

// rawHTTP is an http capability that passes whole requests to a test.
type rawHTTP func(request []byte, o hostapi.HTTPOptions) string

func (f rawHTTP) Do(_ context.Context, request []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	return append(dst, f(request, o)...), nil
}
