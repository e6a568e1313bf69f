package engine_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	. "github.com/flowtrux/edge/internal/enginetest"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// counted loads the module task and counts the loads. It fails while fail is set.
type counted struct {
	loads atomic.Int64
	fail  atomic.Bool
}

func (c *counted) load() (*sandbox.Module, error) {
	c.loads.Add(1)
	if c.fail.Load() {
		return nil, errors.New("no memory")
	}
	return Load("task", sandbox.Limits{})
}

// A module is loaded when the first document needs it, once for all documents.
func TestNodesAreLoadedWhenTheyAreWanted(t *testing.T) {
	var wanted, other counted
	n := engine.NewNodes(map[string]engine.Load{"task": wanted.load, "other": other.load})
	defer n.Release()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := n.Compile(t.Context(), flow.MaxPrepareFuel, PlanOf([]byte(Document("t>a", `{"id":"a","type":"task"}`)))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if wanted.loads.Load() != 1 || other.loads.Load() != 0 {
		t.Errorf("loaded %d times, and %d times what nobody wants", wanted.loads.Load(), other.loads.Load())
	}
}

// The modules of a document are loaded concurrently, up to the number of cores.
func TestNodesAreLoadedSideBySide(t *testing.T) {
	var begun sync.WaitGroup
	types := []string{"first", "second"}[:min(2, runtime.GOMAXPROCS(0))]
	begun.Add(len(types))
	loads := make(map[string]engine.Load)
	var edges, nodes []string
	for _, name := range types {
		loads[name] = func() (*sandbox.Module, error) {
			begun.Done()
			begun.Wait()
			return Load("task", sandbox.Limits{})
		}
		edges, nodes = append(edges, "t>"+name), append(nodes, fmt.Sprintf(`{"id":%q,"type":%q}`, name, name))
	}
	n := engine.NewNodes(loads)
	defer n.Release()
	if _, err := n.Compile(t.Context(), flow.MaxPrepareFuel, PlanOf([]byte(Document(strings.Join(edges, " "), nodes...)))); err != nil {
		t.Error(err)
	}
}

// A failed load is a problem of the documents that need the module. The module may be loaded later.
func TestNodesThatCannotBeLoaded(t *testing.T) {
	var c counted
	c.fail.Store(true)
	n := engine.NewNodes(map[string]engine.Load{"task": c.load})
	defer n.Release()
	compile := func() error {
		_, err := n.Compile(t.Context(), flow.MaxPrepareFuel, PlanOf([]byte(Document("t>a", `{"id":"a","type":"task"}`))))
		return err
	}
	if err := compile(); err == nil || !strings.Contains(err.Error(), `nodes[1].type: node type "task" cannot be used: no memory`) {
		t.Error(err)
	}
	c.fail.Store(false)
	if err := compile(); err != nil {
		t.Error(err)
	}
}

// After the last release nobody would close a loaded module.
func TestNodesThatHaveEndedLoadNothing(t *testing.T) {
	var c counted
	n := engine.NewNodes(map[string]engine.Load{"task": c.load})
	n.Release()
	if err := n.Load("task"); !errors.Is(err, engine.ErrGone) || c.loads.Load() != 0 {
		t.Errorf("%v, loaded %d times", err, c.loads.Load())
	}
}
