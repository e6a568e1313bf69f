package engine_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

const failure = `{"error":{"code":"boom","message":"no luck"}}`

func TestRun(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	for _, c := range []struct {
		name     string
		document string
		want     string
	}{
		{"only a trigger", Document(""), `succeeded`},
		{"a line", Document("t>a a>b", Echo("a", `1`), Echo("b", `["{{steps.a.output}}"]`)), `succeeded a=1 b=[1]`},
		{
			"plan order is by layer", Document("t>b b>a t>c", Echo("a", `1`), Echo("b", `2`), Echo("c", `3`)),
			`succeeded b=2 c=3 a=1`,
		},
		{"branches and a join", Document("t>a t>b a>c b>c", Echo("a", `1`), Echo("b", `2`),
			Echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`)), `succeeded a=1 b=2 c=[1,2]`},
		{"a join waits for the longer way", Document("t>a t>b a>d b>c c>d", Echo("a", `1`), Echo("b", `2`), Echo("c", `3`),
			Echo("d", `["{{steps.a.output}}","{{steps.c.output}}"]`)), `succeeded a=1 b=2 c=3 d=[1,3]`},

		{
			"a handle is taken", Document("t>r r>a:left r>b:right", Route("r", "left"), Echo("a", `1`), Echo("b", `2`)),
			`succeeded r=1:left a=1 b-skipped`,
		},
		{
			"a handle of the config", Document("t>r r>a:x r>b:left",
				NodeOf("route", "r", `"do":"route","handle":"x","value":1,"cases":[{"name":"y"},{"name":"x"}]`, nil), Echo("a", `1`), Echo("b", `2`)),
			`succeeded r=1:x a=1 b-skipped`,
		},
		{"a handle without an edge", Document("t>r r>a:left", Route("r", "right"), Echo("a", `1`)), `succeeded r=1:right a-skipped`},
		{
			"two edges of one handle", Document("t>r r>a:left r>b:left", Route("r", "left"), Echo("a", `1`), Echo("b", `2`)),
			`succeeded r=1:left a=1 b=2`,
		},
		{
			"what follows a skipped node is skipped", Document("t>r r>a:right a>b b>c", Route("r", "left"), Echo("a", `1`), Echo("b", `2`), Echo("c", `3`)),
			`succeeded r=1:left a-skipped b-skipped c-skipped`,
		},
		{"both handles to one join", Document("t>r r>a:left r>b:right a>c b>c", Route("r", "right"), Echo("a", `1`), Echo("b", `2`),
			Echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`)), `succeeded r=1:right a-skipped b=2 c=[null,2]`},
		{
			"both handles to one node", Document("t>r r>a:left r>a:right", Route("r", "right"), Echo("a", `1`)),
			`succeeded r=1:right a=1`,
		},
		{
			"a join of a skipped and a taken way", Document("t>r t>b r>a:left a>c b>c", Route("r", "right"), Echo("a", `1`), Echo("b", `2`), Echo("c", `3`)),
			`succeeded r=1:right b=2 a-skipped c=3`,
		},

		{
			"a failure stops what follows", Document("t>a a>b b>c", Fail("a"), Echo("b", `1`), Echo("c", `2`)),
			`failed a!boom b-stopped c-stopped`,
		},
		{
			"independent branches go on", Document("t>a t>b a>c b>d", Fail("a"), Echo("b", `1`), Echo("c", `2`), Echo("d", `3`)),
			`failed a!boom b=1 c-stopped d=3`,
		},
		{
			"a join with one failed parent is stopped", Document("t>a t>b a>c b>c c>d", Fail("a"), Echo("b", `1`), Echo("c", `2`), Echo("d", `3`)),
			`failed a!boom b=1 c-stopped d-stopped`,
		},
		{
			"also when the failure comes from a layer above", Document("t>a t>b b>c a>d c>d", Fail("a"), Echo("b", `1`), Echo("c", `2`), Echo("d", `3`)),
			`failed a!boom b=1 c=2 d-stopped`,
		},
		{
			"also when the other edge was not taken", Document("t>a t>r a>c r>c:left", Fail("a"), Route("r", "right"), Echo("c", `2`)),
			`failed a!boom r=1:right c-stopped`,
		},
		{
			"skipped is not stopped", Document("t>r t>a r>b:left b>c a>d", Route("r", "right"), Fail("a"), Echo("b", `1`), Echo("c", `1`), Echo("d", `1`)),
			`failed r=1:right a!boom b-skipped d-stopped c-skipped`,
		},
		{
			"a routing node that fails stops its ways", Document("t>r r>a:left r>b:right", NodeOf("route", "r", `"do":"fatal","code":"boom"`, nil), Echo("a", `1`), Echo("b", `2`)),
			`failed r!boom a-stopped b-stopped`,
		},

		{
			"an error edge", Document("t>a a>b a>c:error", Fail("a"), Echo("b", `1`), Echo("c", `"{{steps.a.output.error.code}}"`)),
			`succeeded a=` + failure + `:error b-skipped c="boom"`,
		},
		{
			"an error edge that is not needed", Document("t>a a>b a>c:error", Echo("a", `1`), Echo("b", `2`), Echo("c", `3`)),
			`succeeded a=1 b=2 c-skipped`,
		},
		{
			"an error edge and a success edge to one node", Document("t>a a>b a>b:error", Fail("a"), Echo("b", `1`)),
			`succeeded a=` + failure + `:error b=1`,
		},
		{
			"an error edge of a routing node", Document("t>r r>a:left r>b:error", NodeOf("route", "r", `"do":"fatal","code":"boom","message":"no luck"`, nil), Echo("a", `1`), Echo("b", `2`)),
			`succeeded r=` + failure + `:error a-skipped b=2`,
		},
		{
			"a failure behind an error edge", Document("t>a a>b:error b>c", Fail("a"), Fail("b"), Echo("c", `1`)),
			`failed a=` + failure + `:error b!boom c-stopped`,
		},
		{
			"continue", Document("t>a a>b", Fail("a", Continues), Echo("b", `"{{steps.a.output.error.message}}"`)),
			`succeeded a=` + failure + ` b="no luck"`,
		},
		{
			"continue of a routing node leads nowhere", Document("t>r r>a:left", NodeOf("route", "r", `"do":"fatal","code":"boom","message":"no luck"`, []string{Continues}), Echo("a", `1`)),
			`succeeded r=` + failure + ` a-skipped`,
		},
		{
			"the error edge wins over continue", Document("t>a a>b a>c:error", Fail("a", Continues), Echo("b", `1`), Echo("c", `2`)),
			`succeeded a=` + failure + `:error b-skipped c=2`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.In(t)
			l.WantRun(c.document, "", c.want)
		})
	}
}

