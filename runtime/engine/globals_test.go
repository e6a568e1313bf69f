package engine_test

import (
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/replay"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func read(id, key string, more ...string) string {
	return Task(id, `"do":"read","key":"`+key+`"`, more...)
}

// TestGlobalsOfNodes checks that nodes can read globals that are not secret, and add to numbers.
// Records contain all of it, so that the calls can be replayed.
func TestGlobalsOfNodes(t *testing.T) {
	const key = "hush-hush-hush"
	l := NewLab(t, engine.Config{Globals: Workspace{"rate": `{"eur":1.50}`, "orders": `41`, "__secret_key": `"` + key + `"`, "none": `null`}}, sandbox.Limits{})
	r := recorded(l, Document("t>a t>b t>c t>d t>e t>f t>g", read("a", "rate"), read("b", "missing"), read("c", "__secret_key", Continues),
		Task("d", `"do":"add","key":"orders","by":1`), Task("e", `"do":"add","key":"{{item}}","by":-2`, `"forEach":"{{trigger.data}}"`),
		Task("f", `"do":"add","key":"rate","by":1`, Continues), read("g", "none")), `["orders","new"]`)
	refused := `{"error":{"code":"global_not_allowed","message":"secret globals cannot be read"}}`
	for i, want := range []struct{ output, request, answer, code string }{
		{`{"eur":1.50}`, `{"key":"rate"}`, `{"eur":1.50}`, ""},
		{`null`, `{"key":"missing"}`, ``, ""},
		{refused, `{"key":"__secret_key"}`, ``, "global_not_allowed"},
		{`42`, `{"key":"orders","by":1}`, `42`, ""},
		{`[39,-2]`, `{"key":"orders","by":-2}`, `39`, ""},
		{`{"error":{"code":"global_not_integer","message":"the global is not an integer of 64 bits"}}`, `{"key":"rate","by":1}`, ``, "global_not_integer"},
		{`null`, `{"key":"none"}`, `null`, ""},
	} {
		n := &r.Nodes[i]
		if n.Output.Text != want.output || len(n.Calls) == 0 || len(n.Calls[0].Host) != 1 {
			t.Errorf("%s gave %+v in %+v", n.ID, n.Output, n.Calls)
			continue
		}
		if h := n.Calls[0].Host[0]; h.Request.Text != want.request || h.Answer.Text != want.answer || h.Code != want.code {
			t.Errorf("%s is recorded as %+v", n.ID, h)
		}
	}
	wantSame(l, r)

	// a replay uses the record, not the current globals
	for i, changed := range map[int]string{0: `2`, 3: `7`} {
		n := r.Nodes[i]
		n.Calls[0].Host[0].Answer.Text = changed
		if got := replay.Node(t.Context(), l.Nodes, &n); string(got.Replayed.Output) != changed {
			t.Errorf("%s repeated gives %+v, not what is recorded", n.ID, got.Replayed)
		}
	}
}

// TestReadGlobalsWithSecrets checks that a value containing a resolved secret is masked in the
// record. So the call cannot be replayed.
func TestReadGlobalsWithSecrets(t *testing.T) {
	l := NewLab(t, engine.Config{Globals: Workspace{"note": `"with hush-hush-hush"`, "__secret_key": `"hush-hush-hush"`}}, sandbox.Limits{})
	r := recorded(l, Document("t>a a>b", Echo("a", `"{{global.__secret_key}}"`), read("b", "note")), `{}`)
	if h := r.Nodes[1].Calls[0].Host[0]; h.Answer.Text != `"with ***"` || !h.Answer.Masked {
		t.Errorf("recorded %+v", h)
	}
	if got := replay.Node(t.Context(), l.Nodes, &r.Nodes[1]); got.Incomparable != "a response that it got holds secrets, which are masked" {
		t.Errorf("%+v", got)
	}
}
