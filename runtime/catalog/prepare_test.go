package catalog

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/sandbox"
	"github.com/flowtrux/edge/runtime/store"
)

// endless is a source that prepares for longer than any test waits. It fills memory, which costs
// little fuel.
const endless = "const a = new Uint8Array(3e7); for (;;) a.fill(1)\nexport default () => 1"

// coded returns a webhook's document with a code node for each source.
func coded(sources ...string) string {
	var nodes, edges strings.Builder
	for i, source := range sources {
		fmt.Fprintf(&nodes, `,{"id":"n%d","type":"code","config":{"source":%q}}`, i, source)
		fmt.Fprintf(&edges, `,{"source":"trigger","target":"n%d"}`, i)
	}
	return `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook"}}` + nodes.String() + `],"edges":[` + strings.TrimPrefix(edges.String(), ",") + `]}`
}

// counting returns the source of a node that counts the given number of rounds while it is
// prepared.
func counting(n int) string {
	return fmt.Sprintf("let n = %d; while (n) n--;\nexport default () => n", n)
}

// newPreparing returns a catalog with the type code loaded.
func newPreparing(t testing.TB) *fixture {
	t.Helper()
	nodes := codeNodes(t)
	if err := nodes.Load("code"); err != nil {
		t.Fatal(err)
	}
	return newFixtureOf(t, nodes)
}

func newFixtureOf(t testing.TB, nodes *engine.Nodes) *fixture {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	f := &fixture{logs: logs}
	f.Catalog = New(Options{Nodes: nodes, Logger: zap.New(core), Keep: func(key string, value []byte, revision int64) {
		f.kept = append(f.kept, fmt.Sprintf("%s@%d %s", key, revision, value))
	}})
	t.Cleanup(f.Close)
	return f
}

// settle waits until nothing is being prepared.
func (f *fixture) settle(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := f.Settled(ctx); err != nil {
		t.Fatal("not settled: ", err)
	}
}

// settleOne waits until one workflow is not being prepared.
func (f *fixture) settleOne(t testing.TB, id string) *Workflow {
	t.Helper()
	for {
		w := f.Workflow(id)
		if w == nil || w.Preparing == nil {
			return w
		}
		select {
		case <-w.Preparing:
		case <-time.After(time.Minute):
			t.Fatalf("%s is still being prepared", id)
		}
	}
}

// Preparing holds up nothing else: no secrets, globals, deletions or other documents, not even
// documents that must be prepared themselves.
func TestNobodyWaitsForAnotherDocument(t *testing.T) {
	f := newPreparing(t)
	content := []store.Entry{entry(1, "globals/g", "1"), entry(2, "workflows/other", plain), entry(3, "secrets/other", "old")}
	for i := range 40 { // more than goroutines
		content = append(content, entry(int64(10+i), fmt.Sprintf("workflows/slow%d", i), coded(fmt.Sprintf("%s + %d", endless, i))))
	}
	f.Apply(reset(50, content...))
	select {
	case <-f.Ready():
	default:
		t.Error("not ready")
	}
	if got := show(f.Workflow("other")); got != "2/2 flowtrux [old]" {
		t.Errorf("another workflow: %s", got)
	}
	if got := show(f.Workflow("slow7")); got != "17/0 flowtrux preparing" {
		t.Errorf("a slow one: %s", got)
	}
	f.Apply(put(51, "secrets/other", "new"))
	f.Apply(put(52, "globals/g", "2"))
	f.Apply(put(53, "secrets/slow7", "s"))
	f.Apply(put(54, "workflows/third", github))
	f.Apply(del(55, "workflows/slow8"))
	if v, _ := f.Global("g"); string(v) != "2" || show(f.Workflow("other")) != "2/2 flowtrux [new]" || show(f.Workflow("third")) != "54/54 github" ||
		show(f.Workflow("slow7")) != "17/0 flowtrux [s] preparing" || f.Workflow("slow8") != nil {
		t.Errorf("global %s, %s, %s, %s", v, show(f.Workflow("other")), show(f.Workflow("third")), show(f.Workflow("slow7")))
	}
	f.Apply(put(56, "workflows/quick", coded("return 1", "return 2")))
	if got := show(f.settleOne(t, "quick")); got != "56/56 flowtrux" {
		t.Errorf("one that is prepared in a moment: %s", got)
	}
}

