package response

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// plan is a workflow with a branch: trigger, then a and b, then c after b.
func plan(w *flow.Webhook) *flow.Plan {
	return &flow.Plan{ID: "order-intake", Webhook: w, Nodes: []flow.Node{
		{ID: "trigger", Name: "Webhook"}, {ID: "a", Name: "A \"quoted\""}, {ID: "b", Name: "Übung"}, {ID: "c", Name: "c"},
	}}
}

func webhook(mode flow.Mode) *flow.Webhook {
	return &flow.Webhook{Mode: mode, ResponseNode: -1, StatusCode: 200}
}

func event() *flow.Event {
	return &flow.Event{Data: []byte(`{"n":1.50,"_query":{}}`), Query: []byte(`{}`)}
}

func completed(output string) engine.NodeResult {
	return engine.NodeResult{State: engine.Completed, Output: []byte(output), Attempts: 1}
}

func succeeded(nodes ...engine.NodeResult) *engine.Result {
	return &engine.Result{
		ID: "exec-1", Status: engine.Succeeded, Failing: -1,
		Nodes: append([]engine.NodeResult{{State: engine.Completed}}, nodes...),
	}
}

// text returns a response as it is sent.
func text(a Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n", a.Status)
	for _, f := range slices.SortedFunc(slices.Values(a.Header), func(x, y flow.HeaderField) int { return strings.Compare(x.Name, y.Name) }) {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", a.Body)
	return b.String()
}

func golden(t *testing.T, name string, a Response) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	got := text(a)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
	}
}

func TestGolden(t *testing.T) {
	skipped := engine.NodeResult{State: engine.Skipped}
	all := succeeded(completed(`{"x":[1, 2]}`), completed(`"text\n"`), completed(`null`))
	branch := succeeded(completed(`1e400`), completed(`"b"`), skipped)
	nodeFailed := &engine.Result{ID: "exec-1", Status: engine.Failed, Failing: 2, Nodes: []engine.NodeResult{
		{State: engine.Completed},
		completed(`1`),
		{State: engine.NodeFailed, Err: &engine.NodeError{Code: "http_status", Message: `the answer was "503"`, Detail: errors.New("topsecret at 10.0.0.1")}},
		{State: engine.Stopped},
	}}
	ended := func(status engine.Status) *engine.Result {
		return &engine.Result{ID: "exec-1", Status: status, Failing: 1, Nodes: []engine.NodeResult{
			{State: engine.Completed}, {State: engine.NodeFailed, Err: &engine.NodeError{Message: "cut off"}}, {}, {},
		}}
	}
	specific := webhook(flow.SpecificNode)
	specific.ResponseNode = 1
	skips := webhook(flow.SpecificNode)
	skips.ResponseNode = 3
	first := webhook(flow.SpecificNode)
	first.ResponseNode = 0
	custom := func(mode flow.Mode, status int, fields ...flow.HeaderField) *flow.Webhook {
		return &flow.Webhook{Mode: mode, ResponseNode: -1, StatusCode: status, Header: fields}
	}
	field := func(name, value string) flow.HeaderField { return flow.HeaderField{Name: name, Value: value} }
	plain := field("Content-Type", "text/plain; charset=utf-8")

	for name, a := range map[string]Response{
		"accepted":             Accepted(plan(custom(flow.Minimal, 201, field("X-Flow", "ok"))), "exec-1"),
		"accepted-204":         Accepted(plan(custom(flow.Minimal, 204, field("X-Flow", "ok"))), "exec-1"),
		"accepted-own-type":    Accepted(plan(custom(flow.Minimal, 200, field("Content-Type", "application/vnd.acme+json"))), "exec-1"),
		"accepted-late":        AcceptedLate(plan(custom(flow.LastNode, 201, field("X-Flow", "ok"))), "exec-1"),
		"minimal":              Of(plan(webhook(flow.Minimal)), "", all, event()),
		"last-node":            Of(plan(webhook(flow.LastNode)), "", all, event()),
		"last-node-branch":     Of(plan(webhook(flow.LastNode)), "", branch, event()),
		"last-node-trigger":    Of(plan(webhook(flow.LastNode)), "", succeeded(skipped, skipped, skipped), event()),
		"last-node-text":       Of(plan(custom(flow.LastNode, 200, plain)), "", branch, event()),
		"last-node-text-json":  Of(plan(custom(flow.LastNode, 200, field("Content-Type", "Application/JSON ;x=y"))), "", branch, event()),
		"last-node-text-null":  Of(plan(custom(flow.LastNode, 200, plain)), "", all, event()),
		"last-node-204":        Of(plan(custom(flow.LastNode, 204)), "", all, event()),
		"last-node-205":        Of(plan(custom(flow.LastNode, 205)), "", all, event()),
		"last-node-304":        Of(plan(custom(flow.LastNode, 304, field("Etag", `"1"`))), "", all, event()),
		"last-node-headers":    Of(plan(custom(flow.LastNode, 418, field("X-Execution-Id", "mine"), field("X-Content-Type-Options", "none"))), "", all, event()),
		"last-node-no-webhook": Of(plan(nil), "", branch, event()),
		"specific-node":        Of(plan(specific), "", all, event()),
		"specific-trigger":     Of(plan(first), "", all, event()),
		"specific-skipped":     Of(plan(skips), "", branch, event()),
		"specific-none":        Of(plan(webhook(flow.LastNode)), flow.SpecificNode, all, event()),
		"all-nodes":            Of(plan(webhook(flow.AllNodes)), "", all, event()),
		"all-nodes-branch":     Of(plan(webhook(flow.LastNode)), flow.AllNodes, branch, event()),
		"all-nodes-no-webhook": Of(plan(nil), flow.AllNodes, branch, event()),
		"failed":               Of(plan(custom(flow.LastNode, 200, plain, field("X-Flow", "ok"), field("X-Execution-Id", "mine"))), "", nodeFailed, event()),
		"failed-minimal":       Of(plan(custom(flow.Minimal, 204)), "", nodeFailed, event()),
		"cancelled":            Of(plan(webhook(flow.LastNode)), "", ended(engine.Cancelled), event()),
		"timed-out":            Of(plan(custom(flow.AllNodes, 200, field("X-Flow", "ok"))), "", ended(engine.TimedOut), event()),
		"failed-nowhere":       Of(plan(nil), "", &engine.Result{ID: "exec-1", Status: engine.Failed, Failing: -1}, event()),
	} {
		golden(t, name, a)
	}
}

