package record

import (
	"testing"

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
