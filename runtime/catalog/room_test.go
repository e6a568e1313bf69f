package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// roomLimit is the memory budget of these tests. The snapshots of one document may take a quarter
// of it.
const roomLimit = 128 << 20

// keeping returns the source of a node whose prepared snapshot takes some megabytes.
func keeping(megabytes, value int) string {
	return fmt.Sprintf("const a = new Uint8Array(%de6).fill(%d)\nexport default () => a.length", megabytes, value)
}

// doorman blocks requests until it is closed.
type doorman struct{ came, closed chan struct{} }

func (d doorman) Do(context.Context, []byte, hostapi.HTTPOptions, []byte) ([]byte, error) {
	d.came <- struct{}{}
	<-d.closed
	return nil, context.Canceled
}

// occupy starts calls that take 50 MB each, until end is called.
func occupy(t *testing.T, b *sandbox.Budget, calls int) (end func()) {
	t.Helper()
	f, code, _ := nodes.Find("code")
	m, err := newHost(t, b).Load(t.Context(), sandbox.ModuleConfig{
		Type: "others", Wasm: f.Wasm, Grants: hostapi.GrantsOf(append([]string{"http"}, code.Capabilities...)...), Offered: code.Name,
	})
	if err != nil {
		t.Fatal(err)
	}
	d := doorman{make(chan struct{}), make(chan struct{})}
	p := m.NewPrepared([]byte(`{"source":"const a = new Uint8Array(5e7).fill(1); await fetch('http://a/'); return a"}`))
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			_, _ = p.Call(context.Background(), &hostapi.Session{Grants: m.Grants(), HTTP: d}, []byte(`{}`), nil)
		})
	}
	for range calls {
		<-d.came
	}
	end = sync.OnceFunc(func() {
		close(d.closed)
		all.Wait()
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return end
}

// A document for which others use the memory is not invalid: it is prepared when they end.
func TestOthersHaveTheMemory(t *testing.T) {
	t.Parallel()
	b := sandbox.NewBudget(roomLimit)
	types := codeNodesOf(t, newHost(t, b))
	f := newFixtureOf(t, types)
	end := occupy(t, b, 2)
	f.Apply(reset(1, entry(1, "workflows/w", plain)))
	f.Apply(put(2, "workflows/w", coded(keeping(25, 1), "return 1")))

	// The error says so, after a while.
	_, _, err := CompileNew(t.Context(), "new", 0, []byte(coded(keeping(25, 2))), types, nil)
	if full := (*sandbox.BudgetFullError)(nil); !errors.As(err, &full) || errors.As(err, new(*flow.DocumentError)) {
		t.Errorf("a new document: %v", err)
	}
	if got := show(f.Workflow("w")); got != "2/1 flowtrux preparing" {
		t.Errorf("beside others: %s", got)
	}
	end()
	f.settle(t)
	if got := show(f.Workflow("w")); got != "2/2 flowtrux" {
		t.Errorf("afterwards: %s: %v", got, f.Workflow("w").Problems)
	}
	if n := f.logs.FilterMessage("workflow rejected").Len(); n != 0 {
		t.Errorf("rejected %d times", n)
	}
}

// A new document whose nodes need more than its share is rejected, even if others use so much that
// it would not get that far.
func TestMoreThanItsShareBesideOthers(t *testing.T) {
	t.Parallel()
	b := sandbox.NewBudget(roomLimit)
	types := codeNodesOf(t, newHost(t, b))
	occupy(t, b, 1)
	_, _, err := CompileNew(t.Context(), "w", 0, []byte(coded(keeping(40, 1))), types, nil)
	if want := "all of them together may keep 33554432"; !errors.As(err, new(*flow.DocumentError)) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
