package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/slots"
	"github.com/flowtrux/edge/runtime/trace"
)

// goroutine names the goroutine that calls it.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := bytes.Cut(buf[:runtime.Stack(buf, false)], []byte(" ["))
	return string(name)
}

func TestGoroutines(t *testing.T) {
	var mu sync.Mutex
	ran := map[string]string{} // by node
	l := newLab(t, Config{HTTP: httpFunc(func(_ context.Context, node string, _ hostapi.HTTPOptions) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		ran[node] = goroutine()
		return "1", nil
	})}, sandbox.Limits{})

	l.wantRun(document("t>a a>b b>c", ask("a", `"a"`), ask("b", `"{{steps.a.output}}b"`), ask("c", `"c"`, `"forEach":"{{trigger.data.items}}"`)),
		`{"items":[1,2]}`, `succeeded a=1 b=1 c=[1,1]`)
	for node, g := range ran {
		if g != goroutine() {
			t.Errorf("node %s of a line ran on %s, not on %s", node, g, goroutine())
		}
	}
	clear(ran)
	l.wantRun(document("t>b t>a", ask("a", `"a"`), ask("b", `"b"`)), "", `succeeded a=1 b=1`)
	if ran["a"] != goroutine() || ran["b"] == ran["a"] {
		t.Errorf("branches ran on %s and %s, want %s and another", ran["a"], ran["b"], goroutine())
	}
}

func TestNodesThatAreReadyTogetherRunTogether(t *testing.T) {
	var all sync.WaitGroup
	all.Add(3)
	l := newLab(t, Config{HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		all.Done()
		all.Wait()
		return "1", nil
	})}, sandbox.Limits{})
	l.wantRun(document("t>a t>b t>c", ask("a", `1`), ask("b", `1`), ask("c", `1`)), "", `succeeded a=1 b=1 c=1`)
}

// TestABranchDoesNotWaitForAnother: a node runs as soon as the nodes before it have completed,
// whatever its layer.
func TestABranchDoesNotWaitForAnother(t *testing.T) {
	deep := make(chan struct{})
	l := newLab(t, Config{HTTP: httpFunc(func(_ context.Context, node string, _ hostapi.HTTPOptions) (string, error) {
		switch node {
		case "slow":
			<-deep
		case "deep":
			close(deep)
		}
		return "1", nil
	})}, sandbox.Limits{})
	l.wantRun(document("t>slow t>a a>deep", ask("slow", `"slow"`), ask("a", `"a"`), ask("deep", `"deep"`)), "", `succeeded slow=1 a=1 deep=1`)
}

func TestOutputsAreCanonical(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	l.wantRun(document("t>a a>b", task("a", `"do":"spaces"`), echo("b", `"{{steps.a.output}}"`)), "", `succeeded a={"a":[]} b={"a":[]}`)
}

func TestRandomStreams(t *testing.T) {
	draw := func(seed byte, id string) map[string]string {
		l := newLab(t, Config{Seed: [32]byte{seed}}, sandbox.Limits{})
		p := l.program(document("t>a a>b b>c", task("a", `"do":"random"`), task("b", `"do":"random"`),
			task("c", `"do":"random"`, `"forEach":"{{trigger.data}}"`)))
		r := l.engine.Run(t.Context(), p, id, event(t, `[1,2]`), nil)
		if r.Status != Succeeded {
			t.Fatalf("ended as %s", show(p, r))
		}
		c := strings.Split(strings.Trim(string(r.Nodes[3].Output), "[]"), ",")
		return map[string]string{"a": string(r.Nodes[1].Output), "b": string(r.Nodes[2].Output), "c0": c[0], "c1": c[1]}
	}
	first := draw(1, "exec-1")
	if again := draw(1, "exec-1"); !maps.Equal(again, first) {
		t.Errorf("the same execution drew %v and %v", first, again)
	}
	seen := map[string]string{}
	for name, numbers := range map[string]map[string]string{"first": first, "other seed": draw(2, "exec-1"), "other execution": draw(1, "exec-2")} {
		for call, n := range numbers {
			if other, taken := seen[n]; taken {
				t.Errorf("%s of %s and %s drew the same number", call, name, other)
			}
			seen[n] = call + " of " + name
		}
	}
}

func TestSeedsOfAttempts(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	x := l.engine.newRun(t.Context(), l.program(document("t>a", echo("a", `1`))), "exec-1", event(t, "{}"), nil)
	if x.seed(trace.CallID{Node: 1, Attempt: 1}) == x.seed(trace.CallID{Node: 1, Attempt: 2}) {
		t.Error("two attempts have the same random stream")
	}
}

// workspace are globals that a test gives.
type workspace map[string]string

func (w workspace) Global(key string) ([]byte, bool) {
	if key == "panic" {
		panic("the value of s3cret is missing")
	}
	v, ok := w[key]
	return []byte(v), ok
}

