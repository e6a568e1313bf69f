package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/slots"
	"github.com/flowtrux/edge/runtime/trace"
)

func TestGoroutines(t *testing.T) {
	var mu sync.Mutex
	ran := map[string]string{} // by node
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(_ context.Context, node string, _ hostapi.HTTPOptions) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		ran[node] = Goroutine()
		return "1", nil
	})}, sandbox.Limits{})

	l.WantRun(Document("t>a a>b b>c", Ask("a", `"a"`), Ask("b", `"{{steps.a.output}}b"`), Ask("c", `"c"`, `"forEach":"{{trigger.data.items}}"`)),
		`{"items":[1,2]}`, `succeeded a=1 b=1 c=[1,1]`)
	for node, g := range ran {
		if g != Goroutine() {
			t.Errorf("node %s of a line ran on %s, not on %s", node, g, Goroutine())
		}
	}
	clear(ran)
	l.WantRun(Document("t>b t>a", Ask("a", `"a"`), Ask("b", `"b"`)), "", `succeeded a=1 b=1`)
	if ran["a"] != Goroutine() || ran["b"] == ran["a"] {
		t.Errorf("branches ran on %s and %s, want %s and another", ran["a"], ran["b"], Goroutine())
	}
}

func TestNodesThatAreReadyTogetherRunTogether(t *testing.T) {
	var all sync.WaitGroup
	all.Add(3)
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
		all.Done()
		all.Wait()
		return "1", nil
	})}, sandbox.Limits{})
	l.WantRun(Document("t>a t>b t>c", Ask("a", `1`), Ask("b", `1`), Ask("c", `1`)), "", `succeeded a=1 b=1 c=1`)
}

// TestABranchDoesNotWaitForAnother checks that a node runs as soon as the nodes before it have
// completed, whatever its layer.
func TestABranchDoesNotWaitForAnother(t *testing.T) {
	deep := make(chan struct{})
	l := NewLab(t, engine.Config{HTTP: HTTPFunc(func(_ context.Context, node string, _ hostapi.HTTPOptions) (string, error) {
		switch node {
		case "slow":
			<-deep
		case "deep":
			close(deep)
		}
		return "1", nil
	})}, sandbox.Limits{})
	l.WantRun(Document("t>slow t>a a>deep", Ask("slow", `"slow"`), Ask("a", `"a"`), Ask("deep", `"deep"`)), "", `succeeded slow=1 a=1 deep=1`)
}

func TestOutputsAreCanonical(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	l.WantRun(Document("t>a a>b", Task("a", `"do":"spaces"`), Echo("b", `"{{steps.a.output}}"`)), "", `succeeded a={"a":[]} b={"a":[]}`)
}

