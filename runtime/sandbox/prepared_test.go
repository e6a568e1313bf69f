package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes"
	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// loadCode loads the node code, which can be prepared.
func loadCode(t testing.TB, h *Host, l Limits) *Module {
	t.Helper()
	f, code, ok := nodes.Find("code")
	if !ok {
		t.Fatal("there is no node code")
	}
	return load(t, h, f.Wasm, l, hostapi.GrantsOf(code.Capabilities...))
}

func withSource(t testing.TB, m *Module, source string) *Prepared {
	t.Helper()
	fixed, err := json.Marshal(map[string]string{"source": source})
	if err != nil {
		t.Fatal(err)
	}
	return m.NewPrepared(fixed)
}

// outcomeOfPrepared calls the node and returns the output or the code of the error.
func outcomeOfPrepared(p *Prepared, input string) string {
	r, err := p.Call(context.Background(), new(hostapi.Session), []byte(`{"input":`+input+`}`), nil)
	switch failure := (*Error)(nil); {
	case errors.As(err, &failure):
		return failure.Code
	case r.Kind != abi.Output:
		return r.Label
	default:
		return string(r.Output)
	}
}

// Neither the next call of the same node nor a call of another node sees traces of a call.
func TestPreparedCallsAreIsolated(t *testing.T) {
	everyReset(t, func(t *testing.T, h *Host) {
		m := loadCode(t, h, Limits{})
		const leave = `globalThis.seen = (globalThis.seen ?? 0) + 1; Array.prototype.left = 1; JSON.parse = null;`
		for source, want := range map[string]string{
			leave + `return seen`:                                   `1`,
			leave + `throw new Error()`:                             `code_error`,
			`return [globalThis.seen, [].left]`:                     `[null,null]`,
			`let n = input; export default (input) => n = n + 1`:    `code_error`,
			`const table = [7]; export default () => table.push(0)`: `2`,
			`return new Array(2e6).fill(input).length`:              `2000000`,
		} {
			p := withSource(t, m, source)
			for range 3 {
				if source[:5] == "let n" { // input is not there while a module is prepared
					if r, _, err := p.Prepare(t.Context(), 0); err != nil || r.Kind != abi.Fatal {
						t.Errorf("%s: %v, %v", source, r, err)
					}
					break
				}
				if got := outcomeOfPrepared(p, `1`); got != want {
					t.Errorf("%s: %s, want %s", source, got, want)
				}
			}
		}
	})
}

// A script that never ends, or wants too much, ends only its own call.
func TestPreparedCallsHaveLimits(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{Memory: 16 << 20, Fuel: 300_000_000, Timeout: time.Minute})
	good := withSource(t, m, `return input + 1`)
	for source, want := range map[string]string{
		`for (;;) {}`: CodeFuel,
		`for (;;) { try { for (;;) {} } catch {} }`:                      CodeFuel,
		`const next = () => Promise.resolve().then(next); return next()`: CodeFuel,
		`return /^(a+)+$/.test("a".repeat(40) + "b")`:                    CodeFuel,
		`const all = []; for (;;) all.push(new Uint8Array(1e6))`:         "memory",
		`let s = "ab"; for (;;) s += s + Math.random()`:                  "",
		`return JSON.parse("[".repeat(1e5))`:                             "code_error",
	} {
		p := withSource(t, m, source)
		for range 2 {
			if got := outcomeOfPrepared(p, `1`); got != want && want != "" || got == `null` {
				t.Errorf("%s: %s, want %s", source, got, want)
			}
			if got := outcomeOfPrepared(good, `1`); got != `2` {
				t.Errorf("after %s: %s", source, got)
			}
		}
	}
}

