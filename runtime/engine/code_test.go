package engine_test

import (
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/replay"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// codeNodes returns the built-in node types and code-http, which is code with the http capability.
func codeNodes(t *testing.T) *engine.Nodes {
	t.Helper()
	loads := make(map[string]engine.Load)
	add := func(name, offered string, wasm []byte, capabilities ...string) {
		loads[name] = func() (*sandbox.Module, error) {
			return Host.Load(t.Context(), sandbox.ModuleConfig{
				Type: name, Source: "built in", Wasm: wasm, Grants: hostapi.GrantsOf(capabilities...), Offered: offered,
			})
		}
	}
	for _, f := range nodes.Builtin() {
		for _, n := range f.Types {
			add(n.Name, n.Name, f.Wasm, n.Capabilities...)
			if n.Name == "code" {
				add("code-http", n.Name, f.Wasm, append([]string{"http"}, n.Capabilities...)...)
			}
		}
	}
	types := engine.NewNodes(loads)
	t.Cleanup(types.Release)
	return types
}

// coded returns a workflow with a transform and a code node with the given members.
func coded(members string) string {
	return `{"id":"w","nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"manual"}},
		{"id":"first-one","type":"transform","config":{"output":{"n":2}}},
		{"id":"code","type":"code",` + members + `}],
		"edges":[{"source":"trigger","target":"first-one"},{"source":"first-one","target":"code"}]}`
}

func TestCode(t *testing.T) {
	types := codeNodes(t)
	for _, c := range []struct{ name, members, want string }{
		{"the input is the trigger's data", `"config":{"source":"return input.a"}`, `[1,2]`},
		{"an input of its own", `"config":{"source":"return input","input":"{{steps.first-one.output}}"}`, `{"n":2}`},
		{
			"what it names", `"config":{"source":"return [trigger.data.b, trigger.method, steps['first-one'].output.n, global.plain, workflow.id, execution.id]"}`,
			`["x","POST",2,{"k":1},"w","exec-1"]`,
		},
		{"whole roots", `"config":{"source":"const { data } = trigger; return [data.b, Object.keys(steps)]"}`, `["x",["trigger","first-one"]]`},
		{"globals that it does not name", `"config":{"source":"return [Object.keys(global), global['pla' + 'in']]"}`, `[[],null]`},
		{"a secret", `"config":{"source":"return global.__secret_key.length"}`, `6`},
		{"items", `"forEach":"{{trigger.data.a}}","config":{"source":"export default (input, { item, index }) => item * 10 + index"}`, `[10,21]`},
		{"no I/O", `"config":{"source":"try { await fetch('https://example.com/') } catch (e) { return e.code }"}`, `"http_not_allowed"`},
		{"no template", `"config":{"source":"return ` + "`{{trigger.data}}`" + `"}`, `"{{trigger.data}}"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Lab{T: t, Nodes: types}
			l.Engine = engine.New(engine.Config{Globals: Workspace{"plain": `{"k":1}`, "__secret_key": `"s3cr3t"`}})
			r := l.Engine.NewExecution(t.Context(), l.Program(coded(c.members)), "exec-1", Event(t, `{"a":[1,2],"b":"x"}`), nil).Run()
			if n := r.Nodes[2]; n.Err != nil || string(n.Output) != c.want {
				t.Errorf("got %s, %+v, want %s", n.Output, n.Err, c.want)
			}
		})
	}
}

// Log lines and stacks of code are logged, without secrets.
func TestCodeFailsQuietly(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	l := &Lab{T: t, Nodes: codeNodes(t)}
	l.Engine = engine.New(engine.Config{Globals: Workspace{"__secret_key": `"s3cr3t"`}, Logger: zap.New(core)})
	p := l.Program(coded(`"config":{"source":"console.warn('key', global.__secret_key);\nconst deep = () => { throw new Error('with ' + global.__secret_key) };\ndeep();"}`))
	r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, `{}`), nil).Run()
	if e := r.Nodes[2].Err; e == nil || e.Code != "code_error" || e.Message != "Error: with *** (line 2)" {
		t.Errorf("failed as %+v", e)
	}
	var said []string
	for _, e := range logs.FilterMessage("node says").All() {
		said = append(said, e.Level.String()+" "+e.ContextMap()["text"].(string))
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "warn key ***") || !strings.Contains(all, "error Error: with ***") || !strings.Contains(all, "at deep (code:2:") || strings.Contains(all, "s3cr3t") {
		t.Errorf("logged %q", said)
	}
}

// An execution of an older revision continues with its own code.
func TestRevisionsHaveTheirOwnCode(t *testing.T) {
	l := &Lab{T: t, Nodes: codeNodes(t)}
	l.Engine = engine.New(engine.Config{})
	older := l.Program(coded(`"config":{"source":"return 'older'"}`))
	newer := l.Program(coded(`"config":{"source":"return 'newer'"}`))
	for range 3 {
		for p, want := range map[*engine.Program]string{older: `"older"`, newer: `"newer"`} {
			if got := string(l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, `{}`), nil).Run().Nodes[2].Output); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

func TestCodeProblems(t *testing.T) {
	_, err := codeNodes(t).Compile(t.Context(), flow.MaxPrepareFuel, PlanOf([]byte(coded(`"config":{"source":"return 1;\n  if (x {"}`))))
	if err == nil || err.Error() != `nodes[2].config.source: SyntaxError: Unexpected token '{' (line 2, column 9)` {
		t.Errorf("got %v", err)
	}
}

// A record contains the source and the input, so that its calls can be replayed.
func TestCodeIsRepeated(t *testing.T) {
	l := &Lab{T: t, Nodes: codeNodes(t)}
	l.Engine = engine.New(engine.Config{Seed: [32]byte{3}})
	r := recorded(l, coded(`"forEach":"{{trigger.data}}","config":{"source":"return [item, crypto.randomUUID(), Date.now()]"}`), `[1,2]`)
	n := NodesByID(r)["code"]
	if want := `{"source":"return [item, crypto.randomUUID(), Date.now()]"}`; n.Fixed.Text != want {
		t.Errorf("recorded %+v", n.Fixed)
	}
	wantSame(l, r)
	n.Fixed.Text = `{"source":"return 1"}`
	if got := replay.Node(t.Context(), l.Nodes, &n); string(got.Replayed.Output) != `[1,1]` {
		t.Errorf("another source gave %s, %s", got.Replayed, got.Incomparable)
	}
	n.Fixed.Text = ""
	if got := replay.Node(t.Context(), l.Nodes, &n); got.Incomparable != "what is fixed in its config is not that of this module" {
		t.Errorf("without it: %+v", got)
	}
}
