package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/trace"
)

// recorded returns the record of a run as read back from JSON.
func (l *lab) recorded(document, body string) *journal.Record {
	l.Helper()
	x := l.Execution(l.Context(), l.Program(document), body)
	text, err := json.Marshal(record.Of(l.Context(), x, x.Run()))
	if err != nil {
		l.Fatal(err)
	}
	r := new(journal.Record)
	if err := json.Unmarshal(text, r); err != nil {
		l.Fatal(err)
	}
	return r
}

// wantSame replays all nodes of a record and expects the same results and requests.
func (l *lab) wantSame(r *journal.Record) {
	l.Helper()
	for i := range r.Nodes {
		n := &r.Nodes[i]
		if !HasCalls(n) {
			l.Errorf("%s was not called", n.ID)
			continue
		}
		got := Node(l.Context(), l.Nodes, n)
		if got.Incomparable != "" {
			l.Errorf("%s cannot be compared: %s", n.ID, got.Incomparable)
			continue
		}
		if fmt.Sprintf("%s", got.Recorded) != fmt.Sprintf("%s", got.Replayed) {
			l.Errorf("%s gave %s, and now %s", n.ID, got.Recorded, got.Replayed)
		}
		if got.FuelRecorded != got.FuelReplayed || got.FuelReplayed == 0 {
			l.Errorf("%s burnt %d, and now %d", n.ID, got.FuelRecorded, got.FuelReplayed)
		}
		for _, a := range got.Requests {
			if string(a.Recorded) != string(a.Replayed) || a.Replayed == nil {
				l.Errorf("%s asked %s, and now %s", n.ID, a.Recorded, a.Replayed)
			}
		}
	}
}

// TestReplayGivesTheSame covers outputs, handles, errors, attempts, items, random numbers and host
// responses.
func TestReplayGivesTheSame(t *testing.T) {
	var asked, busy atomic.Int32
	l := newLab(t, engine.Config{Seed: [32]byte{7}, HTTP: HTTPFunc(func(_ context.Context, name string, _ hostapi.HTTPOptions) (string, error) {
		asked.Add(1)
		switch {
		case name == "busy" && busy.Add(1) < 3:
			return "", &hostapi.Failure{Code: "http_timeout", Message: "too slow"}
		case name == "gone":
			return "", &hostapi.Failure{Code: "http_refused", Message: "not there", Fatal: true}
		}
		return fmt.Sprintf(`{"answer":%d}`, busy.Load()), nil
	})}, sandbox.Limits{})
	const retried = `"retry":{"maxAttempts":3,"backoff":"1ms"}`
	r := l.recorded(Document("t>a t>b t>c t>d t>e t>f t>g t>h",
		Echo("a", `{"n":"{{trigger.data.n}}"}`), Route("b", "left"), Fail("c", Continues), Task("d", `"do":"random"`),
		Task("e", `"do":"random"`, `"forEach":"{{trigger.data.list}}"`, `"concurrency":2`),
		Task("f", `"do":"http","request":"busy"`, retried), Task("g", `"do":"http","request":"gone"`, Continues),
		Task("h", `"do":"{{item}}","value":1,"code":"boom"`, `"forEach":"{{trigger.data.do}}"`, Continues)),
		`{"n":1.50,"list":[1,2,3],"do":["echo","fatal","echo"]}`)
	if r.Status != journal.Succeeded {
		t.Fatalf("the run: %+v", r.Outcome)
	}
	before := asked.Load()
	l.wantSame(r)
	if asked.Load() != before {
		t.Error("repeating asked the outside")
	}
	if f := NodesByID(r)["f"]; len(f.Calls) != 3 || f.Calls[0].Code != "http_timeout" || f.Calls[2].Host[0].Answer.Text != `{"answer":3}` {
		t.Errorf("the calls of f: %+v", f.Calls)
	}
	if a := NodesByID(r)["a"]; a.Calls != nil {
		t.Errorf("a plain call is recorded as %+v", a.Calls)
	}
	if d := NodesByID(r)["d"]; len(d.Calls) != 1 || len(d.Calls[0].Seed) != 32 || strings.Contains(string(d.Calls[0].Seed), string(make([]byte, 8))) {
		t.Errorf("the calls of d: %+v", d.Calls)
	}
}

// TestReplayOfDeepInputs checks that the input may nest deeper than a body: a config holds the
// body.
func TestReplayOfDeepInputs(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	deep := strings.Repeat("[", flow.MaxDepth) + strings.Repeat("]", flow.MaxDepth)
	r := l.recorded(Document("t>a", Task("a", `"do":"echo","value":1,"beside":{"all":"{{trigger.data}}"}`)), `{"deep":`+deep[1:len(deep)-1]+`}`)
	if r.Status != journal.Succeeded {
		t.Fatalf("the run: %+v", r.Outcome)
	}
	l.wantSame(r)
}