func TestRandomStreams(t *testing.T) {
	draw := func(seed byte, id string) map[string]string {
		l := NewLab(t, engine.Config{Seed: [32]byte{seed}}, sandbox.Limits{})
		p := l.Program(Document("t>a a>b b>c", Task("a", `"do":"random"`), Task("b", `"do":"random"`),
			Task("c", `"do":"random"`, `"forEach":"{{trigger.data}}"`)))
		r := l.Engine.NewExecution(t.Context(), p, id, Event(t, `[1,2]`), nil).Run()
		if r.Status != engine.Succeeded {
			t.Fatalf("ended as %s", Show(p, r))
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
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	x := l.Engine.NewExecution(t.Context(), l.Program(Document("t>a", Echo("a", `1`))), "exec-1", Event(t, "{}"), nil)
	if x.Seed(trace.CallID{Node: 1, Attempt: 1}) == x.Seed(trace.CallID{Node: 1, Attempt: 2}) {
		t.Error("two attempts have the same random stream")
	}
}

func TestSecretsAreMasked(t *testing.T) {
	l := NewLab(t, engine.Config{
		Globals: Workspace{"__secret_key": `{"user":"admin","pass":"s3cret\n2"}`},
		HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) {
			return "", &hostapi.Failure{Code: "s3cret", Message: "admin was refused", Fatal: true}
		}),
	}, sandbox.Limits{})
	r := l.Run(Document("t>a a>b b>c", Task("a", `"do":"log","level":1,"message":"as {{global.__secret_key.user}} with {{global.__secret_key.pass}}"`),
		Echo("b", `"{{global.__secret_key.pass}}"`), Ask("c", `"{{global.__secret_key.user}}"`)), "{}")
	if r.Status != engine.Failed || r.Nodes[3].Err.Message != "*** was refused" || r.Nodes[3].Err.Code != engine.CodeNodeFailed {
		t.Errorf("ended %s with %+v", r.Status, r.Nodes[3].Err)
	}
	if string(r.Nodes[2].Output) != `"s3cret\n2"` {
		t.Errorf("the output is masked: %s", r.Nodes[2].Output)
	}
	lines := l.Logs.All()
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
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	l.WantRun(Document("t>a a>b b>c", Task("a", `"do":"log","level":0,"message":"first\nsecond"`), Task("b", `"do":"log","level":3,"message":"bad"`),
		Task("c", `"do":"log","level":2,"message":"again","times":500`)), "", `succeeded a=null b=null c=null`)
	var got []string
	for _, line := range l.Logs.All() {
		fields := line.ContextMap()
		if line.LoggerName != "node" || fields["execution_id"] != "exec-1" || fields["workflow"] != "w" || fields["type"] != "task" {
			t.Fatalf("line %+v", line)
		}
		got = append(got, fmt.Sprintf("%s %s %s", fields["node"], line.Level, fields["text"]))
	}
	want := []string{"a debug first", "b error bad"}
	want = append(want, slices.Repeat([]string{"c warn again"}, engine.MaxLogLines)...)
	want = append(want, "c warn (more lines of this call are dropped)")
	if !slices.Equal(got, want) {
		t.Errorf("%d lines %.200q, want %d lines %.200q", len(got), got, len(want), want)
	}
}

func TestFailuresAreLogged(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	l.Run(Document("t>a a>b:error b>c", Fail("a"), Task("b", `"do":"panic"`), Echo("c", `1`)), "{}")
	want := map[string]zapcore.Level{"a": zapcore.DebugLevel, "b": zapcore.WarnLevel}
	for _, line := range l.Logs.FilterMessage("node failed").All() {
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
	l := NewLab(t, engine.Config{Globals: Workspace{"__secret": `"s3cret"`}}, sandbox.Limits{})
	const internal = `{"error":{"code":"internal","message":"the node could not be run"}}`
	l.WantRun(Document("t>s s>a a>b:error t>c", Echo("s", `"{{global.__secret}}"`), Echo("a", `"{{global.panic}}"`), Echo("b", `1`),
		Task("c", `"do":"echo","value":"{{global.panic}}"`, `"forEach":"{{trigger.data}}"`, `"concurrency":2`, Continues)), `[1,2]`,
		`succeeded s="s3cret" c={"error":{"code":"internal","message":"item 0: the node could not be run"}} a=`+internal+`:error b=1`)
	l.WantRun(Document("t>a", Task("a", `"do":"echo","value":1`, `"forEach":"{{global.panic}}"`)), "", `failed a!internal`)
	lines := l.Logs.FilterMessage("panic while a node ran").All()
	if len(lines) < 3 { // the second item may not have begun
		t.Errorf("%d panics are logged, want one of each node", len(lines))
	}
	for _, line := range lines {
		stack, _ := line.ContextMap()["stack"].(string)
		if !strings.Contains(stack, "Workspace") {
			t.Errorf("the stack does not show where it was: %s", stack)
		}
	}
}

// witness is an Observer that records its calls.
type witness struct {
	engine.NopObserver
	mu    sync.Mutex
	calls []string
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprintf(format, args...))
}

func (w *witness) ExecutionStarted(p *flow.Plan, id string) { w.note("%s of %s begins", id, p.ID) }

