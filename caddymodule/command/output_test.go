package command

import (
	"slices"
	"strings"
	"testing"

	"github.com/flowtrux/edge/caddymodule/adminapi"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/journal"
)

// TestOutputIsText: names, paths and reasons come from others; a terminal must not interpret them.
func TestOutputIsText(t *testing.T) {
	var w strings.Builder
	table(&w, []string{"NAME", "MODE"}, [][]cell{textCells("\x1b[31mred\nline\u009b2J", "minimal")})
	if want := "NAME           MODE\n[31mredline2J  minimal\n"; w.String() != want {
		t.Errorf("the table is %q, want %q", w.String(), want)
	}
	w.Reset()
	printProblems(&w, "orders.json", []adminapi.Problem{{Path: "nodes[0].\x1b]0;title\a", Reason: "unknown\r key"}})
	if want := "orders.json: nodes[0].]0;title: unknown key\n"; w.String() != want {
		t.Errorf("the problem is %q, want %q", w.String(), want)
	}
}

// TestProblemsAreAligned: the reasons of a document's problems are in one column.
func TestProblemsAreAligned(t *testing.T) {
	var w strings.Builder
	printProblems(&w, "a.json", []adminapi.Problem{
		{Path: "nodes[0].onErr", Reason: "unknown key"},
		{Path: "edges", Reason: "is required", Line: 1, Column: 12},
		{Path: strings.Repeat("x", 120), Reason: "too long to align"},
		{Reason: "no path"},
	})
	want := "a.json: nodes[0].onErr: unknown key\n" +
		"a.json:1:12: edges:     is required\n" +
		"a.json: " + strings.Repeat("x", 120) + ": too long to align\n" +
		"a.json:                 no path\n"
	if w.String() != want {
		t.Errorf("the problems are\n%swant\n%s", w.String(), want)
	}
}

// TestManyProblemsSaySo: of a document that has as many problems as are listed, there may be more.
func TestManyProblemsSaySo(t *testing.T) {
	for n, want := range map[int]string{
		flow.MaxProblems - 1: "a.json: is wrong\n",
		flow.MaxProblems:     "a.json: there may be more problems: at most 50 are listed\n",
	} {
		var w strings.Builder
		printProblems(&w, "a.json", slices.Repeat([]adminapi.Problem{{Reason: "is wrong"}}, n))
		if _, last, _ := strings.Cut(w.String(), strings.Repeat("a.json: is wrong\n", flow.MaxProblems-1)); !strings.HasSuffix(w.String(), want) {
			t.Errorf("behind %d problems: %q, want %q", n, last, want)
		}
	}
}

// TestCutRecordsSaySo: a cut record says so once, and at each value that is missing.
func TestCutRecordsSaySo(t *testing.T) {
	r := &journal.Record{Cut: true, Nodes: []journal.NodeRecord{{
		ID: "a", Type: "transform", State: "completed", Input: journal.Value{Cut: true}, Output: journal.Value{Text: "1"},
	}}}
	var w strings.Builder
	printRecord(&w, r)
	for _, want := range []string{"cut         recording all of it", "input  (not recorded)", "output 1"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("%q is not in\n%s", want, w.String())
		}
	}
}

// TestRecordsNameMachines: an execution that several machines worked on says which did what.
func TestRecordsNameMachines(t *testing.T) {
	r := &journal.Record{Summary: journal.Summary{Machine: "edge-1"}, Nodes: []journal.NodeRecord{
		{ID: "a", Type: "transform", State: "completed"}, {ID: "b", Type: "code", State: "failed", Machine: "edge-\x1b2"},
	}}
	var w strings.Builder
	printRecord(&w, r)
	for _, want := range []string{"Z by edge-1\n", "a (transform) completed\n", "b (code) failed on edge-2\n"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("%q is not in\n%s", want, w.String())
		}
	}
}
