//go:build unix

package postgres

import (
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

func leave(t *testing.T, l journal.Lease) {
	t.Helper()
	must(t, "leaving", journal.LeaverOf(l).Leave(t.Context()))
	must(t, "leaving again", journal.LeaverOf(l).Leave(t.Context()))
}

// TestLeft: a machine that cannot run a document leaves its entries to the others, and does not
// claim them until it is configured anew. To be left is no death.
func TestLeft(t *testing.T) {
	a, b := open(t, "a", time.Minute), open(t, "b", time.Minute)
	first, second, other := entryOf("order", 1), entryOf("order", 2), entryOf("order", 3)
	other.Document = []byte(`{"nodes":[1]}`)
	for _, e := range []*journal.Entry{first, second, other} {
		must(t, "accepting", a.Accept(t.Context(), e))
	}
	l := claim(t, b, first.ID)
	must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "one", Output: []byte("1")}))
	leave(t, l)
	wantError(t, "checkpointing what was left", l.Checkpoint(t.Context(), journal.Step{Node: "two"}), journal.ErrLeaseLost)
	// The second one is of the same document, and before the other.
	must(t, "finishing", claim(t, b, other.ID).Finish(t.Context(), succeeded()))
	l = claim(t, a, first.ID)
	if e := l.Entry(); e.Deaths != 0 || len(e.Steps) != 1 {
		t.Errorf("left with %d deaths and the steps %v", e.Deaths, e.Steps)
	}
	must(t, "finishing", l.Finish(t.Context(), succeeded()))
	b.Configure(Limits{})
	must(t, "finishing", claim(t, b, second.ID).Finish(t.Context(), succeeded()))
}

// TestNobody: an entry that no machine can run ends when most of the retention is over, and not
// while a machine lives that has not tried it.
func TestNobody(t *testing.T) {
	a, b := open(t, "a", 2*time.Second), open(t, "b", 2*time.Second)
	e := entryOf("order", 1)
	must(t, "accepting", a.Accept(t.Context(), e))
	leave(t, claim(t, b, e.ID))
	_, err := a.pool.Exec(t.Context(), a.sql("update {s}.pending set accepted = $1", 0), nanos(time.Now().Add(-60*time.Hour)))
	must(t, "making it old", err)
	c := open(t, "c", 2*time.Second)
	leave(t, claim(t, a, e.ID))
	l := claim(t, c, e.ID)
	err = journal.LeaverOf(l).Leave(t.Context())
	wantError(t, "leaving what nobody can run", err, journal.ErrNobody)
	must(t, "releasing", l.Release(t.Context(), 0))
	l = claim(t, a, e.ID) // as it is found by all
	wantError(t, "leaving what nobody can run", journal.LeaverOf(l).Leave(t.Context()), journal.ErrNobody)
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{
		Outcome: journal.Outcome{Status: journal.Failed, Code: "node_unavailable"},
	}}))
	r, err := b.Get(t.Context(), e.ID)
	must(t, "reading", err)
	if r.Code != "node_unavailable" {
		t.Errorf("it ended as %+v", r.Outcome)
	}
}

func succeeded() *journal.Record {
	return &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}
}