// TestExhaustedHeap: without memory for an error, the engine throws null. That is distinguished
// from the script's own null, even after everything that filled the heap was released.
func TestExhaustedHeap(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{Memory: 16 << 20, Timeout: time.Minute})
	const fill = `let all = {}; const fill = () => { for (let i = 0; ; i++) all = { all, i } };`
	for source, want := range map[string]string{
		fill + `fill()`: "memory",
		fill + `try { fill() } catch (e) { all = null; throw e }`:                                                    "memory",
		fill + `let e; try { fill() } catch (x) { e = x } all = null; if (e === null) throw e`:                       "memory",
		fill + `await 1; try { fill() } catch (e) { all = null; throw e }`:                                           "memory",
		fill + `return new Promise(fill).catch((e) => { all = null; return Promise.reject(e) })`:                     "memory",
		`const f = (n) => { const a = { n }; return f([a, n, {}, {}, {}, {}, {}, {}, {}].concat(n)) }; return f([])`: "memory",
		`let all = []; for (let i = 0; i < 1e5; i++) all.push({ i }); all = null; throw null`:                        "code_error",
		`try { new ArrayBuffer(1e9) } catch { throw null }`:                                                          "code_error",
		`throw null`: "code_error",
	} {
		if got := outcomeOfPrepared(withSource(t, m, source), `1`); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

func TestPrepareFails(t *testing.T) {
	h := newHost(t)
	m := loadCode(t, h, Limits{})
	for source, want := range map[string]string{
		`return {`:              "SyntaxError: unexpected end of the code (line 1, column 9)",
		"// one\nreturn 1 +* 2": "SyntaxError: unexpected token in expression: '*' (line 2, column 11)",
		`throw new Error("at once"); export default () => 1`: "Error: at once (line 1)",
	} {
		p := withSource(t, m, source)
		r, _, err := p.Prepare(t.Context(), 0)
		if err != nil || r.Kind != abi.Fatal || string(r.Output) != want {
			t.Errorf("%s: %d %s, %v; want %s", source, r.Kind, r.Output, err, want)
		}
		if got := outcomeOfPrepared(p, `1`); got != CodeBadAnswer {
			t.Errorf("%s: a call gives %s", source, got)
		}
	}
	_, _, err := withSource(t, m, `for (;;) {} export default () => 1`).Prepare(t.Context(), 1e9)
	if failure := (*Error)(nil); !errors.As(err, &failure) || failure.Code != CodeFuel {
		t.Errorf("a module that never ends: %v", err)
	}
	if n := len(m.prepared.entries); n != 0 {
		t.Errorf("%d snapshots are cached", n)
	}
}

// prepare burns the same fuel each time, whoever calls it, and whether or not the snapshot exists.
// One unit less is not enough.
func TestPrepareBurnsFuel(t *testing.T) {
	const source = `let n = 0; while (n < 1000) n++; export default () => n`
	var burnt uint64
	for range 2 {
		m := loadCode(t, newHost(t), Limits{})
		p := withSource(t, m, source)
		if _, _, ok := p.Cached(); ok {
			t.Error("known before it was prepared")
		}
		if burnt > 0 {
			_, _, err := p.Prepare(t.Context(), burnt-1)
			if failure := (*Error)(nil); !errors.As(err, &failure) || failure.Code != CodeFuel {
				t.Errorf("with one unit less: %v", err)
			}
		}
		_, took, err := p.Prepare(t.Context(), burnt)
		if err != nil || took == 0 || burnt > 0 && took != burnt {
			t.Fatalf("%d units, %d before, %v", took, burnt, err)
		}
		burnt = took
		if _, took, err := withSource(t, m, source).Prepare(t.Context(), 1); err != nil || took != burnt {
			t.Errorf("of a cached snapshot: %d units, %v", took, err)
		}
		if r, took, ok := p.Cached(); !ok || took != burnt || string(r.Output) != `{"reads":[]}` {
			t.Errorf("known: %s, %d units, %v", r.Output, took, ok)
		}
	}
}

// Preparing continues as long as a caller waits for it, and no longer. Each caller waits within its
// own time limit.
func TestPreparingEndsWithTheLastWaiter(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{})
	p := withSource(t, m, `for (;;) {} export default () => 1`)
	waiting := func() (n int) {
		m.prepared.mu.Lock()
		defer m.prepared.mu.Unlock()
		if making := m.prepared.entries[p.key]; making != nil {
			n = making.waiting
		}
		return n
	}
	begin := func(want int) (end func() error) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, _, err := p.Prepare(ctx, 0)
			ended <- err
		}()
		for waiting() != want {
			runtime.Gosched()
		}
		return func() error {
			cancel()
			return <-ended
		}
	}
	first, second := begin(1), begin(2)
	code := func(err error) string {
		failure := (*Error)(nil)
		errors.As(err, &failure)
		return failure.Code
	}
	if err := first(); code(err) != CodeCancelled {
		t.Error(err)
	}
	if waiting() != 1 {
		t.Error("it does not go on for the second")
	}
	// A call waits as long as a call may last.
	_, err := p.Call(t.Context(), &hostapi.Session{Deadline: time.Now().Add(time.Millisecond)}, []byte(`{}`), nil)
	if code(err) != CodeTimeout {
		t.Error(err)
	}
	if err := second(); code(err) != CodeCancelled {
		t.Error(err)
	}
	m.prepared.retiring.Wait() // forever, if it continued
	if n := len(m.prepared.entries); n != 0 {
		t.Errorf("%d snapshots are cached", n)
	}
}

// A snapshot that failed for a caller with little fuel is made again for one with more.
func TestPreparingWithMoreFuel(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{})
	p := withSource(t, m, `let n = 0; while (n < 100000) n++; export default () => n`)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if i%2 == 0 {
				_, _, _ = p.Prepare(t.Context(), 1e6)
			} else if _, _, err := p.Prepare(t.Context(), 1e12); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := outcomeOfPrepared(p, `0`); got != `100000` {
		t.Error(got)
	}
}