// TestReplayTellsWhatIsDifferent compares changed records with the behavior of nodes.
func TestReplayTellsWhatIsDifferent(t *testing.T) {
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) { return `1`, nil })}, sandbox.Limits{})
	r := l.recorded(Document("t>a a>b", Echo("a", `1`), Task("b", `"do":"http","request":"x"`)), `{}`)
	a := r.Nodes[0]
	a.Input.Text = `{"do":"echo","value":2}`
	if got := Node(t.Context(), l.Nodes, &a); string(got.Recorded.Output) != "1" || string(got.Replayed.Output) != "2" {
		t.Errorf("another output: %+v", got)
	}
	a.Input.Text = `{"do":"fatal","code":"boom","message":"no luck"}`
	if got := Node(t.Context(), l.Nodes, &a); got.Replayed.Code != "boom" || got.Replayed.Message != "no luck" || got.Replayed.Output != nil {
		t.Errorf("an error: %+v", got)
	}
	b := r.Nodes[1]
	b.Input.Text = `{"do":"http","request":"y"}`
	if got := Node(t.Context(), l.Nodes, &b); len(got.Requests) != 1 || string(got.Requests[0].Recorded) != `"x"` || string(got.Requests[0].Replayed) != `"y"` {
		t.Errorf("another request: %+v", got)
	}
	b.Input.Text = `{"do":"echo","value":1}`
	if got := Node(t.Context(), l.Nodes, &b); len(got.Requests) != 1 || got.Requests[0].Replayed != nil {
		t.Errorf("no request: %+v", got)
	}
	a.Input.Text, a.Grants = b.Input.Text, []string{"http(api.example.com)"}
	a.Input.Text = `{"do":"http","request":"y"}`
	if got := Node(t.Context(), l.Nodes, &a); len(got.Requests) != 1 || got.Requests[0].Recorded != nil || got.Replayed.Code != "not_recorded" {
		t.Errorf("one request more: %+v", got)
	}
	a.Grants = nil
	if got := Node(t.Context(), l.Nodes, &a); got.Replayed.Code != "http_not_allowed" {
		t.Errorf("what was not granted: %+v", got)
	}
}