func (w workspace) SetGlobal(context.Context, string, []byte) error {
	return errors.New("not writable")
}

func (w workspace) AddGlobal(_ context.Context, key string, by int64) ([]byte, error) {
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

func TestSecretsAreMasked(t *testing.T) {
	l := newLab(t, Config{
		Globals: workspace{"__secret_key": `{"user":"admin","pass":"s3cret\n2"}`},
		HTTP: httpFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
			return "", &hostapi.Failure{Code: "s3cret", Message: "admin was refused", Fatal: true}
		}),
	}, sandbox.Limits{})
	r := l.run(document("t>a a>b b>c", task("a", `"do":"log","level":1,"message":"as {{global.__secret_key.user}} with {{global.__secret_key.pass}}"`),
		echo("b", `"{{global.__secret_key.pass}}"`), ask("c", `"{{global.__secret_key.user}}"`)), "{}")
	if r.Status != Failed || r.Nodes[3].Err.Message != "*** was refused" || r.Nodes[3].Err.Code != CodeNodeFailed {
		t.Errorf("ended %s with %+v", r.Status, r.Nodes[3].Err)
	}
	if string(r.Nodes[2].Output) != `"s3cret\n2"` {
		t.Errorf("the output is masked: %s", r.Nodes[2].Output)
	}
	lines := l.logs.All()
	if len(lines) != 2 {
		t.Fatalf("%d lines in the log, want 2", len(lines))
	}
	for _, line := range lines {
		if s := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(s, "admin") || strings.Contains(s, "s3cret") {
			t.Errorf("the log shows a secret: %s", s)
		}
	}
	if text := lines[0].ContextMap()["text"]; text != "as *** with ***" {
		t.Errorf("the node's line is %q", text)
	}
}

func TestNodeLog(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	l.wantRun(document("t>a a>b b>c", task("a", `"do":"log","level":0,"message":"first\nsecond"`), task("b", `"do":"log","level":3,"message":"bad"`),
		task("c", `"do":"log","level":2,"message":"again","times":500`)), "", `succeeded a=null b=null c=null`)
	var got []string
	for _, line := range l.logs.All() {
		fields := line.ContextMap()
		if line.LoggerName != "node" || fields["execution_id"] != "exec-1" || fields["workflow"] != "w" || fields["type"] != "task" {
			t.Fatalf("line %+v", line)
		}
		got = append(got, fmt.Sprintf("%s %s %s", fields["node"], line.Level, fields["text"]))
	}
	want := []string{"a debug first", "b error bad"}
	want = append(want, slices.Repeat([]string{"c warn again"}, maxLogLines)...)
	want = append(want, "c warn (more lines of this call are dropped)")
	if !slices.Equal(got, want) {
		t.Errorf("%d lines %.200q, want %d lines %.200q", len(got), got, len(want), want)
	}
}

func TestFailuresAreLogged(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	l.run(document("t>a a>b:error b>c", fail("a"), task("b", `"do":"panic"`), echo("c", `1`)), "{}")
	want := map[string]zapcore.Level{"a": zapcore.DebugLevel, "b": zapcore.WarnLevel}
	for _, line := range l.logs.FilterMessage("node failed").All() {
		fields := line.ContextMap()
		if level, ok := want[fields["node"].(string)]; !ok || level != line.Level {
			t.Errorf("line %v at level %v", fields, line.Level)
		}
		delete(want, fields["node"].(string))
		if detail, _ := fields["detail"].(string); fields["node"] == "b" && detail == "" {
			t.Error("a trap is logged without detail")
		}
	}
	if len(want) > 0 {
		t.Errorf("not logged: %v", want)
	}
}

func TestPanicInTheHost(t *testing.T) {
	l := newLab(t, Config{Globals: workspace{"__secret": `"s3cret"`}}, sandbox.Limits{})
	const internal = `{"error":{"code":"internal","message":"the node could not be run"}}`
	l.wantRun(document("t>s s>a a>b:error t>c", echo("s", `"{{global.__secret}}"`), echo("a", `"{{global.panic}}"`), echo("b", `1`),
		task("c", `"do":"echo","value":"{{global.panic}}"`, `"forEach":"{{trigger.data}}"`, `"concurrency":2`, continues)), `[1,2]`,
		`succeeded s="s3cret" c={"error":{"code":"internal","message":"item 0: the node could not be run"}} a=`+internal+`:error b=1`)
	l.wantRun(document("t>a", task("a", `"do":"echo","value":1`, `"forEach":"{{global.panic}}"`)), "", `failed a!internal`)
	lines := l.logs.FilterMessage("panic while a node ran").All()
	if len(lines) < 3 { // the second item may not have begun
		t.Errorf("%d panics are logged, want one of each node", len(lines))
	}
	for _, line := range lines {
		stack, _ := line.ContextMap()["stack"].(string)
		if !strings.Contains(stack, "workspace") {
			t.Errorf("the stack does not show where it was: %s", stack)
		}
	}
}

