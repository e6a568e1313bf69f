package flow

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document returns a document with nodes and edges, as JSON texts, after a webhook trigger "t".
func document(nodes, edges string) string {
	all := `{"id":"t","type":"trigger","config":{"triggerType":"webhook"}}`
	if nodes != "" {
		all += "," + nodes
	}
	return `{"nodes":[` + all + `],"edges":[` + edges + `]}`
}

// oneNode returns a document with a node "n" that has the given members besides its ID.
func oneNode(members string) string {
	return document(`{"id":"n",`+members+`}`, `{"source":"t","target":"n"}`)
}

// anyConfig returns a document with a node of a type without a schema.
func anyConfig(config string) string { return oneNode(`"type":"any","config":` + config) }

// webhook returns a document that has only a trigger, with webhook settings.
func webhook(settings string) string {
	return `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"webhook","webhook":` + settings + `}}]}`
}

type problemTest struct {
	name, doc string
	want      []string // none = valid
}

func testProblems(t *testing.T, tests []problemTest) {
	types := builtins(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile("w", 0, []byte(tt.doc), types, nil)
			if diff := cmp.Diff(tt.want, problems(t, err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if (p == nil) != (err != nil) {
				t.Errorf("plan %v with error %v", p, err)
			}
		})
	}
}

func TestDocumentProblems(t *testing.T) {
	many := func(n int) string {
		nodes, edges := make([]string, n), make([]string, n)
		for i := range n {
			nodes[i] = fmt.Sprintf(`{"id":"n%d","type":"any"}`, i)
			edges[i] = fmt.Sprintf(`{"source":"t","target":"n%d"}`, i)
		}
		return document(strings.Join(nodes, ","), strings.Join(edges, ","))
	}
	testProblems(t, []problemTest{
		{name: "smallest", doc: `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"}}]}`},
		{name: "white space around", doc: " \n" + document("", "") + "\n"},
		{name: "all keys", doc: `{"id":"w","name":"W","active":false,"metadata":{"a":[1],"a":2},"nodes":[
			{"id":"t","type":"trigger","name":"T","config":{"triggerType":"manual","data":{"a":1}},"position":{"x":1,"x":1e999}},
			{"id":"n","type":"any","name":"N","config":{},"timeout":"1s","retry":{"maxAttempts":3,"backoff":"0s","maxBackoff":"1m"},
			 "onError":"continue","forEach":"{{trigger.data}}","concurrency":4,"metadata":{"b":1,"b":2}}],
			"edges":[{"source":"t","target":"n","metadata":{}}]}`},
		{name: "edges before nodes", doc: `{"edges":[{"source":"t","target":"n"}],"nodes":[{"id":"n","type":"any"},{"id":"t","type":"trigger","config":{"triggerType":"manual"}}]}`},
		{name: "most nodes", doc: many(MaxNodes - 1)},

		{"empty", ``, []string{`is not JSON: no value (line 1, byte 1)`}},
		{"not JSON", "{\"id\":\n  oops}", []string{`is not JSON: unexpected character (line 2, byte 3)`}},
		{"byte order mark", "\xEF\xBB\xBF{}", []string{`is not JSON: byte order mark (line 1, byte 1)`}},
		{"two values", `{}{}`, []string{`is not JSON: text after the value (line 1, byte 3)`}},
		{"too large", `{"name":"` + strings.Repeat("x", MaxDocument) + `"}`, []string{`has 1048587 bytes, more than 1048576`}},
		{"array", `[]`, []string{`must be an object, not an array`}},
		{"nothing", `{}`, []string{`nodes: is required`}},
		{
			"unknown keys", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"},"confg":{}}],"activ":true,"x y":1}`,
			[]string{
				`nodes[0].confg: unknown key; did you mean "config"?`, `activ: unknown key; did you mean "active"?`,
				`["x y"]: unknown key; known: active, edges, id, metadata, name, nodes`,
			},
		},
		{"repeated keys", `{"nodes":[],"nodes":[{"id":"t","id":"t"}]}`, []string{`nodes: is given twice`, `nodes[0].id: is given twice`}},
		{"repeated key spelled otherwise", anyConfig(`{"a":{"b":1,"\u0062":2}}`), []string{`nodes[1].config.a.b: is given twice`}},
		{"metadata in a config is config", anyConfig(`{"metadata":{"b":1,"b":2}}`), []string{`nodes[1].config.metadata.b: is given twice`}},
		{"wrong types", `{"name":1,"active":"yes","nodes":{},"edges":null}`, []string{
			`name: must be a string, not a number`, `active: must be true or false, not a string`,
			`nodes: must be an array, not an object`, `edges: must be an array, not null`,
		}},
		{"wrong elements", `{"nodes":[1],"edges":[[]]}`, []string{
			`nodes[0]: must be an object, not a number`, `edges[0]: must be an object, not an array`,
		}},
		{
			"invalid workflow id", `{"id":"-w","nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"}}]}`,
			[]string{`id: "-w": an id is a letter or digit, then at most 63 letters, digits, - or _`},
		},
		{"too many nodes", many(MaxNodes), []string{`nodes: has more than 256 nodes`}},
	})
}