// TestEventOfTheLimit checks that a node can pass on an accepted event, even if that exceeds the
// limit of outputs.
func TestEventOfTheLimit(t *testing.T) {
	l := NewLab(t, engine.Config{Limits: engine.Limits{NodeOutput: 1000}}, sandbox.Limits{Output: 1000})
	body := `{"items":["` + strings.Repeat("x", 5000) + `"]}`
	whole := `"{{trigger.data}}"`
	for _, c := range []struct {
		name  string
		nodes []string
		edges string
		code  string // of the last node
	}{
		{"once", []string{Echo("a", whole)}, "", ""},
		{"twice in a row", []string{Echo("a", whole), Echo("b", `"{{steps.a.output}}"`)}, "a>b", ""},
		{"by its items", []string{Task("a", `"do":"echo","value":"{{item}}"`, forItems)}, "", ""},
		{"and a byte more", []string{Echo("a", `["{{trigger.data}}"]`)}, "", engine.CodeOutputTooLarge},
		{"of something else", []string{Task("a", `"do":"large","bytes":6000`)}, "", engine.CodeOutputTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.In(t)
			r := l.Run(Document("t>a "+c.edges, c.nodes...), body)
			last := r.Nodes[len(r.Nodes)-1]
			if c.code == "" && r.Status != engine.Succeeded || c.code != "" && (last.Err == nil || last.Err.Code != c.code) {
				t.Errorf("ended %s, the last node with %+v, want the code %q", r.Status, last.Err, c.code)
			}
		})
	}
}