// witness notes the calls of an Observer.
type witness struct {
	NopObserver
	mu    sync.Mutex
	calls []string
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
}

func (w *witness) ExecutionStarted(p *flow.Plan, id string) { w.note("%s of %s begins", id, p.ID) }

func (w *witness) NodeEnded(p *flow.Plan, id string, node int, typ string, _ time.Duration, err *NodeError) {
	w.note("%s: node %s (%s): %v", id, p.Nodes[node].ID, typ, err)
}

func (w *witness) ExecutionEnded(_ *flow.Plan, r *Result) { w.note("%s %s", r.ID, r.Status) }

func TestObserver(t *testing.T) {
	w := new(witness)
	l := newLab(t, Config{Observer: w}, sandbox.Limits{})
	l.run(document("t>a a>b b>c:error b>d", echo("a", `1`), fail("b"), route("c", "left"), echo("d", `1`)), "{}")
	want := []string{"exec-1 of w begins", "exec-1: node a (task): <nil>", "exec-1: node b (task): no luck",
		"exec-1: node c (route): <nil>", "exec-1 succeeded"}
	if !slices.Equal(w.calls, want) {
		t.Errorf("observed %q, want %q", w.calls, want)
	}
}

// TestAnExecutionIsFewObjects: itself, its context and that one's cancel, its timer and what that
// calls, the results of the nodes and the result.
func TestAnExecutionIsFewObjects(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	p, ev := l.program(document("")), event(t, "{}")
	if n := testing.AllocsPerRun(100, func() { l.engine.Run(t.Context(), p, "exec-1", ev, nil) }); n > 7 {
		t.Errorf("%v allocations", n)
	}
}

func TestTimes(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	l := newLab(t, Config{Clock: func() time.Time { // each look takes a second
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}}, sandbox.Limits{})
	r := l.run(document("t>a", echo("a", `1`)), "{}")
	if n := r.Nodes[1]; !r.Started.Before(n.Started) || n.Duration < time.Second || r.Duration <= n.Duration {
		t.Errorf("the execution began %v and took %v, its node %v and %v", r.Started, r.Duration, n.Started, n.Duration)
	}
}

func TestAcquire(t *testing.T) {
	l := newLab(t, Config{Limits: Limits{Executions: 2, QueueWait: time.Millisecond}}, sandbox.Limits{})
	p := l.program(documentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":1}}`, ""))
	release, err := l.engine.Acquire(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.engine.Acquire(t.Context(), p); !errors.Is(err, slots.ErrWorkflowBusy) {
		t.Errorf("error %v, want %v", err, slots.ErrWorkflowBusy)
	}
	if n := l.engine.InUse(); n != 1 {
		t.Errorf("%d slots are in use, want 1", n)
	}
	if refs := l.nodes.refs.Load(); refs != 2 {
		t.Errorf("%d references on the nodes, want 2", refs)
	}
	release()
	if n, refs := l.engine.InUse(), l.nodes.refs.Load(); n != 0 || refs != 1 {
		t.Errorf("%d slots are in use and %d references held, want 0 and 1", n, refs)
	}
}

func TestNodesAreCounted(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	p := l.program(document("t>a", echo("a", `1`)))
	release, err := l.engine.Acquire(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !l.nodes.Acquire() {
		t.Fatal("no reference")
	}
	l.nodes.Release()
	l.end() // the configuration ends
	if r := l.engine.Run(t.Context(), p, "exec-1", event(t, "{}"), nil); r.Status != Succeeded {
		t.Errorf("an execution under way ended as %s", show(p, r))
	}
	release()
	if l.nodes.Acquire() {
		t.Error("a reference was given when the last one was gone")
	}
	if _, err := l.engine.Acquire(t.Context(), p); !errors.Is(err, ErrGone) {
		t.Errorf("error %v, want %v", err, ErrGone)
	}
	if n := l.engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use", n)
	}
}

func TestNodesGoByTheNamesTheyAreGiven(t *testing.T) {
	load := func() (*sandbox.Module, error) { return load("task", sandbox.Limits{}) }
	nodes := NewNodes(map[string]Load{"task": load, "task-2": load})
	defer nodes.Release()
	if !slices.Equal(nodes.Names(), []string{"task", "task-2"}) {
		t.Errorf("types %v", nodes.Names())
	}
	for _, name := range nodes.Names() {
		if typ, err := nodes.Type(name); err != nil || typ.Name != name {
			t.Errorf("type %s is %+v, %v", name, typ, err)
		}
	}
	if _, err := nodes.Type("job"); !errors.Is(err, flow.ErrNoType) {
		t.Errorf("a type that was not given: %v", err)
	}
	if _, err := nodes.Bind(&flow.Plan{Nodes: []flow.Node{{Type: "trigger"}, {ID: "a", Type: "job"}}}); err == nil {
		t.Error("a plan with an unknown type was bound")
	}
}
