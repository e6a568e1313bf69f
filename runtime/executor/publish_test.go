package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/feed"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// watching is a lab whose executor publishes in a feed, with one workflow: a chooses b, not c; b
// ends when the test lets it; and d fails with a secret in its message.
type watching struct {
	*lab
	ledger   *ledger
	executor *Executor
	program  *engine.Program
	feed     *feed.Feed
	reader   *feed.Reader
	began    chan struct{} // sent by node b
	goOn     chan struct{} // lets b end
}

func newWatching(t *testing.T) *watching {
	w := &watching{ledger: newLedger(), feed: feed.New(0), began: make(chan struct{}), goOn: make(chan struct{})}
	w.lab = newLab(t, engine.Config{
		Globals: Workspace{"__secret": `"s3cret"`},
		HTTP: HTTPFunc(func(ctx context.Context, _ string, _ hostapi.HTTPOptions) (string, error) {
			w.began <- struct{}{}
			select {
			case <-w.goOn:
				return "2", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}),
	}, sandbox.Limits{})
	w.program = w.Program(Document("t>a a>b:left a>c:right b>d", Route("a", "left"), Ask("b", `1`), Echo("c", `3`),
		Task("d", `"do":"fatal","code":"boom","message":"key {{global.__secret}}"`)))
	w.executor = New(w.ledger, 1)
	w.executor.PublishTo(w.feed)
	w.reader = w.feed.Reader(nil)
	t.Cleanup(func() {
		w.reader.Close()
		w.feed.Close()
	})
	return w
}

// events returns what was published since the last call, each event in short.
func (w *watching) events() (all []string) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	for {
		p, err := w.reader.Read(ctx)
		if err != nil || p.Reset {
			w.Fatalf("reading the feed: %+v, %v", p, err)
		}
		if len(p.Events) == 0 {
			return all
		}
		for _, e := range p.Events {
			if strings.Contains(string(e.JSON), "s3cret") {
				w.Errorf("a secret is in %s", e.JSON)
			}
			all = append(all, short(w, e.JSON))
		}
	}
}

func short(t testing.TB, event []byte) string {
	t.Helper()
	var e struct {
		Kind       string
		Execution  json.RawMessage
		Node       *journal.NodeRecord
		Executions int
	}
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	if n := e.Node; n != nil {
		if n.State == "completed" && (n.StartedAt.IsZero() || n.Attempts != 1) {
			t.Errorf("node %+v", n)
		}
		return words(n.ID, n.State, n.Handle, n.Code, n.Message)
	}
	if e.Kind == feed.KindMore {
		return "more"
	}
	var s journal.Summary
	if err := json.Unmarshal(e.Execution, &s); err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	if s.Workflow != "w" || s.Revision != 1 || s.AcceptedAt.IsZero() || s.Status == journal.Running && s.StartedAt.IsZero() {
		t.Errorf("execution %+v", s)
	}
	return words(s.ID, s.Status, s.Node, s.Code, s.Message)
}

func words(all ...string) string { return strings.Join(strings.Fields(strings.Join(all, " ")), " ") }

