package engine_test

import (
	"context"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func BenchmarkNewID(b *testing.B) {
	e := engine.New(engine.Config{})
	b.ReportAllocs()
	for b.Loop() {
		e.NewID()
	}
}

// tiny is a module whose result is always [1]: the least that a sandboxed call can be. It has a
// page of memory, an alloc that returns 4096, and a run that returns the three bytes at 16.
const tiny = "\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x01\x7f\x01\x7f\x60\x02\x7f\x7f\x01\x7e" + // types
	"\x03\x03\x02\x00\x01" + "\x05\x03\x01\x00\x01" + // functions, memory
	"\x07\x18\x03\x06memory\x02\x00\x05alloc\x00\x00\x03run\x00\x01" + // exports
	"\x0a\x11\x02\x05\x00\x41\x80\x20\x0b\x09\x00\x42\x83\x80\x80\x80\x80\x02\x0b" + // code
	"\x0b\x09\x01\x00\x41\x10\x0b\x03[1]" // data

// BenchmarkRun measures an execution. Without nodes to call it measures the engine alone, with the
// tiny module also the sandbox. BenchmarkCall measures the sandbox's part.
func BenchmarkRun(b *testing.B) {
	for name, c := range map[string]struct {
		edges string
		nodes []string
	}{
		"none":  {"", nil},
		"three": {"t>a a>b b>c", []string{tinyNode("a", "trigger.data"), tinyNode("b", "steps.a.output"), tinyNode("c", "steps.b.output")}},
		"both":  {"t>a t>b a>c b>c", []string{tinyNode("a", "trigger.data"), tinyNode("b", "trigger.data"), tinyNode("c", "steps.b.output")}},
	} {
		b.Run(name, func(b *testing.B) {
			nodes := engine.NewNodes(map[string]engine.Load{"tiny": func() (*sandbox.Module, error) { return loadTiny(b), nil }})
			defer nodes.Release()
			plan, err := flow.Compile("w", 1, []byte(Document(c.edges, c.nodes...)), nodes, nil)
			if err != nil {
				b.Fatal(err)
			}
			p, err := nodes.Bind(plan)
			if err != nil {
				b.Fatal(err)
			}
			e := engine.New(engine.Config{})
			ev := Event(b, `{"order_id":"A-1","total":250.50}`)
			b.ReportAllocs()
			for b.Loop() {
				if r := e.NewExecution(b.Context(), p, "exec-1", ev, nil).Run(); r.Status != engine.Succeeded {
					b.Fatal(r.Status)
				}
			}
		})
	}
}

// BenchmarkRecord measures making the record of an execution with three nodes, without writing it.
// It happens after the response, and only for recorded executions. With secrets, values are
// resolved a second time and searched.
func BenchmarkRecord(b *testing.B) {
	for name, path := range map[string]string{"plain": "global.plain", "secret": "global.__secret_key"} {
		b.Run(name, func(b *testing.B) {
			nodes := engine.NewNodes(map[string]engine.Load{"tiny": func() (*sandbox.Module, error) { return loadTiny(b), nil }})
			defer nodes.Release()
			plan, err := flow.Compile("w", 1, []byte(Document("t>a a>b b>c",
				tinyNode("a", path), tinyNode("b", "trigger.data"), tinyNode("c", "steps.b.output"))), nodes, nil)
			if err != nil {
				b.Fatal(err)
			}
			p, err := nodes.Bind(plan)
			if err != nil {
				b.Fatal(err)
			}
			e := engine.New(engine.Config{Globals: Workspace{"plain": `"plain"`, "__secret_key": `"hush-hush"`}})
			x := e.NewExecution(b.Context(), p, "exec-1", Event(b, `{"order_id":"A-1","total":250.50}`), nil)
			r := x.Run()
			b.ReportAllocs()
			for b.Loop() {
				record.Of(b.Context(), x, r)
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	m := loadTiny(b)
	defer m.Close(context.Background())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Call(b.Context(), new(hostapi.Session), []byte("{}"), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func tinyNode(id, path string) string { return NodeOf("tiny", id, `"value":"{{`+path+`}}"`, nil) }

func loadTiny(t testing.TB) *sandbox.Module {
	t.Helper()
	m, err := Host.Load(t.Context(), sandbox.ModuleConfig{
		Type: "tiny", Source: "tiny.wasm", Wasm: []byte(tiny), Limits: sandbox.Limits{Timeout: engine.DefaultLimits().NodeTimeout},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