func TestDocumentStoredUnderAnInvalidID(t *testing.T) {
	for _, id := range []string{"a/b", strings.Repeat("x", 65), "_a", "é"} {
		if _, err := Compile(id, 0, []byte(document("", "")), builtins(t), nil); err == nil {
			t.Errorf("%q was accepted", id)
		}
	}
	if _, err := Compile(strings.Repeat("x", 64), 0, []byte(document("", "")), builtins(t), nil); err != nil {
		t.Error(err)
	}
}

func TestNodeProblems(t *testing.T) {
	const idRule = "an id is a letter or digit, then at most 63 letters, digits, - or _"
	testProblems(t, []problemTest{
		{name: "ids with all characters", doc: document(`{"id":"9_a-Z","type":"any"}`, `{"source":"t","target":"9_a-Z"}`)},
		{"missing id and type", document(`{}`, ``), []string{`nodes[1].id: is required`, `nodes[1].type: is required`}},
		{"invalid ids", document(`{"id":"","type":"any"},{"id":"a.b","type":"any"},{"id":7,"type":"any"},{"id":"_a","type":"any"}`, ``), []string{
			`nodes[1].id: "": ` + idRule, `nodes[2].id: "a.b": ` + idRule, `nodes[3].id: must be a string, not a number`, `nodes[4].id: "_a": ` + idRule,
		}},
		{
			"duplicate id", document(`{"id":"n","type":"any"},{"id":"n","type":"any"}`, `{"source":"t","target":"n"}`),
			[]string{`nodes[2].id: "n" is the id of nodes[1] already`},
		},
		{"empty type", oneNode(`"type":""`), []string{`nodes[1].type: must not be empty`}},
		{"unknown type", oneNode(`"type":"swich"`), []string{`nodes[1].type: unknown node type "swich"; did you mean "switch"?`}},
		{"unlike any type", oneNode(`"type":"zzzzzz"`), []string{
			`nodes[1].type: unknown node type "zzzzzz"; known: any, condition, http-request, switch, transform`,
		}},
		{"two triggers", document(`{"id":"u","type":"trigger","config":{"triggerType":"manual"}}`, ``), []string{
			`nodes[1].type: is a second trigger beside nodes[0]: a workflow has exactly one`,
		}},
		{
			"settings of a trigger", `{"nodes":[{"id":"t","type":"trigger","config":{"triggerType":"manual"},"timeout":"1s","retry":{"maxAttempts":1},"onError":"stop","forEach":"{{item}}","concurrency":1}]}`,
			[]string{
				`nodes[0].timeout: is not for the trigger, which does not run`, `nodes[0].retry: is not for the trigger, which does not run`,
				`nodes[0].onError: is not for the trigger, which does not run`, `nodes[0].forEach: is not for the trigger, which does not run`,
				`nodes[0].concurrency: is not for the trigger, which does not run`,
			},
		},
		{"config is no object", anyConfig(`[]`), []string{`nodes[1].config: must be an object, not an array`}},
		{"timeouts", oneNode(`"type":"any","timeout":"0s"`), []string{`nodes[1].timeout: must be from 1ms to 24h0m0s`}},
		{"timeout as a number", oneNode(`"type":"any","timeout":5`), []string{`nodes[1].timeout: must be a duration such as "30s" or "1m30s", not a number`}},
		{"timeout without a unit", oneNode(`"type":"any","timeout":"5"`), []string{`nodes[1].timeout: must be a duration such as "30s" or "1m30s", not "5"`}},
		{"negative timeout", oneNode(`"type":"any","timeout":"-1s"`), []string{`nodes[1].timeout: must be from 1ms to 24h0m0s`}},
		{"too long a timeout", oneNode(`"type":"any","timeout":"25h"`), []string{`nodes[1].timeout: must be from 1ms to 24h0m0s`}},
		{"onError", oneNode(`"type":"any","onError":"contine"`), []string{`nodes[1].onError: must be "stop" or "continue", not "contine"; did you mean "continue"?`}},
		{"retry without attempts", oneNode(`"type":"any","retry":{"backof":"1s"}`), []string{
			`nodes[1].retry.maxAttempts: is required`, `nodes[1].retry.backof: unknown key; did you mean "backoff"?`,
		}},
		{"retry out of range", oneNode(`"type":"any","retry":{"maxAttempts":21,"backoff":"2h","maxBackoff":"-1s"}`), []string{
			`nodes[1].retry.maxAttempts: must be a whole number from 1 to 20`, `nodes[1].retry.backoff: must be from 0s to 1h0m0s`,
			`nodes[1].retry.maxBackoff: must be from 0s to 1h0m0s`,
		}},
		{"retry with one wrong pause", oneNode(`"type":"any","retry":{"maxAttempts":2,"maxBackoff":"soon"}`), []string{
			`nodes[1].retry.maxBackoff: must be a duration such as "30s" or "1m30s", not "soon"`,
		}},
		{"retry backwards", oneNode(`"type":"any","retry":{"maxAttempts":2,"backoff":"10s","maxBackoff":"5s"}`), []string{
			`nodes[1].retry.maxBackoff: must be at least the backoff of 10s`,
		}},
		{"fractions", oneNode(`"type":"any","retry":{"maxAttempts":1.5}`), []string{`nodes[1].retry.maxAttempts: must be a whole number from 1 to 20`}},
		{"forEach is no template", oneNode(`"type":"any","forEach":"items"`), []string{
			`nodes[1].forEach: must be one template alone that gives an array, such as {{trigger.data.items}}`,
		}},
		{"forEach with text", oneNode(`"type":"any","forEach":" {{trigger.data}}"`), []string{
			`nodes[1].forEach: must be one template alone that gives an array, such as {{trigger.data.items}}`,
		}},
		{"forEach is no string", oneNode(`"type":"any","forEach":[1]`), []string{`nodes[1].forEach: must be a string, not an array`}},
		{"forEach is malformed", oneNode(`"type":"any","forEach":"{{trigger.data"`), []string{
			`nodes[1].forEach: malformed template at column 15: the end where "}}" or another step of the path should stand`,
		}},
		{"forEach over its own item", oneNode(`"type":"any","forEach":"{{item.x}}"`), []string{
			`nodes[1].forEach: template at column 3: item exists only in the config of a node with forEach`,
		}},
		{
			"forEach on a node that routes", document(`{"id":"n","type":"condition","forEach":"{{trigger.data}}","config":{"conditions":[{"left":1,"operator":"exists"}]}}`, `{"source":"t","target":"n"}`),
			[]string{`nodes[1].forEach: cannot be on a node of type "condition": each item could take another way`},
		},
		{"concurrency alone", oneNode(`"type":"any","concurrency":2`), []string{`nodes[1].concurrency: is only for a node with forEach`}},
		{"concurrency of none", oneNode(`"type":"any","forEach":"{{trigger.data}}","concurrency":0`), []string{`nodes[1].concurrency: must be a whole number from 1 to 256`}},
	})
}

