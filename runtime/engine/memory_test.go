package engine

import (
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestExecutionMemory(t *testing.T) {
	const handled = `{"error":{"code":"execution_memory","message":"the execution holds too much data"}}:error`
	l := newLab(t, Config{Limits: Limits{ExecutionMemory: 10_000, NodeInput: 8000, NodeOutput: 8000}}, sandbox.Limits{})
	large := func(id string, bytes string) string { return task(id, `"do":"large","bytes":`+bytes) }
	text := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, document, body, want string }{
		{"the trigger alone", document("t>a", echo("a", `1`)), `"` + strings.Repeat("x", 11_000) + `"`, `failed a!execution_memory`},
		{"a config", document("t>a a>b:error", task("a", `"do":"large","bytes":2,"x":["{{trigger.data}}","{{trigger.data}}"]`), echo("b", `1`)),
			`"` + strings.Repeat("x", 3900) + `"`, `succeeded a=` + handled + ` b=1`},
		{"configs are given back", document("t>a a>b b>c c>d", task("a", `"do":"large","bytes":2,"x":"{{trigger.data}}"`),
			task("b", `"do":"large","bytes":2,"x":"{{trigger.data}}"`), task("c", `"do":"large","bytes":2,"x":"{{trigger.data}}"`),
			task("d", `"do":"large","bytes":2,"x":"{{trigger.data}}"`)), `"` + text + `"`, `succeeded a="" b="" c="" d=""`},
		{"configs of failures too", document("t>a a>b:error b>c:error c>d:error", task("a", `"do":"fatal","message":"m","x":"{{trigger.data}}"`),
			task("b", `"do":"fatal","message":"m","x":"{{trigger.data}}"`), task("c", `"do":"fatal","message":"m","x":"{{trigger.data}}"`),
			echo("d", `1`)), `"` + text + `"`, `succeeded a={"error":{"code":"node_failed","message":"m"}}:error` +
			` b={"error":{"code":"node_failed","message":"m"}}:error c={"error":{"code":"node_failed","message":"m"}}:error d=1`},
		{"outputs add up", document("t>a a>b b>c:error b>d", large("a", "6000"), large("b", "6000"), echo("c", `1`), echo("d", `1`)), `1`, ``},
		{"a forEach array", document("t>a a>b:error", task("a", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`), echo("b", `1`)),
			`["` + strings.Repeat("x", 5500) + `"]`, `succeeded a=` + handled + ` b=1`},
		{"a forEach array is given back", document("t>a a>b b>c", task("a", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`),
			task("b", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`), task("c", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`)),
			`["` + text + `"]`, `succeeded a=[""] b=[""] c=[""]`},
		{"outputs of items that fail are given back", document("t>a a>b:error b>c",
			task("a", `"do":"{{item}}","bytes":4000,"message":"m"`, `"forEach":"{{trigger.data}}"`), large("b", "4000"), large("c", "4000")),
			`["large","fatal"]`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := *l
			l.T = t
			if c.want != "" {
				l.wantRun(c.document, c.body, c.want)
				return
			}
			p := l.program(c.document)
			r := l.engine.Run(t.Context(), p, "exec-1", event(t, c.body), nil)
			got := show(p, r)
			for _, n := range r.Nodes {
				if len(n.Output) > 1000 {
					got = strings.ReplaceAll(got, string(n.Output), "large")
				}
			}
			want := map[string]string{
				"outputs add up": `succeeded a=large b=` + handled + ` c=1 d-skipped`,
				"outputs of items that fail are given back": `succeeded a={"error":{"code":"node_failed","message":"item 1: m"}}:error b=large c=large`,
			}[c.name]
			if got != want {
				t.Errorf("ended as %s, want %s", got, want)
			}
		})
	}
}

func TestAccountIsEvenAfterARun(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	p := l.program(document("t>a t>b a>c b>c t>d",
		task("a", `"do":"echo","value":["{{item}}"]`, `"forEach":"{{trigger.data}}"`, `"concurrency":3`),
		task("b", `"do":"{{item}}","value":1`, `"forEach":"{{trigger.data}}"`, continues),
		echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`), fail("d")))
	for _, steps := range [][]journal.Step{nil, {{Node: "a", Output: []byte(`["kept by an earlier run"]`)}}} {
		ev := event(t, `["echo","fatal","echo"]`)
		lease, err := memory.New(memory.Options{AcceptLoss: true}).Adopt(t.Context(), newEntry(p.Plan, "exec-1", ev, steps))
		if err != nil {
			t.Fatal(err)
		}
		x := l.engine.newRun(t.Context(), p, "exec-1", ev, lease)
		r := x.run()
		want := len(ev.Data) + len(ev.Query) + len(ev.Headers)
		for _, n := range r.Nodes[1:] {
			want += len(n.Output)
		}
		if got := x.memory.used.Load(); got != int64(want) {
			t.Errorf("%d bytes are counted at the end, want the event and the outputs: %d (%s)", got, want, show(p, r))
		}
	}
}