// A type that is being loaded holds up only the documents that use it.
func TestNobodyWaitsForALoad(t *testing.T) {
	host, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	begun, release := make(chan struct{}), make(chan struct{})
	loads := map[string]engine.Load{"slow": func() (*sandbox.Module, error) {
		close(begun)
		<-release
		return nil, fmt.Errorf("not today")
	}}
	file, code, _ := nodes.Find("code")
	loads["code"] = func() (*sandbox.Module, error) {
		return host.Load(context.Background(), sandbox.ModuleConfig{
			Type: "code", Source: "built in", Wasm: file.Wasm, Grants: hostapi.GrantsOf(code.Capabilities...), Offered: code.Name,
		})
	}
	types := engine.NewNodes(loads)
	t.Cleanup(func() {
		types.Release()
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f := newFixtureOf(t, types)
	wants := func(types ...string) string {
		var nodes, edges strings.Builder
		for i, typ := range types {
			fmt.Fprintf(&nodes, `,{"id":"n%d","type":"%s","config":{"source":"return 1"}}`, i, typ)
			fmt.Fprintf(&edges, `,{"source":"trigger","target":"n%d"}`, i)
		}
		return `{"nodes":[{"id":"trigger","type":"trigger","config":{"triggerType":"webhook"}}` + nodes.String() + `],"edges":[` + edges.String()[1:] + `]}`
	}
	f.Apply(reset(5, entry(1, "workflows/a", wants("slow")), entry(2, "workflows/b", wants("slow", "code")), entry(3, "workflows/c", wants("code"))))
	<-begun
	f.Apply(put(6, "workflows/d", plain))
	if got := show(f.Workflow("d")); got != "6/6 flowtrux" {
		t.Errorf("one that wants no type: %s", got)
	}
	if got := show(f.settleOne(t, "c")); got != "3/3 flowtrux" {
		t.Errorf("one that wants another type: %s", got)
	}
	for _, id := range []string{"a", "b"} {
		if f.Workflow(id).Preparing == nil {
			t.Errorf("%s: %s", id, show(f.Workflow(id)))
		}
	}
	close(release)
	f.settle(t)
	for id, want := range map[string]string{
		"a": `nodes[1].type: node type "slow" cannot be used: not today`, "b": `nodes[1].type: node type "slow" cannot be used: not today`,
	} {
		if p := f.Workflow(id).Problems; len(p) != 1 || p[0].String() != want {
			t.Errorf("%s: %v", id, p)
		}
	}
}

// While a version is prepared, the last valid one serves and is passed to Keep. A newer document or
// a deletion ends that.
func TestPreparingIsGivenUp(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1, entry(1, "workflows/w", github)))
	f.Apply(put(2, "workflows/w", coded(endless)))
	if got := show(f.Workflow("w")); got != "2/1 github preparing" {
		t.Errorf("a version that is being prepared: %s", got)
	}
	if want := []string{"workflows/w@1 " + github}; fmt.Sprint(f.kept) != fmt.Sprint(want) {
		t.Errorf("kept %q", f.kept)
	}
	first := f.Workflow("w").Preparing
	f.Apply(put(3, "workflows/w", coded(endless+" + 1")))
	<-first
	f.Apply(put(4, "workflows/w", plain))
	if got := show(f.Workflow("w")); got != "4/4 flowtrux" {
		t.Errorf("after one that is not: %s", got)
	}
	if n := len(f.kept); n != 2 || f.kept[1] != "workflows/w@0 " {
		t.Errorf("kept %q", f.kept)
	}
	f.Apply(put(5, "workflows/w", coded(endless)))
	first = f.Workflow("w").Preparing
	f.Apply(del(6, "workflows/w"))
	<-first
	f.Apply(put(7, "workflows/w", coded(endless)))
	if got := show(f.Workflow("w")); got != "7/0 flowtrux preparing" {
		t.Errorf("after a deletion: %s", got)
	}
	f.Apply(reset(8))
	f.settle(t)
}

// In place of an invalid document the newest valid one before it serves, even one that was being
// prepared.
func TestInvalidAfterOneThatIsPrepared(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1, entry(1, "workflows/w", github)))
	f.Apply(put(2, "workflows/w", coded(counting(1_000_000))))
	f.Apply(put(3, "workflows/w", broken))
	if w := f.Workflow("w"); len(w.Problems) == 0 {
		t.Errorf("what is wrong is not known yet: %s", show(w))
	}
	f.settle(t)
	if got := show(f.Workflow("w")); got != "3/2 flowtrux invalid" {
		t.Error(got)
	}
	if n := f.logs.FilterMessage("workflow rejected").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// Documents that are replaced faster than they are prepared do not pile up.