func (w *witness) NodeEnded(p *flow.Plan, id string, node int, typ string, _ time.Duration, err *engine.NodeError) {
	w.note("%s: node %s (%s): %v", id, p.Nodes[node].ID, typ, err)
}

func (w *witness) ExecutionEnded(_ *engine.Program, r *engine.Result) {
	w.note("%s %s", r.ID, r.Status)
}

func TestObserver(t *testing.T) {
	w := new(witness)
	l := NewLab(t, engine.Config{Observer: w}, sandbox.Limits{})
	l.Run(Document("t>a a>b b>c:error b>d", Echo("a", `1`), Fail("b"), Route("c", "left"), Echo("d", `1`)), "{}")
	want := []string{
		"exec-1 of w begins", "exec-1: node a (task): <nil>", "exec-1: node b (task): no luck",
		"exec-1: node c (route): <nil>", "exec-1 succeeded",
	}
	if !slices.Equal(w.calls, want) {
		t.Errorf("observed %q, want %q", w.calls, want)
	}
}

// TestAnExecutionIsFewObjects counts allocations: the execution, and the results of the nodes.
func TestAnExecutionIsFewObjects(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	p, ev := l.Program(Document("")), Event(t, "{}")
	if n := testing.AllocsPerRun(100, func() { l.Engine.NewExecution(t.Context(), p, "exec-1", ev, nil).Run() }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestTimes(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	l := NewLab(t, engine.Config{Clock: func() time.Time { // each call takes a second
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}}, sandbox.Limits{})
	r := l.Run(Document("t>a", Echo("a", `1`)), "{}")
	if n := r.Nodes[1]; n.Started.Before(r.Started) || n.Duration < time.Second || r.Duration <= n.Duration {
		t.Errorf("the execution began %v and took %v, its node %v and %v", r.Started, r.Duration, n.Started, n.Duration)
	}
}

func TestAcquire(t *testing.T) {
	l := NewLab(t, engine.Config{Limits: engine.Limits{Executions: 2, QueueWait: time.Millisecond}}, sandbox.Limits{})
	p := l.Program(DocumentWith(`{"triggerType":"webhook","webhook":{"maxConcurrent":1}}`, ""))
	release, err := l.Engine.Acquire(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Engine.Acquire(t.Context(), p); !errors.Is(err, slots.ErrWorkflowBusy) {
		t.Errorf("error %v, want %v", err, slots.ErrWorkflowBusy)
	}
	if n := l.Engine.InUse(); n != 1 {
		t.Errorf("%d slots are in use, want 1", n)
	}
	if refs := l.Nodes.References(); refs != 2 {
		t.Errorf("%d references on the nodes, want 2", refs)
	}
	release()
	if n, refs := l.Engine.InUse(), l.Nodes.References(); n != 0 || refs != 1 {
		t.Errorf("%d slots are in use and %d references held, want 0 and 1", n, refs)
	}
}

func TestNodesAreCounted(t *testing.T) {
	l := NewLab(t, engine.Config{}, sandbox.Limits{})
	p := l.Program(Document("t>a", Echo("a", `1`)))
	release, err := l.Engine.Acquire(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if !l.Nodes.Acquire() {
		t.Fatal("no reference")
	}
	l.Nodes.Release()
	l.End() // the configuration ends
	if r := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, "{}"), nil).Run(); r.Status != engine.Succeeded {
		t.Errorf("an execution under way ended as %s", Show(p, r))
	}
	release()
	if l.Nodes.Acquire() {
		t.Error("a reference was given when the last one was gone")
	}
	if _, err := l.Engine.Acquire(t.Context(), p); !errors.Is(err, engine.ErrGone) {
		t.Errorf("error %v, want %v", err, engine.ErrGone)
	}
	if n := l.Engine.InUse(); n != 0 {
		t.Errorf("%d slots are in use", n)
	}
}

func TestNodesGoByTheNamesTheyAreGiven(t *testing.T) {
	load := func() (*sandbox.Module, error) { return Load("task", sandbox.Limits{}) }
	nodes := engine.NewNodes(map[string]engine.Load{"task": load, "task-2": load})
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
