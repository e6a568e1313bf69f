package replay

import (
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

func TestMain(m *testing.M) { Main(m) }

// lab is a Lab whose executions are replayed.
type lab struct{ *Lab }

func newLab(t *testing.T, c engine.Config, limits sandbox.Limits) *lab {
	t.Helper()
	return &lab{NewLab(t, c, limits)}
}
