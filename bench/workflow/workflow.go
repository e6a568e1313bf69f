// Package workflow holds the documents and bodies of the bench and of the tests of its native
// handler.
package workflow

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
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
	nodes := make([]string, n)
	input, order := "trigger.data", "order_id"
	for i := range nodes {
		nodes[i] = fmt.Sprintf(`"type":"transform","config":{"output":{"orderId":"{{%s.%s}}","total":"{{%s.total}}"}}`, input, order, input)
		input, order = fmt.Sprintf("steps.n%d.output", i), "orderId"
	}
	return sequence(nodes, "")
}

// sequence returns a workflow whose nodes n0, n1 and so on run one after the other. handle is that
// of the edges between them.
func sequence(nodes []string, handle string) string {
	var b strings.Builder
	b.WriteString(`{"nodes":[` + trigger(""))
	for i, n := range nodes {
		fmt.Fprintf(&b, `,{"id":"n%d",%s}`, i, n)
	}
	b.WriteString(`],"edges":[{"source":"trigger","target":"n0"}`)
	if handle != "" {
		handle = fmt.Sprintf(`,"sourceHandle":%q`, handle)
	}
	for i := range len(nodes) - 1 {
		fmt.Fprintf(&b, `,{"source":"n%d","target":"n%d"%s}`, i, i+1, handle)
	}
	return b.String() + "]}"
}

// ChainResponse is the response of Chain to Body.
const ChainResponse = `{"orderId":"12345","total":250.50}`

// Conditions returns a workflow of n conditions that are true.
func Conditions(n int) string {
	const node = `"type":"condition","config":{"conditions":[{"left":"{{trigger.data.total}}","operator":"greaterThan","right":100}]}`
	return sequence(slices.Repeat([]string{node}, n), "true")
}

// ConditionsResponse is the response of Conditions to Body.
const ConditionsResponse = `{"result":true}`

// Code returns a workflow of n nodes of type code, each of which adds up the whole body.
func Code(n int) string {
	const node = `"type":"code","config":{"source":"return { total: input.items.reduce((sum, item) => sum + item.price * item.qty, 0) };"}`
	return sequence(slices.Repeat([]string{node}, n), "")
}

// CodeBody returns a webhook's body of 1 KB for Code: an order of 20 items.
func CodeBody() []byte {
	var items []string
	for i := range 20 {
		items = append(items, fmt.Sprintf(`{"name":"item number %02d","price":%d,"qty":%d}`, i, i+1, i%3))
	}
	return []byte(`{"items":[` + strings.Join(items, ",") + `]}`)
}

// CodeResponse is the response of Code to CodeBody.
const CodeResponse = `{"total":203}`

// Items returns a workflow with a transform for each item of ItemsBody.
func Items() string {
	return sequence([]string{`"type":"transform","forEach":"{{trigger.data.items}}","config":{"output":"{{item.n}}"}`}, "")
}

// ItemsBody returns a webhook's body with n items, and the response of Items to it.
func ItemsBody(n int) (body []byte, response string) {
	var items, numbers []string
	for i := range n {
		items, numbers = append(items, fmt.Sprintf(`{"n":%d}`, i)), append(numbers, strconv.Itoa(i))
	}
	return []byte(`{"items":[` + strings.Join(items, ",") + `]}`), "[" + strings.Join(numbers, ",") + "]"
}

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
