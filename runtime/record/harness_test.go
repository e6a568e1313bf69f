package record

import (
	"testing"
	"time"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestMain(m *testing.M) { Main(m) }

// lab is a Lab with helpers for tests of records.
type lab struct{ *Lab }

func newLab(t *testing.T, c engine.Config, limits sandbox.Limits) *lab {
	t.Helper()
	return &lab{NewLab(t, c, limits)}
}

func newJournal() journal.Journal { return memory.New(memory.Options{AcceptLoss: true}) }

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatal("waiting in vain")
		panic("unreachable")
	}
}

// withSteps returns an entry with steps of an earlier run.
func withSteps(e *journal.Entry, steps []journal.Step) *journal.Entry {
	e.Steps = steps
	return e
}
