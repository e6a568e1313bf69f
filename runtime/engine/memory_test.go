package engine_test

import (
	"strings"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestExecutionMemory(t *testing.T) {
	const handled = `{"error":{"code":"execution_memory","message":"the execution holds too much data"}}:error`
	l := NewLab(t, engine.Config{Limits: engine.Limits{ExecutionMemory: 10_000, NodeInput: 8000, NodeOutput: 8000}}, sandbox.Limits{})
	large := func(id string, bytes string) string { return Task(id, `"do":"large","bytes":`+bytes) }
	text := strings.Repeat("x", 3000)
	for _, c := range []struct{ name, document, body, want string }{
		{"the trigger alone", Document("t>a", Echo("a", `1`)), `"` + strings.Repeat("x", 11_000) + `"`, `failed a!execution_memory`},
		{
			"a config", Document("t>a a>b:error", Task("a", `"do":"large","bytes":2,"x":["{{trigger.data}}","{{trigger.data}}"]`), Echo("b", `1`)),
			`"` + strings.Repeat("x", 3900) + `"`, `succeeded a=` + handled + ` b=1`,
		},
		{"configs are given back", Document("t>a a>b b>c c>d", Task("a", `"do":"large","bytes":2,"x":"{{trigger.data}}"`),
			Task("b", `"do":"large","bytes":2,"x":"{{trigger.data}}"`), Task("c", `"do":"large","bytes":2,"x":"{{trigger.data}}"`),
			Task("d", `"do":"large","bytes":2,"x":"{{trigger.data}}"`)), `"` + text + `"`, `succeeded a="" b="" c="" d=""`},
		{"configs of failures too", Document("t>a a>b:error b>c:error c>d:error", Task("a", `"do":"fatal","message":"m","x":"{{trigger.data}}"`),
			Task("b", `"do":"fatal","message":"m","x":"{{trigger.data}}"`), Task("c", `"do":"fatal","message":"m","x":"{{trigger.data}}"`),
			Echo("d", `1`)), `"` + text + `"`, `succeeded a={"error":{"code":"node_failed","message":"m"}}:error` +
			` b={"error":{"code":"node_failed","message":"m"}}:error c={"error":{"code":"node_failed","message":"m"}}:error d=1`},
		{"outputs add up", Document("t>a a>b b>c:error b>d", large("a", "6000"), large("b", "6000"), Echo("c", `1`), Echo("d", `1`)), `1`, ``},
		{
			"a forEach array", Document("t>a a>b:error", Task("a", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`), Echo("b", `1`)),
			`["` + strings.Repeat("x", 5500) + `"]`, `succeeded a=` + handled + ` b=1`,
		},
		{
			"a forEach array is given back", Document("t>a a>b b>c", Task("a", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`),
				Task("b", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`), Task("c", `"do":"large","bytes":2`, `"forEach":"{{trigger.data}}"`)),
			`["` + text + `"]`, `succeeded a=[""] b=[""] c=[""]`,
		},
		{
			"outputs of items that fail are given back", Document("t>a a>b:error b>c",
				Task("a", `"do":"{{item}}","bytes":4000,"message":"m"`, `"forEach":"{{trigger.data}}"`), large("b", "4000"), large("c", "4000")),
			`["large","fatal"]`, ``,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l.In(t)
			if c.want != "" {
				l.WantRun(c.document, c.body, c.want)
				return
			}
			p := l.Program(c.document)
			r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, c.body), nil).Run()
			got := Show(p, r)
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
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a t>b a>c b>c t>d",
		Task("a", `"do":"echo","value":["{{item}}"]`, `"forEach":"{{trigger.data}}"`, `"concurrency":3`),
		Task("b", `"do":"{{item}}","value":1`, `"forEach":"{{trigger.data}}"`, Continues),
		Echo("c", `["{{steps.a.output}}","{{steps.b.output}}"]`), Fail("d")))
	for _, steps := range [][]journal.Step{nil, {{Node: "a", Output: []byte(`["kept by an earlier run"]`)}}} {
		ev := Event(t, `["echo","fatal","echo"]`)
		lease, err := memory.New(memory.Options{AcceptLoss: true}).Adopt(t.Context(), WithSteps(record.Source(p.Plan, "exec-1", ev), steps))
		if err != nil {
			t.Fatal(err)
		}
		x := l.Engine.NewExecution(t.Context(), p, "exec-1", ev, lease)
		r := x.Run()
		want := len(ev.Data) + len(ev.Query) + len(ev.Headers)
		for _, n := range r.Nodes[1:] {
			want += len(n.Output)
		}
		if got := x.MemoryUsed(); got != int64(want) {
			t.Errorf("%d bytes are counted at the end, want the event and the outputs: %d (%s)", got, want, Show(p, r))
		}
	}
}
