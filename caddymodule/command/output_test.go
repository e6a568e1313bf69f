package command

import (
	"strings"
	"testing"

	"github.com/flowtrux/edge/runtime/journal"
)

// Names of workflows, paths and reasons have what others wrote, which a terminal must not obey.
func TestOutputIsText(t *testing.T) {
	var w strings.Builder
	table(&w, []string{"NAME", "MODE"}, [][]cell{{c("\x1b[31mred\nline\u009b2J"), c("minimal")}})
	if want := "NAME           MODE\n[31mredline2J  minimal\n"; w.String() != want {
		t.Errorf("the table is %q, want %q", w.String(), want)
	}
	w.Reset()
	printProblems(&w, "orders.json", []problem{{Path: "nodes[0].\x1b]0;title\a", Reason: "unknown\r key"}})
	if want := "orders.json: nodes[0].]0;title: unknown key\n"; w.String() != want {
		t.Errorf("the problem is %q, want %q", w.String(), want)
	}
}

// TestCutRecordsSaySo: in general, and of each value.
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