// TestIncomparable checks that values that cannot be known are never reported as equal.
func TestIncomparable(t *testing.T) {
	large := `"` + strings.Repeat("x", trace.MaxValue) + `"`
	l := newLab(t, engine.Config{
		Globals: Workspace{"__secret_pin": `"12"`, "__secret_key": `"hush-hush"`},
		HTTP: HTTPFunc(func(_ context.Context, name string, _ hostapi.HTTPOptions) (string, error) {
			return map[string]string{"large": large, "secret": `"hush-hush"`}[name], nil
		}),
	}, sandbox.Limits{})
	r := l.recorded(Document("t>a a>b t>c t>d t>e t>f t>g",
		Echo("a", `"{{global.__secret_pin}}{{global.__secret_key}}"`), Task("b", `"do":"http","request":"secret"`),
		Echo("c", `"{{trigger.data}}"`), Task("d", `"do":"large","bytes":70000`), Task("e", `"do":"http","request":"large"`),
		Task("f", `"do":"echo","value":1`, `"forEach":"{{trigger.data.list}}"`), Task("g", `"do":"large","bytes":2000000`, Continues)),
		`{"large":`+large+`,"list":[`+strings.Repeat("1,", trace.MaxCalls)+`1]}`)
	got := make(map[string]string)
	for i := range r.Nodes {
		got[r.Nodes[i].ID] = Node(t.Context(), l.Nodes, &r.Nodes[i]).Incomparable
	}
	for id, want := range map[string]string{
		"a": "its input holds secrets, which are masked",
		"b": "a response that it got holds secrets, which are masked",
		"c": fmt.Sprintf("its input of %d bytes is not recorded in full", len(large)+len(`{"do":"echo","value":{"large":,"list":[`)+2*trace.MaxCalls+len(`1],"_query":{}}}`)),
		"d": "its output of 70000 bytes is not recorded in full",
		"e": fmt.Sprintf("a response that it got of %d bytes is not recorded in full", len(large)),
		"f": "it was called more often than is recorded",
		"g": "it ended at a limit of the server: output_too_large",
	} {
		if got[id] != want {
			t.Errorf("%s: %q, want %q", id, got[id], want)
		}
	}

	good := l.recorded(Document("t>a", Echo("a", `1`)), `{}`).Nodes[0]
	for name, c := range map[string]struct {
		change func(*journal.NodeRecord)
		want   string
	}{
		"another type":  {func(n *journal.NodeRecord) { n.Type = "none" }, "no node type none"},
		"resumed":       {func(n *journal.NodeRecord) { n.Attempts, n.StartedAt = 0, time.Time{} }, "restarted"},
		"no input":      {func(n *journal.NodeRecord) { n.Input = journal.Value{} }, "not recorded"},
		"no output":     {func(n *journal.NodeRecord) { n.Output = journal.Value{} }, "not recorded"},
		"a cut input":   {func(n *journal.NodeRecord) { n.Input = journal.Value{Cut: true} }, "its input is not recorded: the record took too much work"},
		"an old record": {func(n *journal.NodeRecord) { n.Attempts = 2 }, "more often"},
		"live":          {func(n *journal.NodeRecord) { n.Calls = []journal.Call{{Attempt: 1, Live: true}} }, "real time"},
		"a bad seed":    {func(n *journal.NodeRecord) { n.Calls = []journal.Call{{Attempt: 1, Seed: []byte("x")}} }, "damaged"},
		"not JSON":      {func(n *journal.NodeRecord) { n.Input.Text = "{" }, "damaged"},
		"a bad item": {func(n *journal.NodeRecord) {
			n.Calls = []journal.Call{{Attempt: 1, Item: 7}}
		}, "damaged"},
		"a bad item below": {func(n *journal.NodeRecord) {
			n.Calls, n.Attempts = []journal.Call{{Attempt: 1, Item: -1}}, 1
		}, "damaged"},
		"a time-out": {func(n *journal.NodeRecord) {
			n.Calls, n.Attempts = []journal.Call{{Attempt: 1, Code: engine.CodeTimeout}, {Attempt: 2}}, 2
		}, "an attempt ended at a limit of the server: timeout"},
	} {
		n := good
		c.change(&n)
		if got := Node(t.Context(), l.Nodes, &n).Incomparable; !strings.Contains(got, c.want) || got == "" {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	hungry := good
	hungry.Input.Text = `{"do":"allocate"}`
	if got := Node(t.Context(), l.Nodes, &hungry).Incomparable; !strings.Contains(got, "more memory") {
		t.Errorf("a node that wants too much memory: %q", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got := Node(gone, l.Nodes, &good).Incomparable; got == "" {
		t.Error("what was interrupted is compared")
	}
}

// TestRecordedHostCallsAreBounded checks that host calls are recorded up to a bound, and that a
// replay notices missing ones.
func TestRecordedHostCallsAreBounded(t *testing.T) {
	l := newLab(t, engine.Config{HTTP: HTTPFunc(func(context.Context, string, hostapi.HTTPOptions) (string, error) { return `1`, nil })}, sandbox.Limits{})
	request := `"` + strings.Repeat("x", 50_000) + `"`
	r := l.recorded(Document("t>a a>b", Task("a", `"do":"http","request":`+request, `"forEach":"{{trigger.data}}"`), Task("b", `"do":"http","request":1`)),
		`[`+strings.Repeat("1,", 20)+`1]`)
	size := 0
	for _, c := range r.Nodes[0].Calls {
		size += len(c.Host[0].Request.Text)
	}
	if n := len(r.Nodes[0].Calls); n != 21 || size > 256<<10 || size < 128<<10 {
		t.Errorf("%d calls with %d bytes", n, size)
	}
	if got := Node(t.Context(), l.Nodes, &r.Nodes[0]); got.Incomparable == "" {
		t.Error("what is not recorded is compared")
	}
}

// TestComparisonRequestsAreBounded checks that unrecorded requests of a module are returned up to a
// bound, each up to the size that a record shows.
func TestComparisonRequestsAreBounded(t *testing.T) {
	h := &recordedHost{calls: []journal.HostCall{{Function: "http", Request: journal.Value{Text: `"x"`}}}}
	long := []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	for range 100 {
		if _, err := h.Do(t.Context(), long, hostapi.HTTPOptions{}, nil); err != nil && !errors.Is(err, errNotRecorded) {
			t.Fatal(err)
		}
	}
	asked := h.end()
	if len(asked) != maxUnrecorded+1 || string(asked[0].Recorded) != `"x"` {
		t.Errorf("%d requests are kept", len(asked))
	}
	for _, a := range asked {
		if string(a.Replayed) != `"(100002 bytes)"` {
			t.Errorf("%.100s", a.Replayed)
		}
	}
}
