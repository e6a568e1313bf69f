package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// TestRecordsTakeBoundedWork: what takes more than that is cut, and says so; what ended the
// execution is still told.
func TestRecordsTakeBoundedWork(t *testing.T) {
	l := newLab(t, Config{Globals: workspace{"__secret_key": `"hush-hush"`}}, sandbox.Limits{})
	deep := strings.Repeat(`{"a":`, 400) + `"` + strings.Repeat("x", 30_000) + `"` + strings.Repeat(`}`, 400)
	long := longBody(30, 200_000)
	each := func(id, value string) string {
		return task(id, `"do":"large","bytes":2,"x":"`+value+`"`, `"forEach":"{{trigger.data.items}}"`, continues)
	}
	for name, c := range map[string]struct{ body, document string }{
		"copies": {long, document("t>a a>f", each("a", "{{trigger.data}}{{trigger.data}}{{trigger.data}}"), fail("f"))},
		"secrets": {long, document("t>a a>f",
			each("a", "{{global.__secret_key}}{{trigger.data}}"), task("f", `"do":"fatal","message":"{{global.__secret_key}}"`))},
		"deep": {`{"items":[1,2,3,4,5],"deep":` + deep + `}`, document("t>a a>f",
			each("a", "{{trigger.data.deep}}{{global.__secret_key}}"), fail("f"))},
	} {
		t.Run(name, func(t *testing.T) {
			p := l.program(c.document)
			x := l.engine.newRun(t.Context(), p, "exec-1", event(t, c.body), nil)
			r := x.run()
			if r.Status != Failed {
				t.Fatal(show(p, r))
			}
			e := &effort{t.Context(), 1 << 20}
			rec := x.record(e, r)
			if e.left < -2<<20 {
				t.Errorf("%d bytes of work were too many", -e.left)
			}
			got := nodesByID(rec)
			if !rec.Cut || got["a"].Input != (journal.Value{Cut: true}) || got["f"].Input != (journal.Value{Cut: true}) {
				t.Errorf("cut %v, inputs %.200v and %.200v", rec.Cut, got["a"].Input, got["f"].Input)
			}
			if rec.Node != "f" || got["f"].State != "failed" || got["f"].Code != rec.Code || got["a"].Attempts == 0 {
				t.Errorf("%+v, f %+v", rec.Outcome, got["f"])
			}
		})
	}
}

// TestCutRecordsShowNoSecrets: wherever a record is cut, and whether nodes have run here or in an
// earlier process.
func TestCutRecordsShowNoSecrets(t *testing.T) {
	secrets := []string{"hush-hush-hush", "4711", "in-an-object", "998877"}
	l := newLab(t, Config{Globals: workspace{
		"__secret_long": `"hush-hush-hush"`, "__secret_short": `"4711"`, "__secret_all": `{"k":"in-an-object","n":998877}`,
	}}, sandbox.Limits{})
	pad := strings.Repeat(`["pad",1],`, 4000)
	p := l.program(document("t>a a>b b>c c>d d>e",
		echo("a", `["{{global.__secret_long}}","PIN {{global.__secret_short}}","{{global.__secret_all}}","{{trigger.data.pad}}"]`),
		task("b", `"do":"echo","value":["{{item}}","{{steps.a.output[1]}}"]`, `"forEach":"{{steps.a.output}}"`, continues),
		task("c", `"do":"log","level":1,"message":"{{steps.a.output[2]}} {{steps.a.output[0]}}"`),
		task("d", `"do":"http","request":["{{steps.a.output[1]}}","{{global.__secret_long}}"]`, continues),
		task("e", `"do":"panic","x":"{{steps.b.output}}"`)))
	ev := event(t, `{"pad":[`+pad+`0],"own":"hush-hush-hush"}`)
	first := l.engine.newRun(t.Context(), p, "exec-1", ev, nil)
	result := first.run()
	var steps []journal.Step
	for i, n := range result.Nodes[:4] {
		if i > 0 {
			steps = append(steps, journal.Step{Node: p.Plan.Nodes[i].ID, Output: n.Output})
		}
	}
	lease, err := newLedger().Adopt(t.Context(), newEntry(p.Plan, "exec-1", ev, steps))
	if err != nil {
		t.Fatal(err)
	}
	resumed := l.engine.newRun(t.Context(), p, "exec-1", ev, lease)
	again := resumed.run()
	for name, record := range map[string]func(*effort) *journal.Record{
		"run here": func(e *effort) *journal.Record { return first.record(e, result) },
		"resumed":  func(e *effort) *journal.Record { return resumed.record(e, again) },
	} {
		t.Run(name, func(t *testing.T) {
			whole := newEffort(t.Context())
			if record(whole).Cut {
				t.Fatal("all of it is cut")
			}
			spent := recordEffort - whole.left
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

// fractions are n numbers below most.
func fractions(most, n int) (all []int) {
	for i := range n {
		all = append(all, most*i/n)
	}
	return all
}

// wantNone wants a record that shows none of the texts, and values that are JSON.
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

// TestRecordsShowWhatRan: items that have never begun are not shown.
func TestRecordsShowWhatRan(t *testing.T) {
	l := newLab(t, Config{}, sandbox.Limits{})
	r := l.recordOf(document("t>a a>b:error", task("a", `"do":"{{item}}","value":"{{index}}"`, `"forEach":"{{trigger.data}}"`), echo("b", `1`)),
		`["echo","fatal","echo","echo"]`, nothing)
	if in := nodesByID(r)["a"].Input; in.Text != `[{"do":"echo","value":0},{"do":"fatal","value":1}]` || r.Cut {
		t.Errorf("%+v", in)
	}
}