func (w *watching) want(got []string, want ...string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("published\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// states returns the states of the nodes of an execution that runs.
func (w *watching) states(id string) string {
	w.Helper()
	r, err := w.executor.Get(w.Context(), id)
	if err != nil || r.Status != journal.Running || r.StartedAt.IsZero() || r.Trigger != nil {
		w.Fatalf("%s runs and is shown as %+v, %v", id, r, err)
	}
	var states []string
	for _, n := range r.Nodes {
		if ran := n.State == "completed" || n.State == journal.Running; ran == n.StartedAt.IsZero() || n.Output.Text != "" || n.Input.Text != "" {
			w.Errorf("node %+v", n)
		}
		states = append(states, n.ID+" "+n.State)
	}
	return strings.Join(states, ", ")
}

var (
	untilB = []string{"a running", "a completed left", "c skipped", "b running"}
	fromB  = []string{"b completed", "d running", "d failed boom key ***"}
	atB    = "a completed, b running, c skipped, d pending"
)

func TestAcceptedExecutionIsPublished(t *testing.T) {
	w := newWatching(t)
	w.accept(w.executor, w.program, "exec-1")
	w.want(w.events(), "exec-1 pending")
	remove := w.executor.Use(w.runner(w.program))
	Receive(t, w.began)
	w.want(w.events(), append([]string{"exec-1 running"}, untilB...)...)
	if got := w.states("exec-1"); got != atB {
		t.Errorf("nodes: %s; want %s", got, atB)
	}
	close(w.goOn)
	w.drain(w.executor, 0)
	remove()
	w.want(w.events(), append(slices.Clone(fromB), "exec-1 failed d boom key ***")...)
}

// TestWaitingExecutionIsPublished: of an execution whose sender waits, too; and when its end is
// published, its record is there.
func TestWaitingExecutionIsPublished(t *testing.T) {
	w := newWatching(t)
	result := make(chan *engine.Result)
	go func() { result <- w.await(w.executor, w.program, "exec-1") }()
	Receive(t, w.began)
	w.want(w.events(), append([]string{"exec-1 running"}, untilB...)...)
	if got := w.states("exec-1"); got != atB {
		t.Errorf("nodes: %s; want %s", got, atB)
	}
	close(w.goOn)
	Receive(t, result)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for len(got) < 4 && ctx.Err() == nil {
		p, err := w.reader.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			got = append(got, short(t, e.JSON))
		}
	}
	if r, err := w.ledger.Get(t.Context(), "exec-1"); err != nil || r.Status != journal.Failed {
		t.Errorf("its end is published, and its record is %+v, %v", r, err)
	}
	w.want(got, append(slices.Clone(fromB), "exec-1 failed d boom key ***")...)
	w.drain(w.executor, 0)
}

// TestLateReader: an execution that began before anybody read is published in detail from the
// moment somebody looks at it, and otherwise when it ends.
func TestLateReader(t *testing.T) {
	for name, looks := range map[string]bool{"looks": true, "does not look": false} {
		t.Run(name, func(t *testing.T) {
			w := newWatching(t)
			w.executor.PublishTo(feed.New(0))
			unwatched := w.executor.feed
			w.accept(w.executor, w.program, "exec-1")
			remove := w.executor.Use(w.runner(w.program))
			Receive(t, w.began)
			w.reader.Close()
			w.reader = unwatched.Reader(nil)
			var want []string
			if looks {
				if got := w.states("exec-1"); got != atB {
					t.Errorf("nodes: %s; want %s", got, atB)
				}
				want = slices.Clone(fromB)
			}
			close(w.goOn)
			w.drain(w.executor, 0)
			remove()
			w.want(w.events(), append(want, "exec-1 failed d boom key ***")...)
			unwatched.Close()
		})
	}
}

// TestCancelledIsPublished: executions that are cancelled while they wait and while they run.
func TestCancelledIsPublished(t *testing.T) {
	w := newWatching(t)
	w.accept(w.executor, w.program, "exec-1", "exec-2")
	if err := w.executor.Cancel(t.Context(), "exec-2"); err != nil {
		t.Fatal(err)
	}
	remove := w.executor.Use(w.runner(w.program))
	Receive(t, w.began)
	w.want(w.events(), append([]string{"exec-1 pending", "exec-2 pending", "exec-2 cancelled", "exec-1 running"}, untilB...)...)
	if err := w.executor.Cancel(t.Context(), "exec-1"); err != nil {
		t.Fatal(err)
	}
	w.drain(w.executor, 0)
	remove()
	const why = "cancelled the execution ended while the node ran"
	w.want(w.events(), "b failed "+why, "exec-1 cancelled b "+why)
}

// TestInterruptedIsPublished: an execution that goes on later waits again.
func TestInterruptedIsPublished(t *testing.T) {
	w := newWatching(t)
	w.accept(w.executor, w.program, "exec-1")
	remove := w.executor.Use(w.runner(w.program))
	defer remove()
	Receive(t, w.began)
	w.events()
	w.closeNow(w.executor, 1)
	got := w.events()
	if len(got) != 2 || got[1] != "exec-1 pending" {
		t.Errorf("published %q, want it to be pending again", got)
	}
}

// TestRejectedIsNotPublished: an execution that the journal does not take is not there.
func TestRejectedIsNotPublished(t *testing.T) {
	w := newWatching(t)
	w.accept(w.executor, w.program, "exec-1")
	if err := w.executor.Accept(t.Context(), w.program.Plan, "exec-1", Event(t, `{}`), nil); err == nil {
		t.Error("an execution was accepted twice")
	}
	w.want(w.events(), "exec-1 pending")
	w.closeNow(w.executor, 1)
}

// TestManyExecutions: each is published whole or not at all, and none waits for the feed.
func TestManyExecutions(t *testing.T) {
	w := newWatching(t)
	p := w.Program(Document("t>a", Echo("a", `1`)))
	const n = 300
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("exec-%03d", i)
	}
	w.accept(w.executor, p, ids...)
	remove := w.executor.Use(w.runner(p))
	w.drain(w.executor, 0)
	remove()
	seen := make(map[string][]string)
	var current string
	for _, e := range w.events() {
		if e == "more" {
			continue
		}
		if strings.HasPrefix(e, "exec-") {
			current, e, _ = strings.Cut(e, " ")
		}
		seen[current] = append(seen[current], e)
	}
	whole := 0
	for id, events := range seen {
		switch fmt.Sprint(events) {
		case "[pending running a running a completed succeeded]":
			whole++
		case "[running a running a completed succeeded]", "[succeeded]":
		default:
			t.Errorf("of %s: %q", id, events)
		}
	}
	if whole == 0 || len(seen) == n {
		t.Errorf("%d executions are published, %d of them whole", len(seen), whole)
	}
}

