package record

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// TestRecordsTakeBoundedWork checks that a record that takes too much work is cut and marked so. It
// still shows what ended the execution.
func TestRecordsTakeBoundedWork(t *testing.T) {
	l := newLab(t, engine.Config{Globals: Workspace{"__secret_key": `"hush-hush"`}}, sandbox.Limits{})
	deep := strings.Repeat(`{"a":`, 400) + `"` + strings.Repeat("x", 30_000) + `"` + strings.Repeat(`}`, 400)
	long := LongBody(30, 200_000)
	each := func(id, value string) string {
		return Task(id, `"do":"large","bytes":2,"x":"`+value+`"`, `"forEach":"{{trigger.data.items}}"`, Continues)
	}
	for name, c := range map[string]struct{ body, document string }{
		"copies": {long, Document("t>a a>f", each("a", "{{trigger.data}}{{trigger.data}}{{trigger.data}}"), Fail("f"))},
		"secrets": {long, Document("t>a a>f",
			each("a", "{{global.__secret_key}}{{trigger.data}}"), Task("f", `"do":"fatal","message":"{{global.__secret_key}}"`))},
		"deep": {`{"items":[1,2,3,4,5],"deep":` + deep + `}`, Document("t>a a>f",
			each("a", "{{trigger.data.deep}}{{global.__secret_key}}"), Fail("f"))},
	} {
		t.Run(name, func(t *testing.T) {
			p := l.Program(c.document)
			x := l.Engine.NewExecution(t.Context(), p, "exec-1", Event(t, c.body), nil)
			r := x.Run()
			if r.Status != engine.Failed {
				t.Fatal(Show(p, r))
			}
			e := &effort{t.Context(), 1 << 20}
			rec := within(e, x, r)
			if e.left < -2<<20 {
				t.Errorf("%d bytes of work were too many", -e.left)
			}
			got := NodesByID(rec)
			if !rec.Cut || got["a"].Input != (journal.Value{Cut: true}) || got["f"].Input != (journal.Value{Cut: true}) {
				t.Errorf("cut %v, inputs %.200v and %.200v", rec.Cut, got["a"].Input, got["f"].Input)
			}
			if rec.Node != "f" || got["f"].State != "failed" || got["f"].Code != rec.Code || got["a"].Attempts == 0 {
				t.Errorf("%+v, f %+v", rec.Outcome, got["f"])
			}
		})
	}
}

// TestCutRecordsShowNoSecrets cuts records anywhere, of nodes that ran here or in an earlier
// process.
func TestCutRecordsShowNoSecrets(t *testing.T) {
	secrets := []string{"hush-hush-hush", "4711", "in-an-object", "998877"}
	l := newLab(t, engine.Config{Globals: Workspace{
		"__secret_long": `"hush-hush-hush"`, "__secret_short": `"4711"`, "__secret_all": `{"k":"in-an-object","n":998877}`,
	}}, sandbox.Limits{})
	pad := strings.Repeat(`["pad",1],`, 4000)
	p := l.Program(Document("t>a a>b b>c c>d d>e",
		Echo("a", `["{{global.__secret_long}}","PIN {{global.__secret_short}}","{{global.__secret_all}}","{{trigger.data.pad}}"]`),
		Task("b", `"do":"echo","value":["{{item}}","{{steps.a.output[1]}}"]`, `"forEach":"{{steps.a.output}}"`, Continues),
		Task("c", `"do":"log","level":1,"message":"{{steps.a.output[2]}} {{steps.a.output[0]}}"`),
		Task("d", `"do":"http","request":["{{steps.a.output[1]}}","{{global.__secret_long}}"]`, Continues),
		Task("e", `"do":"panic","x":"{{steps.b.output}}"`)))
	ev := Event(t, `{"pad":[`+pad+`0],"own":"hush-hush-hush"}`)
	first := l.Engine.NewExecution(t.Context(), p, "exec-1", ev, nil)
	result := first.Run()
	var steps []journal.Step
	for i, n := range result.Nodes[:4] {
		if i > 0 {
			steps = append(steps, journal.Step{Node: p.Plan.Nodes[i].ID, Output: n.Output})
		}
	}
	lease, err := newJournal().Adopt(t.Context(), WithSteps(Source(p.Plan, "exec-1", ev), steps))
	if err != nil {
		t.Fatal(err)
	}
	resumed := l.Engine.NewExecution(t.Context(), p, "exec-1", ev, lease)
	again := resumed.Run()
	for name, record := range map[string]func(*effort) *journal.Record{
		"run here": func(e *effort) *journal.Record { return within(e, first, result) },
		"resumed":  func(e *effort) *journal.Record { return within(e, resumed, again) },
	} {
		t.Run(name, func(t *testing.T) {
			whole := newEffort(t.Context())
			if record(whole).Cut {
				t.Fatal("all of it is cut")
			}
			spent := maxEffort - whole.left
			for _, left := range append(fractions(spent, 30), 0, 1) {
				rec := record(&effort{t.Context(), left})
				if !rec.Cut {
					t.Errorf("%d of %d are enough", left, spent)
				}
				wantNone(t, fmt.Sprintf("cut after %d of %d", left, spent), rec, secrets)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			wantNone(t, "given up", record(newEffort(ended)), secrets)
		})
	}
}

// fractions returns n numbers below most.
func fractions(most, n int) (all []int) {
	for i := range n {
		all = append(all, most*i/n)
	}
	return all
}

// wantNone expects a record that shows none of the texts, with values that are JSON.
func wantNone(t *testing.T, when string, rec *journal.Record, texts []string) {
	t.Helper()
	out, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if at := bytes.Index(out, []byte(text)); at >= 0 {
			t.Fatalf("%s: %s", when, out[max(0, at-200):at+len(text)])
		}
	}
	for _, n := range rec.Nodes {
		for _, v := range []journal.Value{n.Input, n.Output} {
			if v.Text != "" && rawjson.Check([]byte(v.Text), 1000) != nil {
				t.Errorf("%s: %s shows %.200s", when, n.ID, v.Text)
			}
			if v.Cut && v != (journal.Value{Cut: true}) {
				t.Errorf("%s: %s shows %+.200v", when, n.ID, v)
			}
		}
	}
}

// TestRecordsShowWhatRan checks that items that have never begun are not shown.
func TestRecordsShowWhatRan(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	r := l.recordOf(Document("t>a a>b:error", Task("a", `"do":"{{item}}","value":"{{index}}"`, `"forEach":"{{trigger.data}}"`), Echo("b", `1`)),
		`["echo","fatal","echo","echo"]`, nothing)
	if in := NodesByID(r)["a"].Input; in.Text != `[{"do":"echo","value":0},{"do":"fatal","value":1}]` || r.Cut {
		t.Errorf("%+v", in)
	}
}
