package executor

import (
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestMain(m *testing.M) { Main(m) }

// lab is a Lab with helpers for tests of an executor.
type lab struct{ *Lab }

func newLab(t *testing.T, c engine.Config, limits sandbox.Limits) *lab {
	t.Helper()
	return &lab{NewLab(t, c, limits)}
}

// wantNoReferences releases the lab's own reference to its nodes and expects that there is no
// other.
func (l *lab) wantNoReferences() {
	l.Helper()
	l.End()
	if l.Nodes.Acquire() {
		l.Error("references on the nodes are held")
	}
}