// TestEndsAreCounted: each end of an execution is counted once, recorded or not, whether or not it
// has run.
func TestEndsAreCounted(t *testing.T) {
	w := newWatching(t)
	good := w.Program(Document("t>a", Echo("a", `1`)))
	w.executor.LimitRecords(0)
	w.await(w.executor, good, "exec-1")
	w.accept(w.executor, good, "exec-2", "exec-3")
	if err := w.executor.Cancel(t.Context(), "exec-3"); err != nil {
		t.Fatal(err)
	}
	w.accept(w.executor, w.program, "exec-4")
	remove := w.executor.Use(Runner{Engine: w.Engine, Resolve: func(_ context.Context, e *journal.Entry) (*engine.Program, error) {
		if !w.Nodes.Acquire() {
			return nil, engine.ErrGone
		}
		if e.ID == "exec-4" {
			return w.program, nil
		}
		return good, nil
	}})
	Receive(t, w.began)
	close(w.goOn)
	want := map[string]int{journal.Succeeded: 2, journal.Cancelled: 1, journal.Failed: 1}
	var counted map[string]int
	var row journal.WorkflowCounts
	for began := time.Now(); !maps.Equal(counted, want) && time.Since(began) < time.Minute; time.Sleep(time.Millisecond) {
		c, err := w.ledger.Counts(t.Context(), journal.CountsQuery{Hours: 2})
		if err != nil || len(c.Workflows) != 1 {
			t.Fatalf("%+v, %v", c, err)
		}
		row, counted = c.Workflows[0], make(map[string]int)
		for status, hours := range row.Ended {
			for _, n := range hours {
				counted[status] += n
			}
		}
	}
	if !maps.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	if row.Last.ID != "exec-4" || row.Last.Status != journal.Failed || row.Median == 0 {
		t.Errorf("%+v", row)
	}
	w.drain(w.executor, 0)
	remove()
}
