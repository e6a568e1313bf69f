package catalog

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/internal/compiled"
	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/store"
)

// fixture is a catalog with its log and its calls of Keep.
type fixture struct {
	*Catalog
	logs *observer.ObservedLogs
	kept []string // calls of Keep
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	nodes := engine.NewNodes(nil)
	t.Cleanup(nodes.Release)
	core, logs := observer.New(zap.DebugLevel)
	f := &fixture{logs: logs}
	f.Catalog = New(Options{Nodes: nodes, Logger: zap.New(core), Keep: func(key string, value []byte, revision int64) {
		f.kept = append(f.kept, fmt.Sprintf("%s@%d %s", key, revision, value))
	}})
	return f
}

// put returns a batch of one entry.
func put(revision int64, key, value string) store.Batch {
	return store.Batch{Revision: revision, Put: []store.Entry{entry(revision, key, value)}}
}

func entry(revision int64, key, value string) store.Entry {
	return store.Entry{Key: key, Value: []byte(value), Revision: revision}
}

func del(revision int64, keys ...string) store.Batch {
	return store.Batch{Revision: revision, Delete: keys}
}

func reset(revision int64, entries ...store.Entry) store.Batch {
	return store.Batch{Reset: true, Revision: revision, Put: entries}
}

// show describes a workflow in one line: document and program by revision, its state, its secrets.
func show(w *Workflow) string {
	if w == nil {
		return "none"
	}
	var words []string
	words = append(words, fmt.Sprintf("%d/%d", w.Revision, w.Serving))
	if (w.Program != nil) != (w.Serving != 0) || w.Program != nil && w.Program.Plan.Revision != w.Serving {
		words = append(words, "MISMATCH")
	}
	if !w.Active {
		words = append(words, "inactive")
	}
	if !w.Webhook {
		words = append(words, "manual")
	}
	words = append(words, w.Scheme.Name())
	for _, k := range w.Keys {
		words = append(words, "["+string(k.Secret)+"]")
	}
	if len(w.Problems) > 0 {
		words = append(words, "invalid")
	}
	if w.SecretProblem != "" {
		words = append(words, "secret "+w.SecretProblem)
	}
	if w.Preparing != nil {
		words = append(words, "preparing")
	}
	return strings.Join(words, " ")
}

// codeNodes are the built-in node types.
func codeNodes(t testing.TB) *engine.Nodes {
	t.Helper()
	return codeNodesOf(t, newHost(t, nil))
}

// newHost returns a sandbox host with a memory budget.
func newHost(t testing.TB, b *sandbox.Budget) *sandbox.Host {
	t.Helper()
	dir, err := compiled.Dir()
	if err != nil {
		t.Fatal(err)
	}
	host, err := sandbox.New(sandbox.Options{CacheDir: dir, Budget: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return host
}

func codeNodesOf(t testing.TB, host *sandbox.Host) *engine.Nodes {
	t.Helper()
	loads := make(map[string]engine.Load)
	for _, f := range nodes.Builtin() {
		for _, n := range f.Types {
			loads[n.Name] = func() (*sandbox.Module, error) {
				return host.Load(context.Background(), sandbox.ModuleConfig{
					Type: n.Name, Source: "built in", Wasm: f.Wasm, Grants: hostapi.GrantsOf(n.Capabilities...), Offered: n.Name,
				})
			}
		}
	}
	types := engine.NewNodes(loads)
	t.Cleanup(types.Release)
	return types
}
