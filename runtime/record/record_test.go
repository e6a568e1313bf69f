package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// recordOf runs a document and returns its record. between is called after the run.
func (l *lab) recordOf(document, body string, between func()) *journal.Record {
	l.Helper()
	x := l.Engine.NewExecution(l.Context(), l.Program(document), "exec-1", Event(l, body), nil)
	r := x.Run()
	between()
	return Of(l.Context(), x, r)
}

func nothing() {}

// TestRecordedInputs checks that inputs are those of the calls, even if globals have changed since.
func TestRecordedInputs(t *testing.T) {
	globals := Workspace{"rate": `19`, "list": `[1,2]`}
	l := newLab(t, engine.Config{Globals: globals}, sandbox.Limits{})
	doc := Document("t>a a>b b>c a>d:error d>e",
		Echo("a", `{"n":"{{trigger.data.n}}","rate":"{{global.rate}}","gone":"{{global.none}}"}`),
		Task("b", `"do":"echo","value":"{{item}}-{{index}}-{{steps.a.output.n}}"`, `"forEach":"{{global.list}}"`),
		Fail("c"), Echo("d", `1`), Echo("e", `1`))
	r := l.recordOf(doc, `{"n":7}`, func() {
		globals["rate"], globals["list"], globals["none"] = `20`, `[]`, `1`
	})
	got := NodesByID(r)
	for id, want := range map[string]string{
		"a": `{"do":"echo","value":{"n":7,"rate":19,"gone":null}}`,
		"b": `[{"do":"echo","value":"1-0-7"},{"do":"echo","value":"2-1-7"}]`,
		"c": `{"do":"fatal","code":"boom","message":"no luck"}`,
		"d": "",
	} {
		if in := got[id].Input; in.Text != want || in.Masked {
			t.Errorf("input of %s: %+v, want %s", id, in, want)
		}
	}
	if why := got["d"].Why; got["d"].State != "skipped" || why != "a did not fail" {
		t.Errorf("d was %s because %q", got["d"].State, why)
	}
	if why := got["e"].Why; why != "d was skipped" {
		t.Errorf("e was not run because %q", why)
	}
	if got["b"].Fuel == 0 || got["b"].Attempts != 2 || got["a"].Why != "" {
		t.Errorf("%+v", got["b"])
	}
	end := got["b"].StartedAt.Add(got["b"].Duration)
	for i, c := range got["b"].Calls {
		if c.Item != i || c.Duration <= 0 || c.Start.Add(c.Duration).After(end) {
			t.Errorf("call %d of b, which ended at %v: %+v", i, end, c)
		}
	}
	if n := len(got["b"].Calls); n != 2 {
		t.Errorf("b has %d calls", n)
	}
}

// TestWhy checks each reason for which a node does not run.
func TestWhy(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	r := l.recordOf(Document("t>a a>b:left b>c t>f f>g g>h c>i h>i f>j:error t>k k>l:error k>m",
		Route("a", "right"), Echo("b", `1`), Echo("c", `1`), Fail("f", Continues), Fail("g"),
		Echo("h", `1`), Echo("i", `1`), Echo("j", `1`), Fail("k"), Echo("l", `1`), Echo("m", `1`)), `{}`, nothing)
	got := NodesByID(r)
	for id, want := range map[string]string{
		"b": "a chose right, not left", "c": "b was skipped", "h": "g was stopped", "m": "k failed",
	} {
		if id == "h" {
			// f's error edge was taken, so that its success edges are not
			want = "g was skipped"
		}
		if got[id].Why != want {
			t.Errorf("%s (%s): %q, want %q", id, got[id].State, got[id].Why, want)
		}
	}
	r = l.recordOf(Document("t>a a>b b>c", Fail("a"), Echo("b", `1`), Echo("c", `1`)), `{}`, nothing)
	if got := NodesByID(r); got["b"].Why != "a failed" || got["c"].Why != "b was stopped" {
		t.Errorf("behind a failure: %q and %q", got["b"].Why, got["c"].Why)
	}
}

// TestShortSecretsAreMaskedWhereTheyWerePut checks that short secrets are masked in the input and
// in values that a node passes on, and nowhere else. Longer ones are masked wherever they occur.
// Masked values are JSON.
func TestShortSecretsAreMaskedWhereTheyWerePut(t *testing.T) {
	l := newLab(t, engine.Config{Globals: Workspace{
		"__secret_pin": `"12"`, "__secret_long": `"long-secret"`, "__secret_all": `{"user":"ab","n":77,"on":true,"l":["x"]}`, "__secret_number": `123456789`,
	}}, sandbox.Limits{})
	r := l.recordOf(Document("t>a a>b b>c c>d",
		Echo("a", `{"pin":"{{global.__secret_pin}}","as":"PIN {{global.__secret_pin}}","n":12,"at":"12:00","all":"{{global.__secret_all}}"}`),
		Echo("b", `{"handed":"{{steps.a.output}}","text":"{{trigger.data.text}}","more":"{{steps.a.output.as}}!"}`),
		Task("c", `"do":"echo","value":"{{item}} {{global.__secret_long}}"`, `"forEach":"{{global.__secret_all.l}}"`),
		Echo("d", `{"number":"{{global.__secret_number}}","both":"{{steps.c.output}}"}`),
	), `{"text":"in 1210 and 'long-secret'","n":123456789}`, nothing)
	got := NodesByID(r)
	const a = `{"pin":"***","as":"PIN ***","n":"***","at":"12:00","all":{"user":"***","n":"***","on":true,"l":["***"]}}`
	for id, want := range map[string][2]string{
		"a": {`{"do":"echo","value":` + strings.Replace(a, `"n":"***","at"`, `"n":12,"at"`, 1) + `}`, a},
		"b": {
			`{"do":"echo","value":{"handed":` + a + `,"text":"in 1210 and '***'","more":"PIN ***!"}}`,
			`{"handed":` + a + `,"text":"in 1210 and '***'","more":"PIN ***!"}`,
		},
		"c": {`[{"do":"echo","value":"*** ***"}]`, `["*** ***"]`},
		"d": {`{"do":"echo","value":{"number":"***","both":["*** ***"]}}`, `{"number":"***","both":["*** ***"]}`},
	} {
		for i, v := range []journal.Value{got[id].Input, got[id].Output} {
			if v.Text != want[i] || !v.Masked {
				t.Errorf("%s of %s:\n%s, %v\nwant\n%s", []string{"input", "output"}[i], id, v.Text, v.Masked, want[i])
			}
			if err := rawjson.Check([]byte(v.Text), 100); err != nil {
				t.Errorf("%s is not JSON: %v", v.Text, err)
			}
		}
	}
	if data := r.Trigger.Data; data.Text != `{"text":"in 1210 and '***'","n":"***","_query":{}}` || !data.Masked {
		t.Errorf("the trigger: %+v", data)
	}
}

