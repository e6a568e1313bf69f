package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
)

func TestTheSameBytesAreCompiledOnce(t *testing.T) {
	h := newHost(t)
	wasm := says(abi.Output, "1").bytes()
	refs := func(want ...int) {
		t.Helper()
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.code) != len(want) {
			t.Fatalf("%d modules compiled, want %d", len(h.code), len(want))
		}
		for _, c := range h.code {
			if c.refs != want[0] {
				t.Errorf("%d references, want %d", c.refs, want[0])
			}
		}
	}
	var modules []*Module
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			m, err := h.Load(context.Background(), ModuleConfig{Wasm: bytes.Clone(wasm)})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			modules = append(modules, m)
			mu.Unlock()
		})
	}
	all.Wait()
	refs(8)
	// A failed load leaves no reference.
	if _, err := h.Load(t.Context(), ModuleConfig{Wasm: wasm, Limits: Limits{Memory: 1}}); err == nil {
		t.Error("loaded without memory")
	}
	refs(8)
	for i, m := range modules {
		if i == len(modules)-1 {
			refs(1)
		}
		if _, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil {
			t.Error(err)
		}
		for range 2 { // the second time it is closed already
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	refs()
	load(t, h, wasm, small, hostapi.Grants{})
	refs(1)
}

// Others still wait for a module that one caller has given up.
func TestCompilingContinuesForOthers(t *testing.T) {
	h := newHost(t)
	wasm := says(abi.Output, "1").with(void("warmup")).bytes()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Load(gone, ModuleConfig{Wasm: wasm}); err == nil {
		t.Error("loaded for a caller that is gone")
	}
	load(t, h, wasm, small, hostapi.Grants{})
}

func TestCacheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "wasm")
	wasm := says(abi.Output, "1").bytes()
	files := func() (names []string) {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				names = append(names, path)
			}
			return err
		})
		return names
	}
	use := func() {
		t.Helper()
		h, err := New(Options{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close(t.Context())
		m, err := h.Load(t.Context(), ModuleConfig{Wasm: wasm})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(t.Context())
		if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "1" {
			t.Errorf("%s, %v", r.Output, err)
		}
	}
	if _, err := New(Options{CacheDir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("New touches the disk")
	}
	use()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	first := files()
	if len(first) == 0 {
		t.Fatal("nothing is kept")
	}
	// Cached code is not written again.
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, f := range first {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	use()
	for _, f := range files() {
		if info, err := os.Stat(f); err != nil || !info.ModTime().Equal(old) {
			t.Errorf("%s was made again: %v", f, err)
		}
	}
}

// TestUnusableCache runs modules whose code cannot be read from the cache or not be stored in it.
func TestUnusableCache(t *testing.T) {
	wasm := says(abi.Output, "1").bytes()
	// use loads the module, calls it, and returns what is wrong with the cache.
	use := func(t *testing.T, dir string, meanwhile func()) (compiled int64, problems []string) {
		t.Helper()
		h, err := New(Options{CacheDir: dir, CacheFailed: func(err error) { problems = append(problems, err.Error()) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		meanwhile()
		m, err := h.Load(t.Context(), ModuleConfig{Wasm: wasm})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "1" {
			t.Errorf("%s, %v", r.Output, err)
		}
		_, bad := h.Load(t.Context(), ModuleConfig{Wasm: []byte("no module")})
		if bad == nil || !errors.As(bad, new(*LoadError)) {
			t.Errorf("a module that is none: %v", bad)
		}
		if err := errors.Join(m.Close(t.Context()), h.Close(t.Context())); err != nil {
			t.Error(err)
		}
		return h.Compiled(), problems
	}
	stored := func(dir string) []string {
		files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	replace := func(dir string, change func([]byte) []byte) {
		t.Helper()
		for _, f := range stored(dir) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func() {}
	for name, c := range map[string]struct {
		dir      func(dir string) string
		before   func(dir string) // changes a cache that has the module
		at       func(dir string) // when the host is open
		problems []string
		repaired bool // the next process finds the module in the cache
	}{
		"in good order":     {repaired: true},
		"a file in its way": {dir: func(dir string) string { return filepath.Join(stored(dir)[0], "below") }, problems: []string{"opening the directory"}},
		"empty":             {before: func(dir string) { replace(dir, func(b []byte) []byte { return nil }) }, repaired: true},
		"cut":               {before: func(dir string) { replace(dir, func(b []byte) []byte { return b[:len(b)/2] }) }, repaired: true},
		"changed":           {before: func(dir string) { replace(dir, func(b []byte) []byte { b[len(b)-20] ^= 1; return b }) }, repaired: true},
		"a directory in place of the file": {
			before: func(dir string) {
				for _, f := range stored(dir) {
					if err := errors.Join(os.Remove(f), os.MkdirAll(filepath.Join(f, "x"), 0o700)); err != nil {
						t.Fatal(err)
					}
				}
			},
			problems: []string{"reading compiled code"},
		},
		"removed while it is in use": {
			at: func(dir string) {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			},
		},
		"replaced by a file while it is in use": {
			at: func(dir string) {
				version := filepath.Dir(stored(dir)[0])
				if err := errors.Join(os.RemoveAll(version), os.WriteFile(version, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			},
			problems: []string{"reading compiled code"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if n, problems := use(t, dir, nothing); n != 1 || len(problems) > 0 || len(stored(dir)) != 1 {
				t.Fatalf("compiled %d, %q, stored %q", n, problems, stored(dir))
			}
			if c.before != nil {
				c.before(dir)
			}
			used, at := dir, nothing
			if c.dir != nil {
				used = c.dir(dir)
			}
			if c.at != nil {
				at = func() { c.at(dir) }
			}
			_, problems := use(t, used, at)
			if len(problems) != len(c.problems) {
				t.Errorf("problems %q, want %q", problems, c.problems)
			}
			for i, want := range c.problems[:min(len(problems), len(c.problems))] {
				if !strings.HasPrefix(problems[i], want) {
					t.Errorf("%q, want %s", problems[i], want)
				}
			}
			if n, _ := use(t, used, nothing); (n == 0) != c.repaired {
				t.Errorf("the next process compiled %d", n)
			}
		})
	}
}

func TestHostIsClosedOnce(t *testing.T) {
	h := newHost(t)
	for range 2 {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Load(t.Context(), ModuleConfig{Wasm: says(abi.Output, "1").bytes()}); err == nil || err.Error() != "the sandbox is closed" {
		t.Error(err)
	}
}

// paused returns a module whose calls wait in the host until resume is called.
func paused(t *testing.T, h *Host) (m *Module, s *hostapi.Session, entered chan struct{}, resume func()) {
	t.Helper()
	g := node(i32c(1), i32c(dataAt), i32c(2), call(0), returnPacked(abi.Output, dataAt, 1)).
		importing(abi.HostModule, "log", types(tI32, tI32, tI32), none)
	g.data = "1 "
	m, err := h.Load(t.Context(), ModuleConfig{Type: "test", Wasm: g.bytes(), Grants: hostapi.Grants{Log: true}})
	if err != nil {
		t.Fatal(err)
	}
	entered, wait := make(chan struct{}), make(chan struct{})
	s = &hostapi.Session{Grants: m.Grants(), Log: func(int, string) { close(entered); <-wait }}
	return m, s, entered, sync.OnceFunc(func() { close(wait) })
}

func TestCloseWaitsForCalls(t *testing.T) {
	m, s, entered, resume := paused(t, newHost(t))
	var all sync.WaitGroup
	defer all.Wait()
	defer resume()
	all.Go(func() {
		if r, err := m.Call(t.Context(), s, nil, nil); err != nil || string(r.Output) != "1" {
			t.Errorf("the call that ran: %s, %v", r.Output, err)
		}
	})
	<-entered
	closed := make(chan error)
	go func() { closed <- m.Close(t.Context()) }()
	for m.calls.Enter() { // until Close has begun
		m.calls.Leave()
	}
	_, err := m.Call(t.Context(), new(hostapi.Session), nil, nil)
	if e := fails(t, err, CodeInternal); !errors.Is(e, ErrClosed) {
		t.Error(e.Detail)
	}
	select {
	case err := <-closed:
		t.Fatal("closed under a running call:", err)
	default:
	}
	resume()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestCloseGivesUpWaiting(t *testing.T) {
	h := newHost(t)
	m, s, entered, resume := paused(t, h)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := m.Call(t.Context(), s, nil, nil); err != nil {
			t.Error("the call that ran:", err)
		}
	})
	<-entered
	impatient := errors.New("no time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(impatient)
	if err := m.Close(ctx); !errors.Is(err, impatient) {
		t.Error(err)
	}
	resume()
	all.Wait()
	for released := false; !released; { // by the goroutine that Close has left behind
		h.mu.Lock()
		released = len(h.code) == 0
		h.mu.Unlock()
	}
}

// Two modules of the same bytes are called, loaded and closed concurrently.
func TestHammer(t *testing.T) {
	h := newHost(t)
	// The output is the input, so that traces of another call would show.
	g := node(local(0), []byte{0xad}, i64c(32), []byte{0x86}, local(1), []byte{0xad, 0x84})
	wasm := g.bytes()
	modules := []*Module{load(t, h, wasm, small, hostapi.Grants{}), load(t, h, wasm, small, hostapi.Grants{})}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			m := modules[worker%2]
			dst := make([]byte, 0, 64)
			for i := range 50 {
				in := bytes.Repeat([]byte{'1' + byte(worker%9)}, 1+i%20)
				s := new(hostapi.Session)
				ctx, cancel := context.WithCancel(context.Background())
				if i%7 == 6 {
					cancel()
				}
				r, err := m.Call(ctx, s, in, dst)
				cancel()
				if i%7 == 6 {
					fails(t, err, CodeCancelled)
				} else if err != nil || !bytes.Equal(r.Output, in) {
					t.Errorf("%s became %s, %v", in, r.Output, err)
				}
				if i%10 == 0 {
					other, err := h.Load(context.Background(), ModuleConfig{Wasm: wasm})
					if err != nil {
						t.Error(err)
						return
					}
					if err := other.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}

func TestHostEndsWithItsLastModule(t *testing.T) {
	h, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Load(t.Context(), ModuleConfig{Wasm: says(abi.Output, "1").bytes()})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err == nil || err.Error() != "closing the sandbox: 1 modules are still open" {
		t.Error("closed under a module:", err)
	}
	if _, err := h.Load(t.Context(), ModuleConfig{Wasm: says(abi.Output, "1").bytes()}); !errors.Is(err, errHostClosed) {
		t.Error("loaded after the end:", err)
	}
	if r, err := m.Call(t.Context(), new(hostapi.Session), nil, nil); err != nil || string(r.Output) != "1" {
		t.Errorf("a module that is still open: %s, %v", r.Output, err)
	}
	for _, c := range []func(context.Context) error{m.Close, h.Close} {
		if err := c(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if h.engine != nil {
		t.Error("the runtime is still there")
	}
}

func TestCacheDirectoryOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	h, err := New(Options{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Load(t.Context(), ModuleConfig{Wasm: says(abi.Output, "1").bytes()})
	if want := "the directory for compiled code " + dir + " has mode 0770: others could put machine code there; chmod 700 it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