func TestNodeErrors(t *testing.T) {
	l := NewLab(t, engine.Config{
		Limits: engine.Limits{NodeInput: 2000, NodeOutput: 1000, ForEachItems: 3, ExecutionMemory: 6000, NodeTimeout: time.Minute},
	}, sandbox.Limits{Memory: 16 << 20})
	large := `{"text":"` + strings.Repeat("x", 1900) + `"}`
	for _, c := range []struct {
		name  string
		nodes []string // a is the first
		edges string
		body  string
		code  string
	}{
		{"its own code", []string{Task("a", `"do":"error","code":"busy","message":"later"`)}, "", "", "busy"},
		{"no code", []string{Task("a", `"do":"error","message":"later"`)}, "", "", engine.CodeNodeFailed},
		{"a code that cannot be shown", []string{Task("a", `"do":"error","code":"Busy now","message":"later"`)}, "", "", engine.CodeNodeFailed},
		{"trap", []string{Task("a", `"do":"trap"`)}, "", "", engine.CodeTrap},
		{"exit", []string{Task("a", `"do":"exit"`)}, "", "", engine.CodeExit},
		{"memory", []string{Task("a", `"do":"allocate"`)}, "", "", engine.CodeMemory},
		{"timeout", []string{Task("a", `"do":"loop"`, `"timeout":"20ms"`)}, "", "", engine.CodeTimeout},
		{"no JSON", []string{Task("a", `"do":"echo"`)}, "", "", engine.CodeBadAnswer},
		{"a handle of a type that has none", []string{Task("a", `"do":"route","handle":"left","value":1`)}, "", "", engine.CodeUnknownHandle},
		{"no handle of a type that has some", []string{NodeOf("route", "a", `"do":"echo","value":1`, nil)}, "", "", engine.CodeUnknownHandle},
		{"a handle it does not have", []string{Route("a", "up")}, "", "", engine.CodeUnknownHandle},
		{"the error handle", []string{Route("a", "error")}, "", "", engine.CodeUnknownHandle},
		{"input", []string{Echo("a", `["{{trigger.data.text}}","{{trigger.data.text}}"]`)}, "", large, engine.CodeInputTooLarge},
		{"output", []string{Task("a", `"do":"large","bytes":1001`)}, "", "", engine.CodeOutputTooLarge},
		{"no array", []string{Task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data}}"`)}, "", "", engine.CodeForEachNotArray},
		{"missing array", []string{Task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data.items}}"`)}, "", "", engine.CodeForEachNotArray},
		{"many items", []string{Task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data.items}}"`)}, "", `{"items":[1,2,3,4]}`, engine.CodeForEachTooMany},
		{"outputs of items", []string{Task("a", `"do":"large","bytes":400`, `"forEach":"{{trigger.data.items}}"`)}, "", `{"items":[1,2,3]}`, engine.CodeOutputTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.In(t)
			if c.body == "" {
				c.body = "{}"
			}
			r := l.Run(Document("t>a "+c.edges, c.nodes...), c.body)
			if r.Status != engine.Failed || r.Failing != 1 || r.Nodes[1].Err.Code != c.code {
				t.Fatalf("ended %s by node %d with %+v, want the code %s", r.Status, r.Failing, r.Nodes[1].Err, c.code)
			}
			if r.Nodes[1].Err.Message == "" {
				t.Error("there is no message")
			}
		})
	}
}
