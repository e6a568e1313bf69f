// Package enginetest has helpers for the tests of the engine and of the packages around it. It
// provides a guest that follows its config, a short notation for workflows of such nodes, and an
// engine to run them.
package enginetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// The manifests of the node types that the guest in testdata is built as.
var manifests = map[string]string{
	"task":  `{"abi":1,"type":"task","version":"1.0.0","capabilities":["http","log","globals"]}`,
	"route": `{"abi":1,"type":"route","version":"1.0.0","handles":["left","right"],"handlesFrom":"cases[].name","capabilities":["http","log","globals"]}`,
}

// State that all tests of a package share: the sandbox, and the built guests by type.
var (
	Host   *sandbox.Host
	guests = map[string][]byte{}
)

// Main is the TestMain of a package. It builds the guests, runs the tests and checks for leaked
// goroutines. It does not return.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	err := buildGuests()
	if err == nil {
		Host, err = newHost()
	}
	var loaded []*sandbox.Module // keeps the code of the guests loaded between tests
	for name := range guests {
		if err == nil {
			var m *sandbox.Module
			m, err = Load(name, sandbox.Limits{})
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
	if err := errors.Join(err, Host.Close(context.Background()), goleak.Find()); err != nil {
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
			"-ldflags", "-s -w -X 'main.manifest="+manifest+"'", "github.com/flowtrux/edge/internal/enginetest/testdata/guest")
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

// Load loads the guest as one of its node types.
func Load(name string, limits sandbox.Limits) (*sandbox.Module, error) {
	return Host.Load(context.Background(), sandbox.ModuleConfig{
		Type: name, Source: name + ".wasm", Wasm: guests[name], Limits: limits, Grants: hostapi.Grants{HTTP: true, Log: true, Globals: true},
	})
}

// Lab is an engine with the guest's node types, and recorders of its effects.
type Lab struct {
	*testing.T
	Engine *engine.Engine
	Nodes  *engine.Nodes
	End    func() // releases the lab's own reference on Nodes
	Logs   *observer.ObservedLogs
}

// HTTPFunc is the http capability of a lab, with which a test simulates the network. name is the
// text of the request.
type HTTPFunc func(ctx context.Context, name string, o hostapi.HTTPOptions) (string, error)

// Do implements hostapi.HTTPClient.
func (f HTTPFunc) Do(ctx context.Context, request []byte, o hostapi.HTTPOptions, dst []byte) ([]byte, error) {
	response, err := f(ctx, strings.Trim(string(request), `"`), o)
	return append(dst, response...), err
}

// NewLab creates a lab from a config, whose logger it sets, and limits for sandboxed calls.
func NewLab(t *testing.T, c engine.Config, limits sandbox.Limits) *Lab {
	t.Helper()
	loads := make(map[string]engine.Load)
	for name := range guests {
		loads[name] = func() (*sandbox.Module, error) { return Load(name, limits) }
	}
	nodes := engine.NewNodes(loads)
	end := sync.OnceFunc(nodes.Release)
	t.Cleanup(end)
	core, logs := observer.New(zap.DebugLevel)
	c.Logger = zap.New(core)
	return &Lab{T: t, Engine: engine.New(c), Nodes: nodes, End: end, Logs: logs}
}

// In returns the lab for a subtest.
func (l *Lab) In(t *testing.T) *Lab {
	in := *l
	in.T = t
	return &in
}

// Program compiles a document.
func (l *Lab) Program(document string) *engine.Program {
	l.Helper()
	plan, err := l.Nodes.Compile(context.Background(), flow.MaxPrepareFuel, PlanOf([]byte(document)))
	if err != nil {
		l.Fatalf("%v\n%s", err, document)
	}
	p, err := l.Nodes.Bind(plan)
	if err != nil {
		l.Fatal(err)
	}
	return p
}

// Run runs a document with a body.
func (l *Lab) Run(document, body string) *engine.Result {
	l.Helper()
	return l.Execution(l.Context(), l.Program(document), body).Run()
}

// Execution returns an execution of p with the ID exec-1.
func (l *Lab) Execution(ctx context.Context, p *engine.Program, body string) *engine.Execution {
	l.Helper()
	return l.Engine.NewExecution(ctx, p, "exec-1", Event(l, body), nil)
}

// WantRun runs a document and compares the result, as Show describes it.
func (l *Lab) WantRun(document, body, want string) *engine.Result {
	l.Helper()
	p := l.Program(document)
	r := l.Execution(l.Context(), p, cmp.Or(body, "{}")).Run()
	if got := Show(p, r); got != want {
		l.Errorf("ended as\n%s\nwant\n%s", got, want)
	}
	return r
}

// PlanOf compiles a document, for Nodes.Compile.
func PlanOf(document []byte) func(flow.Types) (*flow.Plan, error) {
	return func(types flow.Types) (*flow.Plan, error) { return flow.Compile("w", 1, document, types, nil) }
}

// Event returns the event of a body.
func Event(t testing.TB, body string) *flow.Event {
	t.Helper()
	ev, err := flow.NewEvent([]byte(body), "", flow.Event{Headers: []byte(`{}`), Method: "POST", ReceivedAt: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// Document returns a workflow whose trigger is t. Edges are written like "t>a a>b:error": source,
// target and handle.
func Document(edges string, nodes ...string) string {
	return DocumentWith(`{"triggerType":"webhook"}`, edges, nodes...)
}

// DocumentWith is Document with a config for the trigger.
func DocumentWith(trigger, edges string, nodes ...string) string {
	var list []string
	for e := range strings.FieldsSeq(edges) {
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

// Continues is a node setting: the workflow goes on after an error.
const Continues = `"onError":"continue"`

// NodeOf returns a node. settings are further members of the node, beside its config.
func NodeOf(typ, id, config string, settings []string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q,"config":{%s}%s}`, id, typ, config, strings.Join(append([]string{""}, settings...), ","))
}

// Task returns a node of type task.
func Task(id, config string, settings ...string) string { return NodeOf("task", id, config, settings) }

// Route returns a node that takes a handle.
func Route(id, handle string, settings ...string) string {
	return NodeOf("route", id, `"do":"route","value":1,"handle":"`+handle+`"`, settings)
}

// Echo returns a task whose output is a value.
func Echo(id, value string) string { return Task(id, `"do":"echo","value":`+value) }

// Fail returns a task that fails with a Fatal.
func Fail(id string, settings ...string) string {
	return Task(id, `"do":"fatal","code":"boom","message":"no luck"`, settings...)
}

// Ask returns a task that makes a request.
func Ask(id, request string, settings ...string) string {
	return Task(id, `"do":"http","request":`+request, settings...)
}

// Show describes a result in one line: the status, and how each node except the trigger ended.
func Show(p *engine.Program, r *engine.Result) string {
	words := []string{string(r.Status)}
	for i := 1; i < len(r.Nodes); i++ {
		n := &r.Nodes[i]
		word := p.Plan.Nodes[i].ID
		switch n.State {
		case engine.Completed:
			word += "=" + string(n.Output)
			if n.Handle != "" {
				word += ":" + n.Handle
			}
		case engine.NodeFailed:
			word += "!" + n.Err.Code
		default:
			word += "-" + n.State.String()
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// Workspace holds the globals of a test. Reading the global "panic" panics.
type Workspace map[string]string

// Global implements engine.Globals.
func (w Workspace) Global(key string) ([]byte, bool) {
	if key == "panic" {
		panic("the value of s3cret is missing")
	}
	v, ok := w[key]
	return []byte(v), ok
}

// SetGlobal implements engine.Globals.
func (w Workspace) SetGlobal(context.Context, string, []byte) error {
	return errors.New("not writable")
}

// AddGlobal implements engine.Globals.
func (w Workspace) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
	var value []byte
	if v, ok := w[key]; ok {
		value = []byte(v)
	}
	sum, ok := rawjson.AddInteger(nil, value, by)
	if !ok {
		return nil, hostapi.ErrGlobalNotInteger
	}
	return sum, nil
}

// LongBody returns an object of about size bytes: items, many other members, and a last member.
func LongBody(items, size int) string {
	var b strings.Builder
	b.WriteString(`{"items":[0` + strings.Repeat(",0", items-1) + `],`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `"k%d":[],`, i)
	}
	return b.String() + `"last":1}`
}

// Goroutine returns the name of the calling goroutine.
func Goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := bytes.Cut(buf[:runtime.Stack(buf, false)], []byte(" ["))
	return string(name)
}

// NodesByID returns the nodes of a record by ID.
func NodesByID(r *journal.Record) map[string]journal.NodeRecord {
	byID := make(map[string]journal.NodeRecord)
	for _, n := range r.Nodes {
		byID[n.ID] = n
	}
	return byID
}

// WithSteps returns an entry with steps of an earlier run.
func WithSteps(e *journal.Entry, steps []journal.Step) *journal.Entry {
	e.Steps = steps
	return e
}

// WantDetail expects the detail of a node's error.
func WantDetail(t *testing.T, err *engine.NodeError, want string) {
	t.Helper()
	if err == nil || err.Detail == nil || err.Detail.Error() != want {
		t.Errorf("failed with %+v, want the detail %q", err, want)
	}
}

// Receive returns what comes through a channel. The test fails if nothing comes for a minute.
func Receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("waiting in vain")
		panic("unreachable")
	}
}
