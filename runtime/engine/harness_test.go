package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// The manifests of the two types that the guest in testdata is built as.
var manifests = map[string]string{
	"task":  `{"abi":1,"type":"task","version":"1.0.0","capabilities":["http","log","globals"]}`,
	"route": `{"abi":1,"type":"route","version":"1.0.0","handles":["left","right"],"handlesFrom":"cases[].name","capabilities":["http","log","globals"]}`,
}

// What all tests share: the sandbox and the built guests by type.
var (
	host   *sandbox.Host
	guests = map[string][]byte{}
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	err := buildGuests()
	if err == nil {
		host, err = newHost()
	}
	var loaded []*sandbox.Module // keep the code of the guests from being loaded for each test
	for name := range guests {
		if err == nil {
			var m *sandbox.Module
			m, err = load(name, sandbox.Limits{})
			loaded = append(loaded, m)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		return 1
	}
	code := m.Run()
	for _, m := range loaded {
		err = errors.Join(err, m.Close(context.Background()))
	}
	if err := errors.Join(err, host.Close(context.Background()), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		return 1
	}
	return code
}

func newHost() (*sandbox.Host, error) {
	dir, err := compiled.Dir()
	if err != nil {
		return nil, err
	}
	return sandbox.New(sandbox.Options{CacheDir: dir})
}

// buildGuests compiles the guest once for each type.
func buildGuests() error {
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, manifest := range manifests {
		file := filepath.Join(dir, name+".wasm")
		build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-o", file,
			"-ldflags", "-s -w -X 'main.manifest="+manifest+"'", "./testdata/guest")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building the guest: %w\n%s", err, out)
		}
		if guests[name], err = os.ReadFile(file); err != nil {
			return err
		}
	}
	return nil
}

// load loads the guest as one of its types.
func load(name string, limits sandbox.Limits) (*sandbox.Module, error) {
	return host.Load(context.Background(), sandbox.ModuleConfig{
		Type: name, Source: name + ".wasm", Wasm: guests[name], Limits: limits, Grants: hostapi.Grants{HTTP: true, Log: true, Globals: true},
	})
}

// lab is an engine with the guest's types, and what there is to see of it.
type lab struct {
	*testing.T
	engine *Engine
	nodes  *Nodes
	end    func() // gives back the lab's own reference on nodes
	logs   *observer.ObservedLogs
}

// httpFunc is the http capability of a lab: the outside world that a test plays. name is the text
// of the request.
type httpFunc func(ctx context.Context, name string, o hostapi.HTTPOptions) (string, error)

func (f httpFunc) Do(ctx context.Context, request []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	answer, err := f(ctx, strings.Trim(string(request), `"`), o)
	return append(dst, answer...), err
}

// newLab makes a lab. The config is completed with what it lacks; sandboxed calls have the limits
// given.
func newLab(t *testing.T, c Config, limits sandbox.Limits) *lab {
	t.Helper()
	loads := make(map[string]Load)
	for name := range guests {
		loads[name] = func() (*sandbox.Module, error) { return load(name, limits) }
	}
	nodes := NewNodes(loads)
	end := sync.OnceFunc(nodes.Release)
	t.Cleanup(end)
	core, logs := observer.New(zap.DebugLevel)
	c.Logger = zap.New(core)
	return &lab{T: t, engine: New(c), nodes: nodes, end: end, logs: logs}
}

// program compiles a document.
func (l *lab) program(document string) *Program {
	l.Helper()
	plan, err := l.nodes.Compile(context.Background(), flow.MaxPrepareFuel, planOf([]byte(document)))
	if err != nil {
		l.Fatalf("%v\n%s", err, document)
	}
	p, err := l.nodes.Bind(plan)
	if err != nil {
		l.Fatal(err)
	}
	return p
}

// event makes the event of a body.
func event(t testing.TB, body string) *flow.Event {
	t.Helper()
	ev, err := flow.NewEvent([]byte(body), "", flow.Event{Headers: []byte(`{}`), Method: "POST", ReceivedAt: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// run runs a document with a body.
func (l *lab) run(document, body string) *Result {
	l.Helper()
	return l.runIn(l.Context(), document, body)
}

func (l *lab) runIn(ctx context.Context, document, body string) *Result {
	l.Helper()
	return l.engine.Run(ctx, l.program(document), "exec-1", event(l, body), nil)
}

// document writes a workflow whose trigger is t. edges are like "t>a a>b:error": from, to, and the
// handle.
func document(edges string, nodes ...string) string {
	return documentWith(`{"triggerType":"webhook"}`, edges, nodes...)
}

func documentWith(trigger, edges string, nodes ...string) string {
	var list []string
	for _, e := range strings.Fields(edges) {
		e, handle, _ := strings.Cut(e, ":")
		from, to, _ := strings.Cut(e, ">")
		text := fmt.Sprintf(`{"source":%q,"target":%q`, from, to)
		if handle != "" {
			text += fmt.Sprintf(`,"sourceHandle":%q`, handle)
		}
		list = append(list, text+"}")
	}
	nodes = append([]string{`{"id":"t","type":"trigger","config":` + trigger + `}`}, nodes...)
	return `{"nodes":[` + strings.Join(nodes, ",") + `],"edges":[` + strings.Join(list, ",") + `]}`
}

// task writes a node of type task. settings are what stands beside its config.
func task(id, config string, settings ...string) string { return node("task", id, config, settings) }

// route writes a node that takes a handle.
func route(id, handle string, settings ...string) string {
	return node("route", id, `"do":"route","value":1,"handle":"`+handle+`"`, settings)
}

func node(typ, id, config string, settings []string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"config":{%s}%s}`, id, typ, config, strings.Join(append([]string{""}, settings...), ","))
}

// echo writes a task that gives a value.
func echo(id, value string) string { return task(id, `"do":"echo","value":`+value) }

// fail writes a task that fails for good.
func fail(id string, settings ...string) string {
	return task(id, `"do":"fatal","code":"boom","message":"no luck"`, settings...)
}

// show describes a result in a line: the status, and how each node but the trigger ended.
func show(p *Program, r *Result) string {
	words := []string{string(r.Status)}
	for i := 1; i < len(r.Nodes); i++ {
		n := &r.Nodes[i]
		word := p.Plan.Nodes[i].ID
		switch n.State {
		case Completed:
			word += "=" + string(n.Output)
			if n.Handle != "" {
				word += ":" + n.Handle
			}
		case NodeFailed:
			word += "!" + n.Err.Code
		default:
			word += "-" + n.State.String()
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// wantRun runs a document and compares what show says of the result.
func (l *lab) wantRun(document, body, want string) *Result {
	l.Helper()
	p := l.program(document)
	r := l.engine.Run(l.Context(), p, "exec-1", event(l, cmp.Or(body, "{}")), nil)
	if got := show(p, r); got != want {
		l.Errorf("ended as\n%s\nwant\n%s", got, want)
	}
	return r
}

// planOf compiles a document, for Nodes.Compile.
func planOf(document []byte) func(flow.Types) (*flow.Plan, error) {
	return func(types flow.Types) (*flow.Plan, error) { return flow.Compile("w", 1, document, types, nil) }
}