func TestVersionsAreBounded(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1))
	for i := range int64(100) {
		f.Apply(put(2+i, "workflows/w", coded(fmt.Sprintf("%s + %d", endless, i))))
	}
	f.mu.Lock()
	n, queued := len(f.preparing["w"].entries), len(f.preparing)
	f.mu.Unlock()
	if n != maxVersions || queued != 1 {
		t.Errorf("%d versions of %d tasks", n, queued)
	}
}

// A task that takes several turns ends with the same result, whatever other tasks do.
func TestPreparingTakesTurns(t *testing.T) {
	f := newPreparing(t)
	var content []store.Entry
	for i := range 6 {
		content = append(content, entry(int64(1+i), fmt.Sprintf("workflows/w%d", i), coded(counting(400_000+i), "return 1", counting(600_000+i))))
	}
	f.Apply(reset(10, content...))
	f.mu.Lock()
	tasks := slices.Collect(maps.Values(f.preparing))
	f.mu.Unlock()
	f.settle(t)
	for _, task := range tasks {
		if task.ctx.Err() == nil {
			t.Errorf("the context of %s has not ended", task.id)
		}
	}
	for _, w := range f.List() {
		if w.Program == nil || w.Problems != nil {
			t.Fatal(show(w), w.Problems)
		}
		p, _, err := Compile(t.Context(), w.ID, 1, w.Document, f.options.Nodes)
		if err != nil {
			t.Fatal(err)
		}
		if took, want := w.Program.Plan.PrepareFuel, p.Plan.PrepareFuel; took != want || took < 1e9 {
			t.Errorf("%s took %d units of fuel, %d at once", w.ID, took, want)
		}
	}
}

// Close ends preparing. Workflows that serve stay.
func TestCloseWhilePreparing(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1, entry(1, "workflows/w", coded(endless)), entry(2, "workflows/v", plain)))
	f.Close()
	if got := show(f.Workflow("v")); got != "2/2 flowtrux" {
		t.Error(got)
	}
	if n := f.logs.FilterMessage("workflow rejected").Len(); n != 0 {
		t.Error("what was given up is called invalid")
	}
}

// When the configuration ends, tasks that are given up do not make documents invalid.
func TestTheConfigurationEndsWhilePreparing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	core, logs := observer.New(zap.DebugLevel)
	c := New(Options{Nodes: codeNodes(t), Logger: zap.New(core), Context: ctx})
	c.Apply(reset(1, entry(1, "workflows/w", coded(endless)), entry(2, "workflows/v", coded("return 1"))))
	cancel()
	c.Close()
	if n := logs.FilterMessage("workflow rejected").Len(); n != 0 {
		t.Error("what was given up is called invalid")
	}
}

// TestOrder applies random changes, with and without waiting between them. The final content must
// be the same.
func TestOrder(t *testing.T) {
	types := codeNodes(t)
	documents := []string{
		plain, github, broken, brokenWithKey, inactive, withKey, coded("return 1"), coded("return ("), coded(counting(1000), "return 2"),
		coded(counting(300_000)), coded(counting(200_000), counting(150_000), "return 3"), coded("return 1", "throw 1; export default 1"),
	}
	for range 15 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		var batches []store.Batch
		last := make(map[string]store.Entry)
		for r := int64(1); r < 25; r++ {
			key := []string{"workflows/", "workflows/", "workflows/", "secrets/"}[random.IntN(4)] + []string{"a", "b", "c"}[random.IntN(3)]
			switch e := entry(r, key, documents[random.IntN(len(documents))]); random.IntN(8) {
			case 0:
				batches = append(batches, del(r, key))
				delete(last, key)
			case 1:
				b := reset(r)
				for _, e := range last {
					b.Put = append(b.Put, e)
				}
				batches = append(batches, b)
			default:
				if strings.HasPrefix(key, "secrets/") {
					e.Value = fmt.Appendf(nil, "secret %d", r)
				}
				last[key] = e
				batches = append(batches, store.Batch{Revision: r, Put: []store.Entry{e}})
			}
		}
		atOnce, each := newFixtureOf(t, types), newFixtureOf(t, types)
		for i, b := range batches {
			each.Apply(b)
			each.settle(t)
			atOnce.Apply(b)
			if i%6 == 5 && random.IntN(2) == 0 { // sometimes in the middle
				atOnce.settle(t)
			}
		}
		atOnce.settle(t)
		var got, want []string
		for _, w := range atOnce.List() {
			got = append(got, w.ID+" "+show(w))
		}
		for _, w := range each.List() {
			want = append(want, w.ID+" "+show(w))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("seed %d: got\n%s\nwant\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got, want := fmt.Sprint(atOnce.Catalog.kept), fmt.Sprint(each.Catalog.kept); got != want {
			t.Errorf("seed %d: kept %s, want %s", seed, got, want)
		}
	}
}