func TestEdgeProblems(t *testing.T) {
	three := `{"id":"a","type":"any"},{"id":"b","type":"any"},{"id":"c","type":"any"}`
	condition := `{"id":"if","type":"condition","config":{"conditions":[{"left":1,"operator":"exists"}]}},{"id":"a","type":"any"}`
	router := func(cases string) string {
		return `{"id":"sw","type":"switch","config":{"value":"{{trigger.data}}","cases":` + cases + `}},{"id":"a","type":"any"}`
	}
	ring := func(n int) string {
		nodes, edges := make([]string, n), []string{`{"source":"t","target":"w0"}`}
		for i := range n {
			nodes[i] = fmt.Sprintf(`{"id":"w%d","type":"any"}`, i)
			edges = append(edges, fmt.Sprintf(`{"source":"w%d","target":"w%d"}`, i, (i+1)%n))
		}
		return document(strings.Join(nodes, ","), strings.Join(edges, ","))
	}
	cases := func(n int) string {
		return `[{"value":1,"name":"` + strings.Join(numberedWords(n), `"},{"value":1,"name":"`) + `"}]`
	}
	testProblems(t, []problemTest{
		{name: "diamond", doc: document(three, `{"source":"t","target":"a"},{"source":"t","target":"b"},{"source":"a","target":"c"},{"source":"b","target":"c"}`)},
		{name: "error edge beside a success edge", doc: document(three, `{"source":"t","target":"a"},{"source":"a","target":"b"},{"source":"a","target":"b","sourceHandle":"error"},{"source":"b","target":"c"}`)},
		{name: "all handles", doc: document(condition+`,{"id":"b","type":"any"}`, `{"source":"t","target":"if"},{"source":"if","target":"a","sourceHandle":"true"},{"source":"if","target":"a","sourceHandle":"false"},{"source":"if","target":"b","sourceHandle":"error"}`)},
		{name: "cases", doc: document(router(`[{"name":"EU","value":1},{"name":"rest of it","value":2}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"EU"},{"source":"sw","target":"a","sourceHandle":"rest of it"},{"source":"sw","target":"a","sourceHandle":"default"}`)},

		{"missing ends", document(``, `{},{"source":"t"}`), []string{`edges[0].source: is required`, `edges[0].target: is required`, `edges[1].target: is required`}},
		{"dangling", document(three, `{"source":"t","target":"aa"},{"source":"x","target":1}`), []string{
			`edges[0].target: no node has the id "aa"; did you mean "a"?`, `edges[1].source: no node has the id "x"; known: a, b, c, t`,
			`edges[1].target: must be a string, not a number`,
		}},
		{"duplicate", document(`{"id":"a","type":"any"}`, `{"source":"t","target":"a"},{"source":"t","target":"a"}`), []string{`edges[1]: is the same edge as edges[0]`}},
		{"to the trigger", document(`{"id":"a","type":"any"}`, `{"source":"t","target":"a"},{"source":"a","target":"t"}`), []string{`edges[1].target: no edge can lead to the trigger`}},
		{"cycle", document(three, `{"source":"t","target":"a"},{"source":"a","target":"b"},{"source":"b","target":"c"},{"source":"c","target":"a"}`), []string{`edges[3]: closes a cycle: a -> b -> c -> a`}},
		{"long cycle", ring(20), []string{`edges[20]: closes a cycle: w0 -> w1 -> w2 -> w3 -> w4 -> w5 -> w6 -> w7 -> w8 -> w9 -> w10 -> w11 -> ... -> w0`}},
		{"edge to itself", document(`{"id":"a","type":"any"}`, `{"source":"t","target":"a"},{"source":"a","target":"a"}`), []string{`edges[1]: closes a cycle: a -> a`}},
		{"cycle that nothing leads to", document(three, `{"source":"t","target":"a"},{"source":"b","target":"c"},{"source":"c","target":"b"}`), []string{
			`nodes[2]: node "b" cannot be reached from the trigger`, `nodes[3]: node "c" cannot be reached from the trigger`, `edges[2]: closes a cycle: b -> c -> b`,
		}},
		{"templates beside a cycle", document(`{"id":"a","type":"any","config":{"v":"{{steps.b.output}}","w":"{{steps.c.output}}"}},{"id":"b","type":"any"}`, `{"source":"t","target":"a"},{"source":"a","target":"b"},{"source":"b","target":"a"}`), []string{
			`nodes[1].config.w: template at column 3: no node has the id "c"; known: a, b, t`, `edges[2]: closes a cycle: a -> b -> a`,
		}},
		{"unreachable", document(three, `{"source":"t","target":"a"},{"source":"b","target":"c"}`), []string{
			`nodes[2]: node "b" cannot be reached from the trigger`, `nodes[3]: node "c" cannot be reached from the trigger`,
		}},
		{"handle of a trigger", document(`{"id":"a","type":"any"}`, `{"source":"t","target":"a","sourceHandle":"error"}`), []string{
			`edges[0].sourceHandle: is not for edges from the trigger, which cannot fail`,
		}},
		{"handle of a node that does not route", document(three, `{"source":"t","target":"a"},{"source":"a","target":"b","sourceHandle":"true"},{"source":"a","target":"c","sourceHandle":null}`), []string{
			`edges[1].sourceHandle: edges from a node of type "any" have no handle but "error"`, `edges[2].sourceHandle: must be a string, not null`,
		}},
		{"handle missing", document(condition, `{"source":"t","target":"if"},{"source":"if","target":"a"}`), []string{
			`edges[1].sourceHandle: is required: node "if" has "true", "false" or "error"`,
		}},
		{"handle unknown", document(condition, `{"source":"t","target":"if"},{"source":"if","target":"a","sourceHandle":"tru"}`), []string{
			`edges[1].sourceHandle: unknown handle "tru": node "if" has "true", "false" or "error"; did you mean "true"?`,
		}},
		{"case unknown", document(router(`[{"name":"EU","value":1}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"US"}`), []string{
			`edges[1].sourceHandle: unknown handle "US": node "sw" has "default", "EU" or "error"`,
		}},
		{"one of many cases", document(router(cases(13)), `{"source":"t","target":"sw"},{"source":"sw","target":"a"}`), []string{
			`edges[1].sourceHandle: is required: node "sw" has "default", "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9", "w10" and more`,
		}},
		{"too many cases", document(router(cases(maxHandles)), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"w1"}`), []string{
			`nodes[1].config: names more than 256 handles`,
		}},
		{"wrong config with handles that can be read", document(router(`[{"name":"EU","value":1,"x":1}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"US"},{"source":"sw","target":"a"},{"source":"sw","target":"a","sourceHandle":"EU"}`), []string{
			`nodes[1].config.cases[0].x: unknown key; known: name, operator, value`,
			`edges[1].sourceHandle: unknown handle "US": node "sw" has "default", "EU" or "error"`,
			`edges[2].sourceHandle: is required: node "sw" has "default", "EU" or "error"`,
		}},
		{"wrong config hides its handles", document(router(`[{"name":"EU","value":1},{"nane":"US","value":1}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"US"}`), []string{
			`nodes[1].config.cases[1].nane: unknown key; did you mean "name"?`,
		}},
		{"wrong config without cases", document(`{"id":"sw","type":"switch","config":{"value":1,"casses":[{"name":"US","value":1}]}},{"id":"a","type":"any"}`, `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"US"}`), []string{
			`nodes[1].config.casses: unknown key; did you mean "cases"?`,
		}},
		{"wrong config with a template for a handle", document(router(`[{"name":"{{trigger.data}}","value":1,"x":1}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"US"}`), []string{
			`nodes[1].config.cases[0].x: unknown key; known: name, operator, value`,
		}},
		{"case names", document(router(`[{"name":"EU","value":1},{"name":"EU","value":2},{"name":"{{trigger.data}}","value":1},{"name":"","value":1},{"name":"error","value":1},{"name":"default","value":1}]`), `{"source":"t","target":"sw"},{"source":"sw","target":"a","sourceHandle":"EU"}`), []string{
			`nodes[1].config.cases[1].name: the handle "EU" is there twice`,
			`nodes[1].config.cases[2].name: a handle must be fixed text, not a template`,
			`nodes[1].config.cases[3].name: a handle must have 1 to 255 bytes`,
			`nodes[1].config.cases[4].name: the handle "error" is taken when a node fails; choose another name`,
			`nodes[1].config.cases[5].name: the handle "default" is there twice`,
		}},
	})
}

func TestTriggerProblems(t *testing.T) {
	config := func(c string) string { return `{"nodes":[{"id":"t","type":"trigger","config":` + c + `}]}` }
	testProblems(t, []problemTest{
		{"no config", `{"nodes":[{"id":"t","type":"trigger"}]}`, []string{`nodes[0].config: is required`}},
		{"no type", config(`{}`), []string{`nodes[0].config.triggerType: is required`}},
		{"unknown type", config(`{"triggerType":"cron"}`), []string{`nodes[0].config.triggerType: must be "webhook" or "manual", not "cron"`}},
		{"manual with webhook", config(`{"triggerType":"manual","webhook":{}}`), []string{`nodes[0].config.webhook: is only for a webhook trigger`}},
		{"webhook with data", config(`{"triggerType":"webhook","data":{}}`), []string{
			`nodes[0].config.data: is only for a manual trigger: a webhook gets its data from the request`,
		}},
		{"unknown key", webhook(`{"responseMod":"minimal"}`), []string{`nodes[0].config.webhook.responseMod: unknown key; did you mean "responseMode"?`}},
		{"mode", webhook(`{"responseMode":"lastnode"}`), []string{
			`nodes[0].config.webhook.responseMode: must be "minimal", "lastNode", "specificNode" or "allNodes", not "lastnode"; did you mean "lastNode"?`,
		}},
		{"specificNode without a node", webhook(`{"responseMode":"specificNode"}`), []string{`nodes[0].config.webhook.responseNodeId: is required`}},
		{"response node unknown", webhook(`{"responseMode":"specificNode","responseNodeId":"tt"}`), []string{
			`nodes[0].config.webhook.responseNodeId: no node has the id "tt"; did you mean "t"?`,
		}},
		{"informational status", webhook(`{"statusCode":199}`), []string{`nodes[0].config.webhook.statusCode: must be a whole number from 200 to 599`}},
		{"status too high", webhook(`{"statusCode":600}`), []string{`nodes[0].config.webhook.statusCode: must be a whole number from 200 to 599`}},
		{"status as a string", webhook(`{"statusCode":"201"}`), []string{`nodes[0].config.webhook.statusCode: must be a whole number, not a string`}},
		{"timeout and limits", webhook(`{"timeout":"soon","onTimeout":"wait","maxConcurrent":-1,"secret":1}`), []string{
			`nodes[0].config.webhook.timeout: must be a duration such as "30s" or "1m30s", not "soon"`,
			`nodes[0].config.webhook.onTimeout: must be "error" or "accept", not "wait"`,
			`nodes[0].config.webhook.maxConcurrent: must be a whole number from 0 to 100000`,
			`nodes[0].config.webhook.secret: must be a string, not a number`,
		}},
		{name: "headers", doc: webhook(`{"headers":{"x-a":"","Content-Type":"text/plain; charset=utf-8","X!":"a\tb"}}`)},
		{"header names", webhook(`{"headers":{"a b":"","":"","X:":"","é":""}}`), []string{
			`nodes[0].config.webhook.headers["a b"]: is not a valid header name`, `nodes[0].config.webhook.headers[""]: is not a valid header name`,
			`nodes[0].config.webhook.headers["X:"]: is not a valid header name`, `nodes[0].config.webhook.headers.é: is not a valid header name`,
		}},
		{"header twice", webhook(`{"headers":{"X-A":"1","x-a":"2"}}`), []string{`nodes[0].config.webhook.headers.x-a: is given twice, in upper and lower case`}},
		{"header values", webhook(`{"headers":{"A":"a\r\nSet-Cookie: x","B":"é","C":" x","D":1,"E":"{{trigger.data}}","F":"\u0000"}}`), []string{
			`nodes[0].config.webhook.headers.A: is not a valid header value: only printable ASCII, spaces and tabs can be sent`,
			`nodes[0].config.webhook.headers.B: is not a valid header value: only printable ASCII, spaces and tabs can be sent`,
			`nodes[0].config.webhook.headers.C: is not a valid header value: it begins or ends with white space`,
			`nodes[0].config.webhook.headers.D: must be a string, not a number`,
			`nodes[0].config.webhook.headers.E: is fixed text: templates are not resolved here`,
			`nodes[0].config.webhook.headers.F: is not a valid header value: only printable ASCII, spaces and tabs can be sent`,
		}},
		{"too many headers", webhook(`{"headers":{"` + strings.Join(numberedWords(maxHeaders+1), `":"","`) + `":""}}`), []string{
			`nodes[0].config.webhook.headers: has more than 64 headers`,
		}},
		{"long header", webhook(`{"headers":{"A":"` + strings.Repeat("x", maxHeaderValue+1) + `"}}`), []string{
			`nodes[0].config.webhook.headers.A: has more than 8192 bytes`,
		}},
		{"headers are no object", webhook(`{"headers":[]}`), []string{`nodes[0].config.webhook.headers: must be an object, not an array`}},
		{name: "idempotency", doc: webhook(`{"idempotency":{"field":"event[0][\"a b\"].id","window":"720h"}}`)},
		{"idempotency of nothing", webhook(`{"idempotency":{}}`), []string{`nodes[0].config.webhook.idempotency: must have either "header" or "field"`}},
		{"idempotency of both", webhook(`{"idempotency":{"header":"Idempotency-Key","field":"id"}}`), []string{
			`nodes[0].config.webhook.idempotency: must have either "header" or "field"`,
		}},
		{"idempotency of the query", webhook(`{"idempotency":{"field":"_query.id"}}`), []string{
			`nodes[0].config.webhook.idempotency.field: must be a path in the body: the query is not signed`,
		}},
		{"idempotency malformed", webhook(`{"idempotency":{"field":"a..b","window":"31d"}}`), []string{
			`nodes[0].config.webhook.idempotency.field: malformed path at column 3: "." where a key should stand`,
			`nodes[0].config.webhook.idempotency.window: must be a duration such as "30s" or "1m30s", not "31d"`,
		}},
		{"idempotency with more than a path", webhook(`{"idempotency":{"field":"a }}"}}`), []string{
			`nodes[0].config.webhook.idempotency.field: malformed path at column 3: "}" where another step of the path should stand`,
		}},
		{"idempotency of a number", webhook(`{"idempotency":{"field":1}}`), []string{
			`nodes[0].config.webhook.idempotency.field: must be a string, not a number`,
		}},
		{"idempotency header", webhook(`{"idempotency":{"header":"a b","window":"0s"}}`), []string{
			`nodes[0].config.webhook.idempotency.header: is not a valid header name`, `nodes[0].config.webhook.idempotency.window: must be from 1s to 720h0m0s`,
		}},
	})
	for _, name := range reservedHeaders {
		t.Run("reserved "+name, func(t *testing.T) {
			_, err := Compile("w", 0, []byte(webhook(`{"headers":{"`+strings.ToUpper(name)+`":"x"}}`)), builtins(t), nil)
			want := []string{`nodes[0].config.webhook.headers.` + strings.ToUpper(name) + `: is set by the server and cannot be chosen`}
			if diff := cmp.Diff(want, problems(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblemsAreBoundedAndInOrder(t *testing.T) {
	var nodes []string
	for i := range 200 {
		nodes = append(nodes, fmt.Sprintf(`{"id":"n%d","type":"nope%d","x":1}`, i, i))
	}
	_, err := Compile("w", 0, []byte(document(strings.Join(nodes, ","), "")), builtins(t), nil)
	lines := problems(t, err)
	if len(lines) != MaxProblems {
		t.Errorf("%d problems", len(lines))
	}
	for i, line := range lines {
		if want := fmt.Sprintf("nodes[%d].x: unknown key", i+1); !strings.HasPrefix(line, want) {
			t.Errorf("problem %d is %s", i, line)
		}
	}
	if want := " (and at least 49 more problems)"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %q", err)
	}
}

// TestSignatureProblemsHaveTheirPlace: each key of webhook.signature has its own problem, whatever
// characters it has and however long it is.
func TestSignatureProblemsHaveTheirPlace(t *testing.T) {
	long := strings.Repeat("x", 70)
	doc := webhook(`{"signature":{"a\u0001":1,"b\u0007\"":1,"` + long + `aaaa":1,"` + long + `bbbb":1,"schmee":"github","sceme":"github"}}`)
	_, err := Compile("w", 0, []byte(doc), builtins(t), schemes{})
	const at, known = `nodes[0].config.webhook.signature`, `; known: algorithm, encoding, header, payload, prefix, scheme, timestampFormat, timestampHeader`
	want := []string{
		at + `["a\x01"]: unknown key` + known,
		at + `["b\a\""]: unknown key` + known,
		at + `["` + long[:64] + `..."]: unknown key` + known,
		at + `["` + long[:64] + `..."]: unknown key` + known,
		at + `.schmee: unknown key; did you mean "scheme"?`,
		at + `.sceme: unknown key; did you mean "scheme"?`,
	}
	if diff := cmp.Diff(want, problems(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestProblemsShowNoLongInput(t *testing.T) {
	long := strings.Repeat("é", 50_000)
	_, err := Compile("w", 0, []byte(anyConfig(`{"`+long+`":"{{`+long+`}}"}`)), builtins(t), nil)
	lines := problems(t, err)
	if len(lines) != 1 || len(lines[0]) > 400 {
		t.Errorf("problems of %d bytes: %.500s", len(lines[0]), lines)
	}
}

func TestDocumentErrorText(t *testing.T) {
	for n, want := range map[int]string{
		1: "a.b: is wrong", 2: "a.b: is wrong (and 1 more problem)", 3: "a.b: is wrong (and 2 more problems)",
		MaxProblems - 1: "a.b: is wrong (and 48 more problems)", MaxProblems: "a.b: is wrong (and at least 49 more problems)",
	} {
		e := DocumentError{Problems: make([]Problem, n)}
		e.Problems[0] = Problem{Path: "a.b", Reason: "is wrong"}
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWarnings checks that documents that an earlier version accepted are valid, with a warning for
// authors who store them again.
func TestWarnings(t *testing.T) {
	zero, hidden := webhook(`{"maxConcurrent":0}`), webhook(`{"secret":"***"}`)
	for doc, want := range map[string][]Problem{
		webhook(`{"maxConcurrent":1}`): nil,
		zero: {{
			Path:   "nodes[0].config.webhook.maxConcurrent",
			Reason: "must be at least 1: 0 is no limit; leave the key out for that",
			Line:   1, Column: 1 + strings.Index(zero, `"maxConcurrent"`),
		}},
		hidden: {{
			Path:   "nodes[0].config.webhook.secret",
			Reason: "is ***, which anybody can guess: put the secret that was hidden by it, or leave the key out",
			Line:   1, Column: 1 + strings.Index(hidden, `"secret"`),
		}},
	} {
		p, err := Compile("w", 0, []byte(doc), builtins(t), nil)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if diff := cmp.Diff(want, p.Warnings); diff != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", doc, diff)
		}
		if _, err := CompileNew("w", 0, []byte(doc), builtins(t), nil); (err == nil) != (want == nil) {
			t.Errorf("%s is new: %v", doc, err)
		}
	}
}
