package flow_test

import (
	"errors"
	"fmt"

	"github.com/flowtrux/edge/runtime/flow"
)

// types is the simplest flow.Types.
type types map[string]*flow.Type

func (t types) Type(name string) (*flow.Type, error) {
	if typ, ok := t[name]; ok {
		return typ, nil
	}
	return nil, flow.ErrNoType
}

func (t types) Names() []string {
	names := []string{}
	for name := range t {
		names = append(names, name)
	}
	return names
}

func Example() {
	greet, err := flow.ParseType([]byte(`{"abi": 1, "type": "greet", "version": "1.0.0",
		"config": {"properties": {"text": {"type": "string"}, "times": {"type": "integer"}}, "additionalProperties": false}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	known := types{"greet": greet}

	document := `{"id": "hello", "nodes": [
		{"id": "trigger", "type": "trigger", "config": {"triggerType": "webhook"}},
		{"id": "greet", "type": "greet", "config": {"text": "Hello {{trigger.data.name}}", "times": "{{trigger.data.n}}"}}],
		"edges": [{"source": "trigger", "target": "greet"}]}`
	plan, err := flow.Compile("hello", 1, []byte(document), known, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	event, err := flow.NewEvent([]byte(`{"name": "Ada", "n": 3}`), "source=docs", flow.Event{Method: "POST"})
	if err != nil {
		fmt.Println(err)
		return
	}
	scope := &flow.Scope{Plan: plan, Event: event, Outputs: make([][]byte, len(plan.Nodes))}
	config, err := plan.Nodes[1].Config.Append(nil, scope, 4<<20)
	fmt.Println(string(config), err)

	_, err = flow.Compile("hello", 2, []byte(`{"nodes": [{"id": "trigger", "type": "trigger"}, {"id": "g", "type": "gret"}]}`), known, nil)
	if bad, ok := errors.AsType[*flow.DocumentError](err); ok {
		for _, p := range bad.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// {"text":"Hello Ada","times":3} <nil>
	// nodes[0].config: is required
	// nodes[1]: node "g" cannot be reached from the trigger
	// nodes[1].type: unknown node type "gret"; did you mean "greet"?
}
