// Package workflow has the documents and bodies that the bench sends and the tests of its native
// handler compare with.
package workflow

import (
	"bytes"
	"fmt"
	"strings"
)

// Body is a webhook's body of n bytes, at least 46: an order of 250.50 and padding.
func Body(n int) []byte {
	head, tail := []byte(`{"order_id":"12345","total":250.50,"pad":"`), []byte(`"}`)
	pad := bytes.Repeat([]byte("x"), max(0, n-len(head)-len(tail)))
	return append(append(head, pad...), tail...)
}

// Answer is what Three answers to Body.
const Answer = `{"order":{"orderId":"12345","total":250.50},"large":true}`

// trigger is the first node of every workflow here: it answers with the last node's output, 201 and
// a header. The secret is for documents that bring their own.
func trigger(secret string) string { return triggerIn("lastNode", secret) }

// triggerIn is trigger in another response mode.
func triggerIn(mode, secret string) string {
	if secret != "" {
		secret = fmt.Sprintf(`"secret":%q,`, secret)
	}
	return fmt.Sprintf(`{"id":"trigger","type":"trigger","config":{"triggerType":"webhook","webhook":
		{%s"responseMode":%q,"statusCode":201,"headers":{"X-Flow":"ok"}}}}`, secret, mode)
}

// Three is the workflow transform, condition, transform. secret may be empty: the store has one
// then.
func Three(secret string) string {
	return `{"nodes":[` + trigger(secret) + `,
	{"id":"normalize","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}"}}},
	{"id":"large","type":"condition","config":{"conditions":[{"left":"{{steps.normalize.output.total}}","operator":"greaterThan","right":100}]}},
	{"id":"answer","type":"transform","config":{"output":{"order":"{{steps.normalize.output}}","large":"{{steps.large.output.result}}"}}}],
	"edges":[{"source":"trigger","target":"normalize"},{"source":"normalize","target":"large"},
		{"source":"large","target":"answer","sourceHandle":"true"}]}`
}

// Chain is a workflow of n transforms, each of which makes its output of the one before.
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

// ChainAnswer is what Chain answers to Body.
const ChainAnswer = `{"orderId":"12345","total":250.50}`

// Failing is the workflow of one node that fails, which answers with the code of its error.
func Failing(typ, config, timeout string) string {
	return fmt.Sprintf(`{"nodes":[%s,{"id":"fails","type":%q,"timeout":%q,"config":%s},
	{"id":"code","type":"transform","config":{"output":"{{steps.fails.output.error.code}}"}}],
	"edges":[{"source":"trigger","target":"fails"},{"source":"fails","target":"code","sourceHandle":"error"}]}`, trigger(""), typ, timeout, config)
}

// Minimal is a workflow of one transform that is answered when it is accepted.
func Minimal() string {
	return `{"nodes":[` + triggerIn("minimal", "") + `,
	{"id":"only","type":"transform","config":{"output":{"orderId":"{{trigger.data.order_id}}","total":"{{trigger.data.total}}"}}}],
	"edges":[{"source":"trigger","target":"only"}]}`
}

// Calling is a workflow of one http-request that is answered when it is accepted. The node waits
// for a minute at most.
func Calling(url string) string {
	return `{"nodes":[` + triggerIn("minimal", "") + fmt.Sprintf(`,
	{"id":"only","type":"http-request","timeout":"1m","config":{"url":%q,"timeout":"1m"}}],
	"edges":[{"source":"trigger","target":"only"}]}`, url)
}