// However many nodes there are, a module has few snapshots, and every node works.
func TestPreparedSnapshotsAreLimited(t *testing.T) {
	const most, sources = 3, 40
	m := loadCode(t, newHostWith(t, Options{PreparedSnapshots: most}), Limits{})
	all := make([]*Prepared, sources)
	for i := range all {
		all[i] = withSource(t, m, fmt.Sprintf("return input + %d", i))
		if r, _, err := all[i].Prepare(t.Context(), 0); err != nil || string(r.Output) != `{"reads":[]}` {
			t.Fatalf("%s, %v", r.Output, err)
		}
		if n := len(m.prepared.entries); n > most {
			t.Fatalf("%d snapshots", n)
		}
	}
	var callers sync.WaitGroup
	for c := range 4 {
		callers.Go(func() {
			for i := range all {
				n := (i*(2*c+1) + c) % sources
				if got, want := outcomeOfPrepared(all[n], `1`), fmt.Sprint(n+1); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
	callers.Wait()
	if n := len(m.prepared.entries); n > most {
		t.Errorf("%d snapshots", n)
	}
}

// A snapshot in use stays when another is needed.
func TestUsedSnapshotsStay(t *testing.T) {
	m := loadCode(t, newHostWith(t, Options{PreparedSnapshots: 2}), Limits{})
	used := withSource(t, m, `return 1`)
	for i := range 5 {
		outcomeOfPrepared(used, `1`)
		snapshot := used.lastSnapshot.Load()
		outcomeOfPrepared(withSource(t, m, fmt.Sprintf("return %d", i)), `1`)
		m.prepared.evictIdle()
		outcomeOfPrepared(used, `1`)
		if used.lastSnapshot.Load() != snapshot {
			t.Fatal("the snapshot was made again")
		}
	}
}

func TestUnusedSnapshotsAreEvicted(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{})
	p := withSource(t, m, `return input`)
	outcomeOfPrepared(p, `1`)
	for range closeAfterIdle + 1 {
		m.prepared.evictIdle()
	}
	if n := len(m.prepared.entries); n != 0 {
		t.Errorf("%d snapshots are left", n)
	}
	m.prepared.retiring.Wait()
	if went := p.lastSnapshot.Load().instances.(*pool).snapshot; went.bytes != nil || went.globals != nil {
		t.Errorf("%d bytes of an evicted snapshot are retained", len(went.bytes))
	}
	if got := outcomeOfPrepared(p, `5`); got != `5` {
		t.Errorf("a call afterwards gives %s", got)
	}
}

// Nodes with the same source share a snapshot, even when they begin concurrently.
func TestEqualSourcesShareASnapshot(t *testing.T) {
	m := loadCode(t, newHost(t), Limits{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := outcomeOfPrepared(withSource(t, m, `return input`), `3`); got != `3` {
				t.Error(got)
			}
		})
	}
	all.Wait()
	if n := len(m.prepared.entries); n != 1 {
		t.Errorf("%d snapshots", n)
	}
}

func TestPreparedOfAClosedModule(t *testing.T) {
	h := newHost(t)
	m := loadCode(t, h, Limits{})
	p := withSource(t, m, `return 1`)
	outcomeOfPrepared(p, `1`)
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Call(t.Context(), new(hostapi.Session), []byte(`{}`), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("calling: %v", err)
	}
	if _, _, err := p.Prepare(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("preparing: %v", err)
	}
}

// FuzzSource passes sources to the node code: whatever they are, the module does not trap and
// returns a valid result.
func FuzzSource(f *testing.F) {
	m := loadCode(f, newHost(f), Limits{Memory: 16 << 20, Fuel: 20_000_000, Timeout: time.Minute})
	for _, source := range []string{
		`return input`, `export default (input, { steps }) => steps["a"].output`, "const {a, b: c} = global;\nreturn `${a}`", `return 1 }`,
		`throw { get message() { throw 1 } }`, `throw Object.assign(new Error("x"), {code: "a", stack: null})`, `})(`, "/*", "`${",
		`return new Proxy({}, { get() { throw null } })`, `return { toJSON() { return this } }`, `class A { static { this.x = 1n } }`,
		"[[[[((((((((", `return /(?<=a)[\p{L}--[a-z]]/v.exec("A")`, `return "\ud800"`, "export default 1; import.meta", "await 0; return await (async () => {})()",
	} {
		f.Add(source)
	}
	allowed := map[string]bool{CodeFuel: true, CodeMemory: true, CodeTimeout: true}
	f.Fuzz(func(t *testing.T, source string) {
		p := withSource(t, m, source)
		r, _, err := p.Prepare(t.Context(), 2e9)
		if failure := (*Error)(nil); errors.As(err, &failure) && !allowed[failure.Code] {
			t.Fatalf("preparing: %s: %v: %v", failure.Code, failure, failure.Detail)
		}
		if err != nil || r.Kind != abi.Output {
			return
		}
		_, err = p.Call(t.Context(), new(hostapi.Session), []byte(`{"input":{"a":[1,"x"]}}`), nil)
		if failure := (*Error)(nil); errors.As(err, &failure) && !allowed[failure.Code] {
			t.Fatalf("calling: %s: %v: %v", failure.Code, failure, failure.Detail)
		}
	})
}