// TestRecordsAreBounded checks that long values, or too many, are replaced by size and digest, and
// that log lines are bounded.
func TestRecordsAreBounded(t *testing.T) {
	l := newLab(t, engine.Config{}, sandbox.Limits{})
	nodes, edges, last := []string(nil), "", "t"
	for i := range 30 {
		id := fmt.Sprintf("n%d", i)
		nodes = append(nodes, Task(id, `"do":"large","bytes":60000`))
		edges, last = edges+" "+last+">"+id, id
	}
	nodes = append(nodes, Task("long", `"do":"large","bytes":70000`), Task("talk", `"do":"log","level":1,"message":"`+strings.Repeat("x", 2000)+`","times":1000`))
	r := l.recordOf(Document(edges+" t>long t>talk", nodes...), `{}`, nothing)
	got := NodesByID(r)
	if v := got["long"].Output; v.Text != "" || v.Size != 70000 || len(v.SHA256) != 64 {
		t.Errorf("a long value: %+v", v)
	}
	total := 0
	for _, n := range r.Nodes {
		total += len(n.Input.Text) + len(n.Output.Text)
	}
	if total > maxRecord || total < maxRecord/2 {
		t.Errorf("the record has %d bytes of values", total)
	}
	if v := got["n29"].Output; v.Text != "" || v.Size != 60000 {
		t.Errorf("a value that came too late: %+v", v)
	}
	logs := got["talk"].Logs
	size := 0
	for _, line := range logs {
		size += len(line) - len("info: ")
	}
	if logs[0] != "info: "+strings.Repeat("x", 2000) || logs[len(logs)-1] != "info: (more lines are dropped)" || size > (32<<10)+100 {
		t.Errorf("%d lines of %d bytes, the last is %q", len(logs), size, logs[len(logs)-1])
	}
}

// TestRecordedLogs checks that records have the lines of all levels with their item, and the
// details of a crash.
func TestRecordedLogs(t *testing.T) {
	l := newLab(t, engine.Config{Globals: Workspace{"__secret_key": `"hush-hush"`}}, sandbox.Limits{})
	r := l.recordOf(Document("t>a a>b", Task("a", `"do":"log","level":"{{item}}","message":"with {{global.__secret_key}}"`, `"forEach":"{{trigger.data}}"`),
		Task("b", `"do":"panic"`)), `[0,3]`, nothing)
	got := NodesByID(r)
	if want := []string{"item 0: debug: with ***", "item 1: error: with ***"}; !slices.Equal(got["a"].Logs, want) {
		t.Errorf("lines %q", got["a"].Logs)
	}
	if b := got["b"]; b.Code != engine.CodeTrap || !strings.Contains(b.Detail, "on demand") || len(b.Detail) > maxDetail {
		t.Errorf("a crash: %+v", b)
	}
}

// TestResumedNodesShowNoSecrets checks that values of nodes that ran in an earlier process are
// masked as well, and that unknown inputs are not made up.
func TestResumedNodesShowNoSecrets(t *testing.T) {
	l := newLab(t, engine.Config{Globals: Workspace{"__secret_pin": `"12"`, "__secret_key": `"hush-hush"`}}, sandbox.Limits{})
	p := l.Program(Document("t>a a>b", Echo("a", `["{{global.__secret_pin}}","{{global.__secret_key}}","{{trigger.data}}"]`), Echo("b", `"{{steps.a.output}}"`)))
	ev := Event(t, `"x"`)
	e := WithSteps(Source(p.Plan, "exec-1", ev), []journal.Step{{Node: "a", Output: []byte(`["12","hush-hush","x"]`)}})
	lease, err := newJournal().Adopt(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	x := l.Engine.NewExecution(t.Context(), p, "exec-1", ev, lease)
	got := NodesByID(Of(t.Context(), x, x.Run()))
	if a := got["a"]; a.Output.Text != `["***","***","x"]` || a.Input != (journal.Value{}) {
		t.Errorf("%+v", a)
	}
	if b := got["b"]; b.Output.Text != `["***","***","x"]` || !b.Input.Masked {
		t.Errorf("%+v", b)
	}
}
