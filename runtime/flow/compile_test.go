package flow

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// orderIntake is the example of the workflow documentation.
const orderIntake = `{
  "id": "order-intake",
  "name": "Order intake",
  "active": true,
  "nodes": [
    {"id": "trigger", "type": "trigger", "name": "Webhook", "config": {
      "triggerType": "webhook",
      "webhook": {"responseMode": "lastNode", "statusCode": 201, "headers": {"X-Flow": "ok"}}}},
    {"id": "normalize", "type": "transform", "name": "Normalize", "config": {
      "output": {"orderId": "{{trigger.data.order_id}}", "total": "{{trigger.data.total}}", "source": "from {{trigger.data._query.source}}"}}},
    {"id": "large", "type": "condition", "name": "Large?", "config": {
      "conditions": [{"left": "{{steps.normalize.output.total}}", "operator": "greaterThan", "right": 100}]}},
    {"id": "notify", "type": "http-request", "name": "HTTP Request", "config": {
      "method": "POST", "url": "{{global.crm_url}}/orders", "body": "{{steps.normalize.output}}"}}
  ],
  "edges": [
    {"source": "trigger", "target": "normalize"},
    {"source": "normalize", "target": "large"},
    {"source": "large", "target": "notify", "sourceHandle": "true"}
  ]
}`

func TestCompileExample(t *testing.T) {
	p, err := Compile("order-intake", 7, []byte(orderIntake), builtins(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(p.Document) != orderIntake {
		t.Error("the plan's document differs from the input")
	}
	type node struct {
		ID, Type, Name string
		Layer          int
		In, Out        []Edge
		ErrorEdge      bool
	}
	var nodes []node
	for _, n := range p.Nodes {
		nodes = append(nodes, node{n.ID, n.Type, n.Name, n.Layer, n.In, n.Out, n.ErrorEdge})
		if n.Concurrency != 1 || n.Retry.MaxAttempts != 1 || n.Timeout != 0 || n.ForEach != nil || n.Continue {
			t.Errorf("node %s has no defaults", n.ID)
		}
	}
	e1, e2, e3 := Edge{0, 1, ""}, Edge{1, 2, ""}, Edge{2, 3, "true"}
	want := []node{
		{ID: "trigger", Type: "trigger", Name: "Webhook", Out: []Edge{e1}},
		{ID: "normalize", Type: "transform", Name: "Normalize", Layer: 1, In: []Edge{e1}, Out: []Edge{e2}},
		{ID: "large", Type: "condition", Name: "Large?", Layer: 2, In: []Edge{e2}, Out: []Edge{e3}},
		{ID: "notify", Type: "http-request", Name: "HTTP Request", Layer: 3, In: []Edge{e3}},
	}
	if diff := cmp.Diff(want, nodes); diff != "" {
		t.Error(diff)
	}
	wantWebhook := &Webhook{
		Mode: LastNode, ResponseNode: -1, StatusCode: 201, Timeout: defaultWebhookTimeout, Header: []HeaderField{{"X-Flow", "ok"}},
		Path: "nodes[0].config.webhook",
	}
	if diff := cmp.Diff(wantWebhook, p.Webhook); diff != "" {
		t.Error(diff)
	}

	ev, err := NewEvent([]byte(`{"order_id": 17.10, "total": 1e2}`), "source=shop", Event{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Scope{Plan: p, Event: ev, Outputs: make([][]byte, 4), Global: func(key string) ([]byte, bool) {
		return []byte(`"https://crm.example"`), key == "crm_url"
	}}
	for i, want := range []string{
		1: `{"output":{"orderId":17.10,"total":1e2,"source":"from shop"}}`,
		2: `{"conditions":[{"left":1e2,"operator":"greaterThan","right":100}]}`,
		3: `{"method":"POST","url":"https://crm.example/orders","body":{"orderId":17.10,"total":1e2}}`,
	} {
		if i == 0 {
			continue
		}
		got, err := p.Nodes[i].Config.Append(nil, s, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("config of %s\ngot  %s\nwant %s", p.Nodes[i].ID, got, want)
		}
		s.Outputs[1] = []byte(`{"orderId":17.10,"total":1e2}`)
	}
}

func TestCompileRefusesStorageUnderAnotherID(t *testing.T) {
	_, err := Compile("other", 0, []byte(orderIntake), builtins(t), nil)
	want := []string{`id: is "order-intake", but the document is stored under "other"`}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Error(diff)
	}
	without := strings.Replace(orderIntake, `"id": "order-intake",`, "", 1)
	p, err := Compile("other", 0, []byte(without), builtins(t), nil)
	if err != nil || p.ID != "other" {
		t.Errorf("got %v, %v", p, err)
	}
	_, err = Compile("", 0, []byte(without), builtins(t), nil)
	if diff := cmp.Diff([]string{"id: is required"}, problems(t, err)); diff != "" {
		t.Error(diff)
	}
}
