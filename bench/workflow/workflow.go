// Package workflow holds the documents and bodies of the bench and of the tests of its native
// handler.
package workflow

import (
	"bytes"
	"fmt"
	"strings"
)

// Body returns a webhook's body of n bytes, at least 46: an order of 250.50 and padding.
func Body(n int) []byte {
	head, tail := []byte(`{"order_id":"12345","total":250.50,"pad":"`), []byte(`"}`)
	pad := bytes.Repeat([]byte("x"), max(0, n-len(head)-len(tail)))
	return append(append(head, pad...), tail...)
}

// Response is the response of Three to Body.
const Response = `{"order":{"orderId":"12345","total":250.50},"large":true}`

// trigger returns the trigger of every workflow here: it responds with the output of the last node,
// 201 and a header. The secret is for documents with their own.
func trigger(secret string) string { return triggerIn("lastNode", secret) }

// triggerIn is trigger with another response mode.
func triggerIn(mode, secret string) string {
	if secret != "" {
		secret = fmt.Sprintf(`"secret":%q,`, secret)
	}
	return fmt.Sprintf(`{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":
		{%s"responseMode":%q,"statusCode":201,"headers":{"X-Flow":"ok"}}}}`, secret, mode)
}

// Three returns the workflow transform, condition, transform. If secret is empty, the store must
// have one.
func Three(secret string) string {
	return `{"nodes":[` + trigger(secret) + `,
	{"id":"normalize","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}"}}},
	{"id":"large","type":"condition","config":{"conditions":[{"left":"{{steps.normalize.output.total}}","operator":"greaterThan","right":100}]}},
	{"id":"answer","type":"transform","config":{"output":{"order":"{{steps.normalize.output}}","large":"{{steps.large.output.result}}"}}}],
	"edges":[{"source":"trigger","target":"normalize"},{"source":"normalize","target":"large"},
		{"source":"large","target":"answer","sourceHandle":"true"}]}`
}

// Chain returns a workflow of n transforms, each with the output of the previous one as its input.
func Chain(n int) string {
	var nodes, edges strings.Builder
	before, input := "trigger", "trigger.data"
	for i := range n {
		id := fmt.Sprintf("n%d", i)
		order := input + ".orderId"
		if i == 0 {
			order = input + ".order_id"
		}
		fmt.Fprintf(&nodes, `,{"id":%q,"type":"transform","config":{"output":{"orderId":"{{%s}}","total":"{{%s.total}}"}}}`, id, order, input)
		if i > 0 {
			edges.WriteByte(',')
		}
		fmt.Fprintf(&edges, `{"source":%q,"target":%q}`, before, id)
		before, input = id, "steps."+id+".output"
	}
	return `{"nodes":[` + trigger("") + nodes.String() + `],"edges":[` + edges.String() + `]}`
}

// ChainResponse is the response of Chain to Body.
const ChainResponse = `{"orderId":"12345","total":250.50}`

// Failing returns a workflow with a failing node that responds with the code of its error.
func Failing(typ, config, timeout string) string {
	return fmt.Sprintf(`{"nodes":[%s,{"id":"fails","type":%q,"timeout":%q,"config":%s},
	{"id":"code","type":"transform","config":{"output":"{{steps.fails.output.error.code}}"}}],
	"edges":[{"source":"trigger","target":"fails"},{"source":"fails","target":"code","sourceHandle":"error"}]}`, trigger(""), typ, timeout, config)
}

// Minimal returns a workflow with one transform and the response mode minimal.
func Minimal() string {
	return `{"nodes":[` + triggerIn("minimal", "") + `,
	{"id":"only","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}"}}}],
	"edges":[{"source":"trigger","target":"only"}]}`
}

// Calling returns a workflow with one http-request and the response mode minimal. The node waits
// for at most a minute.
func Calling(url string) string {
	return `{"nodes":[` + triggerIn("minimal", "") + fmt.Sprintf(`,
	{"id":"only","type":"http-request","timeout":"1m","config":{"url":%q,"timeout":"1m"}}],
	"edges":[{"source":"trigger","target":"only"}]}`, url)
}