// TestNothingElseIsSuccess: only an execution that succeeded may look like one.
func TestNothingElseIsSuccess(t *testing.T) {
	for _, mode := range []flow.Mode{"", flow.Minimal, flow.LastNode, flow.SpecificNode, flow.AllNodes} {
		for _, status := range []engine.Status{engine.Pending, engine.Running, engine.Failed, engine.Cancelled, engine.TimedOut, ""} {
			a := Of(plan(webhook(flow.LastNode)), mode, &engine.Result{ID: "exec-1", Status: status, Failing: -1}, event())
			if a.Status < 500 || a.Header.Get("X-Execution-Id") != "exec-1" || a.Header.Get("Content-Type") != contentType {
				t.Errorf("%q %q: %d %v", mode, status, a.Status, a.Header)
			}
		}
	}
}

func TestResultIsNotChanged(t *testing.T) {
	r := succeeded(completed(`"a"`), completed(`"b"`), completed(`"c"`))
	ev := event()
	w := webhook(flow.LastNode)
	w.Header = []flow.HeaderField{{Name: "Content-Type", Value: "text/plain"}}
	for _, mode := range []flow.Mode{flow.LastNode, flow.AllNodes} {
		a := Of(plan(w), mode, r, ev)
		a.Header.Set("Content-Type", "other")
		_ = append(a.Body, "more"...)
	}
	if string(r.Nodes[3].Output) != `"c"` || string(ev.Data) != string(event().Data) || w.Header[0].Value != "text/plain" {
		t.Errorf("%s %s %v", r.Nodes[3].Output, ev.Data, w.Header)
	}
	if a := Of(plan(w), flow.LastNode, r, ev); a.Status != http.StatusOK || string(a.Body) != "c" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func BenchmarkOf(b *testing.B) {
	p, r, ev := plan(webhook(flow.AllNodes)), succeeded(completed(`{"x":[1,2]}`), completed(`"b"`), completed(`null`)), event()
	b.ReportAllocs()
	for b.Loop() {
		Of(p, "", r, ev)
	}
}
