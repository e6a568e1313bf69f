package main

import (
	"encoding/json"
	"fmt"
	"maps"
)

// object is a JSON object.
type object = map[string]any

// step is a node of a workflow.
type step struct {
	id, of string
	config any
	more   object // further members of the node
}

// chain returns a document whose nodes follow one another. webhook has settings of its webhook.
func chain(webhook object, steps ...step) string {
	edges := make([]object, len(steps))
	before := "trigger"
	for i, s := range steps {
		edges[i] = object{"source": before, "target": s.id}
		before = s.id
	}
	return document(webhook, steps, edges)
}

// fan returns a document whose nodes all follow the trigger.
func fan(webhook object, steps ...step) string {
	edges := make([]object, len(steps))
	for i, s := range steps {
		edges[i] = object{"source": "trigger", "target": s.id}
	}
	return document(webhook, steps, edges)
}

func document(webhook object, steps []step, edges []object) string {
	settings := object{"responseMode": "lastNode"}
	maps.Copy(settings, webhook)
	nodes := []object{{"id": "trigger", "type": "trigger", "config": object{"triggerType": "webhook", "webhook": settings}}}
	for _, s := range steps {
		n := object{"id": s.id, "type": s.of, "config": s.config}
		maps.Copy(n, s.more)
		nodes = append(nodes, n)
	}
	b, err := json.Marshal(object{"nodes": nodes, "edges": edges})
	if err != nil {
		panic(fmt.Sprintf("a document of plain values: %v", err))
	}
	return string(b)
}

// one returns the smallest workflow that has an output.
func one(webhook object) string {
	return chain(webhook, step{id: "o", of: "transform", config: object{"output": 1}})
}

// accepting returns a workflow that responds before it runs.
func accepting() string { return one(object{"responseMode": "minimal"}) }

// keyHeader is the header with the idempotency key of a request.
const keyHeader = "Idempotency-Key"

// keyed returns a workflow with idempotency keys that responds with the value of a template.
func keyed(output string) string {
	return chain(object{"idempotency": object{"header": keyHeader}}, step{id: "o", of: "transform", config: object{"output": output}})
}

// calling returns a workflow that sends a request to an address.
func calling(webhook object, address string) string {
	return chain(webhook, step{id: "h", of: "http-request", config: object{"url": "http://" + address + "/"}})
}
