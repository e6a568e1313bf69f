package engine_test

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/record"
	"github.com/flowtrux/edge/runtime/replay"
)

func TestMain(m *testing.M) { Main(m) }

// recorded runs a document and returns its record as read back from JSON.
func recorded(l *Lab, document, body string) *journal.Record {
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

// wantSame replays all nodes of a record and expects the same results.
func wantSame(l *Lab, r *journal.Record) {
	l.Helper()
	for i := range r.Nodes {
		got := replay.Node(l.Context(), l.Nodes, &r.Nodes[i])
		if got.Incomparable != "" || fmt.Sprintf("%s", got.Recorded) != fmt.Sprintf("%s", got.Replayed) {
			l.Errorf("%s gave %s, and now %s %s", r.Nodes[i].ID, got.Recorded, got.Replayed, got.Incomparable)
		}
	}
}