// Readers see consistent workflows while these are prepared.
func TestReadersWhilePreparing(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1, entry(1, "secrets/w", "s")))
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if w := f.Workflow("w"); w != nil && (len(w.Keys) != 1 || w.Scheme == nil || w.Program == nil && w.Preparing == nil) {
					t.Errorf("%s, %v", show(w), w.Problems)
					return
				}
				f.List()
			}
		})
	}
	for i := range int64(30) {
		f.Apply(put(2+i, "workflows/w", coded(counting(int(20_000+i)))))
		f.settle(t)
	}
	close(stop)
	readers.Wait()
}

// One Apply compiles no more than atOnce bytes itself. The rest follows on other goroutines.
func TestOneApplyCompilesSoMuch(t *testing.T) {
	f := newPreparing(t)
	large := `{"metadata":"` + strings.Repeat("x", flow.MaxDocument-len(plain)-len(`"metadata":"",`)) + `",` + plain[1:]
	const now, later = atOnce / flow.MaxDocument, 3
	var content []store.Entry
	for i := range int64(now + later) {
		content = append(content, entry(1+i, fmt.Sprintf("workflows/w%d", i), large))
	}
	f.Apply(reset(10, content...))
	summary := f.logs.FilterMessage("store content loaded").All()[0].ContextMap()
	if got := summary["preparing"]; got != int64(later) {
		t.Errorf("%v are left for later, want %d", got, later)
	}
	f.settle(t)
	for i, w := range f.List() {
		if want := fmt.Sprintf("%d/%[1]d flowtrux", 1+i); show(w) != want {
			t.Errorf("%s, want %s", show(w), want)
		}
	}
}

// A turn that has just begun and may last minutes makes way for a shorter one.
func TestLongTurnsMakeWay(t *testing.T) {
	f := newPreparing(t)
	f.Apply(reset(1))
	for i := range maxWorkers() {
		f.Apply(put(int64(2+i), fmt.Sprintf("workflows/long%d", i), coded(fmt.Sprintf("%s + %d", endless, i))))
	}
	long := func() bool { // a turn of more than a minute
		f.mu.Lock()
		defer f.mu.Unlock()
		for task := range f.turns.slow {
			if task.level == lastLevel {
				return true
			}
		}
		return false
	}
	// The task moves through the levels as if its turns had ended by themselves.
	for !long() {
		f.mu.Lock()
		for _, end := range f.turns.slow {
			end()
		}
		f.mu.Unlock()
		runtime.Gosched()
	}
	f.Apply(put(100, "workflows/w", coded(counting(3_000_000))))
	if got := show(f.settleOne(t, "w")); got != "100/100 flowtrux" {
		t.Error(got)
	}
}

// Prepared snapshots are released with the document: when it is deleted, and when another version
// has other nodes.
func TestPreparedNodesGoWithTheirDocument(t *testing.T) {
	f := newPreparing(t)
	module, err := f.options.Nodes.Module("code")
	if err != nil {
		t.Fatal(err)
	}
	known := func(source string) bool {
		_, _, ok := module.NewPrepared(fmt.Appendf(nil, `{"source":%q}`, source)).Cached()
		return ok
	}
	check := func(step string, want ...bool) {
		t.Helper()
		f.settle(t)
		for i, w := range want {
			if got := known(fmt.Sprintf("return %d", i+1)); got != w {
				t.Errorf("%s: return %d is kept: %v", step, i+1, got)
			}
		}
	}
	f.Apply(put(1, "workflows/a", coded("return 1", "return 2")))
	f.Apply(put(2, "workflows/b", coded("return 2")))
	check("two documents", true, true, false)
	f.Apply(put(3, "workflows/a", coded("return 1", "return 3")))
	check("a new version", true, true, true)
	f.Apply(put(4, "workflows/a", `{"nodes":[]}`))
	check("an invalid version", true, true, true)
	f.Apply(del(5, "workflows/b"))
	check("the other one is gone", true, false, true)
	f.Apply(del(6, "workflows/a"))
	check("both are gone", false, false, false)
}
