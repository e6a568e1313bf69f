package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/sandbox"
)

const (
	failure = `{"error":{"code":"boom","message":"no luck"}}`

	continues = `"onError":"continue"`
)

func TestRun(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	for _, c := range []struct {
		name     string
		document string
		want     string
	}{
		{"only a trigger", document(""), `succeeded`},
		{"a line", document("t>a a>b", echo("a", `1`), echo("b", `["{{steps.a.output}}"]`)), `succeeded a=1 b=[1]`},
		{"plan order is by layer", document("t>b b>a t>c", echo("a", `1`), echo("b", `2`), echo("c", `3`)),
			`succeeded b=2 c=3 a=1`},
		{"branches and a join", document("t>a t>b a>c b>c", echo("a", `1`), echo("b", `2`),
			echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`)), `succeeded a=1 b=2 c=[1,2]`},
		{"a join waits for the longer way", document("t>a t>b a>d b>c c>d", echo("a", `1`), echo("b", `2`), echo("c", `3`),
			echo("d", `["{{steps.a.output}}","{{steps.c.output}}"]`)), `succeeded a=1 b=2 c=3 d=[1,3]`},

		{"a handle is taken", document("t>r r>a:left r>b:right", route("r", "left"), echo("a", `1`), echo("b", `2`)),
			`succeeded r=1:left a=1 b-skipped`},
		{"a handle of the config", document("t>r r>a:x r>b:left",
			node("route", "r", `"do":"route","handle":"x","value":1,"cases":[{"name":"y"},{"name":"x"}]`, nil), echo("a", `1`), echo("b", `2`)),
			`succeeded r=1:x a=1 b-skipped`},
		{"a handle without an edge", document("t>r r>a:left", route("r", "right"), echo("a", `1`)), `succeeded r=1:right a-skipped`},
		{"two edges of one handle", document("t>r r>a:left r>b:left", route("r", "left"), echo("a", `1`), echo("b", `2`)),
			`succeeded r=1:left a=1 b=2`},
		{"what follows a skipped node is skipped", document("t>r r>a:right a>b b>c", route("r", "left"), echo("a", `1`), echo("b", `2`), echo("c", `3`)),
			`succeeded r=1:left a-skipped b-skipped c-skipped`},
		{"both handles to one join", document("t>r r>a:left r>b:right a>c b>c", route("r", "right"), echo("a", `1`), echo("b", `2`),
			echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`)), `succeeded r=1:right a-skipped b=2 c=[null,2]`},
		{"both handles to one node", document("t>r r>a:left r>a:right", route("r", "right"), echo("a", `1`)),
			`succeeded r=1:right a=1`},
		{"a join of a skipped and a taken way", document("t>r t>b r>a:left a>c b>c", route("r", "right"), echo("a", `1`), echo("b", `2`), echo("c", `3`)),
			`succeeded r=1:right b=2 a-skipped c=3`},

		{"a failure stops what follows", document("t>a a>b b>c", fail("a"), echo("b", `1`), echo("c", `2`)),
			`failed a!boom b-stopped c-stopped`},
		{"independent branches go on", document("t>a t>b a>c b>d", fail("a"), echo("b", `1`), echo("c", `2`), echo("d", `3`)),
			`failed a!boom b=1 c-stopped d=3`},
		{"a join with one failed parent is stopped", document("t>a t>b a>c b>c c>d", fail("a"), echo("b", `1`), echo("c", `2`), echo("d", `3`)),
			`failed a!boom b=1 c-stopped d-stopped`},
		{"also when the failure comes from a layer above", document("t>a t>b b>c a>d c>d", fail("a"), echo("b", `1`), echo("c", `2`), echo("d", `3`)),
			`failed a!boom b=1 c=2 d-stopped`},
		{"also when the other edge was not taken", document("t>a t>r a>c r>c:left", fail("a"), route("r", "right"), echo("c", `2`)),
			`failed a!boom r=1:right c-stopped`},
		{"skipped is not stopped", document("t>r t>a r>b:left b>c a>d", route("r", "right"), fail("a"), echo("b", `1`), echo("c", `1`), echo("d", `1`)),
			`failed r=1:right a!boom b-skipped d-stopped c-skipped`},
		{"a routing node that fails stops its ways", document("t>r r>a:left r>b:right", node("route", "r", `"do":"fatal","code":"boom"`, nil), echo("a", `1`), echo("b", `2`)),
			`failed r!boom a-stopped b-stopped`},

		{"an error edge", document("t>a a>b a>c:error", fail("a"), echo("b", `1`), echo("c", `"{{steps.a.output.error.code}}"`)),
			`succeeded a=` + failure + `:error b-skipped c="boom"`},
		{"an error edge that is not needed", document("t>a a>b a>c:error", echo("a", `1`), echo("b", `2`), echo("c", `3`)),
			`succeeded a=1 b=2 c-skipped`},
		{"an error edge and a success edge to one node", document("t>a a>b a>b:error", fail("a"), echo("b", `1`)),
			`succeeded a=` + failure + `:error b=1`},
		{"an error edge of a routing node", document("t>r r>a:left r>b:error", node("route", "r", `"do":"fatal","code":"boom","message":"no luck"`, nil), echo("a", `1`), echo("b", `2`)),
			`succeeded r=` + failure + `:error a-skipped b=2`},
		{"a failure behind an error edge", document("t>a a>b:error b>c", fail("a"), fail("b"), echo("c", `1`)),
			`failed a=` + failure + `:error b!boom c-stopped`},
		{"continue", document("t>a a>b", fail("a", continues), echo("b", `"{{steps.a.output.error.message}}"`)),
			`succeeded a=` + failure + ` b="no luck"`},
		{"continue of a routing node leads nowhere", document("t>r r>a:left", node("route", "r", `"do":"fatal","code":"boom","message":"no luck"`, []string{continues}), echo("a", `1`)),
			`succeeded r=` + failure + ` a-skipped`},
		{"the error edge wins over continue", document("t>a a>b a>c:error", fail("a", continues), echo("b", `1`), echo("c", `2`)),
			`succeeded a=` + failure + `:error b-skipped c=2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.T = t
			l.wantRun(c.document, "", c.want)
		})
	}
}

// TestEventOfTheLimit: what was accepted can be handed on, also where it is longer than an output
// may be otherwise.
func TestEventOfTheLimit(t *testing.T) {
	l := newLab(t, Config{Limits: Limits{NodeOutput: 1000}}, sandbox.Limits{Output: 1000})
	body := `{"items":["` + strings.Repeat("x", 5000) + `"]}`
	whole := `"{{trigger.data}}"`
	for _, c := range []struct {
		name  string
		nodes []string
		edges string
		code  string // of the last node
	}{
		{"once", []string{echo("a", whole)}, "", ""},
		{"twice in a row", []string{echo("a", whole), echo("b", `"{{steps.a.output}}"`)}, "a>b", ""},
		{"by its items", []string{task("a", `"do":"echo","value":"{{item}}"`, forItems)}, "", ""},
		{"and a byte more", []string{echo("a", `["{{trigger.data}}"]`)}, "", CodeOutputTooLarge},
		{"of something else", []string{task("a", `"do":"large","bytes":6000`)}, "", CodeOutputTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.T = t
			r := l.run(document("t>a "+c.edges, c.nodes...), body)
			last := r.Nodes[len(r.Nodes)-1]
			if c.code == "" && r.Status != Succeeded || c.code != "" && (last.Err == nil || last.Err.Code != c.code) {
				t.Errorf("ended %s, the last node with %+v, want the code %q", r.Status, last.Err, c.code)
			}
		})
	}
}

func TestNodeErrors(t *testing.T) {
	l := newLab(t, Config{
		Limits: Limits{NodeInput: 2000, NodeOutput: 1000, ForEachItems: 3, ExecutionMemory: 6000, NodeTimeout: time.Minute},
	}, sandbox.Limits{Memory: 16 << 20})
	large := `{"text":"` + strings.Repeat("x", 1900) + `"}`
	for _, c := range []struct {
		name  string
		nodes []string // a is the first
		edges string
		body  string
		code  string
	}{
		{"its own code", []string{task("a", `"do":"error","code":"busy","message":"later"`)}, "", "", "busy"},
		{"no code", []string{task("a", `"do":"error","message":"later"`)}, "", "", CodeNodeFailed},
		{"a code that cannot be shown", []string{task("a", `"do":"error","code":"Busy now","message":"later"`)}, "", "", CodeNodeFailed},
		{"trap", []string{task("a", `"do":"trap"`)}, "", "", CodeTrap},
		{"exit", []string{task("a", `"do":"exit"`)}, "", "", CodeExit},
		{"memory", []string{task("a", `"do":"allocate"`)}, "", "", CodeMemory},
		{"timeout", []string{task("a", `"do":"loop"`, `"timeout":"20ms"`)}, "", "", CodeTimeout},
		{"no JSON", []string{task("a", `"do":"echo"`)}, "", "", CodeBadAnswer},
		{"a handle of a type that has none", []string{task("a", `"do":"route","handle":"left","value":1`)}, "", "", CodeUnknownHandle},
		{"no handle of a type that has some", []string{node("route", "a", `"do":"echo","value":1`, nil)}, "", "", CodeUnknownHandle},
		{"a handle it does not have", []string{route("a", "up")}, "", "", CodeUnknownHandle},
		{"the error handle", []string{route("a", "error")}, "", "", CodeUnknownHandle},
		{"input", []string{echo("a", `["{{trigger.data.text}}","{{trigger.data.text}}"]`)}, "", large, CodeInputTooLarge},
		{"output", []string{task("a", `"do":"large","bytes":1001`)}, "", "", CodeOutputTooLarge},
		{"no array", []string{task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data}}"`)}, "", "", CodeForEachNotArray},
		{"missing array", []string{task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data.items}}"`)}, "", "", CodeForEachNotArray},
		{"many items", []string{task("a", `"do":"echo","value":1`, `"forEach":"{{trigger.data.items}}"`)}, "", `{"items":[1,2,3,4]}`, CodeForEachTooMany},
		{"outputs of items", []string{task("a", `"do":"large","bytes":400`, `"forEach":"{{trigger.data.items}}"`)}, "", `{"items":[1,2,3]}`, CodeOutputTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.T = t
			if c.body == "" {
				c.body = "{}"
			}
			r := l.run(document("t>a "+c.edges, c.nodes...), c.body)
			if r.Status != Failed || r.Failing != 1 || r.Nodes[1].Err.Code != c.code {
				t.Fatalf("ended %s by node %d with %+v, want the code %s", r.Status, r.Failing, r.Nodes[1].Err, c.code)
			}
			if r.Nodes[1].Err.Message == "" {
				t.Error("there is no message")
			}
		})
	}
}
