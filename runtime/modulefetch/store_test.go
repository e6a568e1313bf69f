package modulefetch

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestFetchedOnce: concurrent loads fetch a module once; later ones need no server.
func TestFetchedOnce(t *testing.T) {
	var requests atomic.Int32
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write(module)
	}))
	l := newLab(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { l.gives(server.URL+"/a.wasm", module) })
	}
	all.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	file := l.path(digestOf(module))
	for path, want := range map[string]os.FileMode{l.dir: 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	server.Close()
	l = l.again(l.dir)
	l.gives(server.URL+"/a.wasm", module)
	if l.log.Len() > 0 {
		t.Errorf("logged of what was there: %v", l.log.All())
	}
}

// TestDamagedOnDisk: a damaged file is not used, and the module is fetched again.
func TestDamagedOnDisk(t *testing.T) {
	up := true
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if up {
			_, _ = w.Write(module)
		}
	}))
	l := newLab(t)
	l.gives(server.URL, module)
	damage := func() {
		if err := os.WriteFile(l.path(digestOf(module)), module[1:], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage()
	l.gives(server.URL, module)
	if l.logged("a stored module cannot be used and is fetched again") != 1 {
		t.Errorf("the log: %v", l.log.All())
	}
	damage()
	up = false
	if _, err := l.load(server.URL, digestOf(module)); err == nil {
		t.Error("a damaged module was given out")
	}
	up = true
	l.gives(server.URL, module)
}

// TestTheNextTriesItself: of two sources of one module, the second is used when the first fails.
func TestTheNextTriesItself(t *testing.T) {
	first, second := make(chan struct{}), make(chan struct{})
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			close(first)
			<-second
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(module)
	}))
	l := newLab(t)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := l.load(server.URL+"/bad", digestOf(module)); err == nil {
			t.Error("loaded from nowhere")
		}
	})
	<-first
	all.Go(func() { l.gives(server.URL+"/good", module) })
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	o, err := Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(ctx, o, digestOf(module)); !errors.Is(err, gone) {
		t.Errorf("who is gone waits: %v", err)
	}
	close(second)
	all.Wait()
}

// TestPrune: beyond the limit the least recently used modules are removed, but none in use.
func TestPrune(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat(r.URL.Path[1:], 100)))
	}))
	l := newLab(t)
	put := func(name string) { l.gives(server.URL+"/"+name, []byte(strings.Repeat(name, 100))) }
	file := func(name string) string { return digestOf([]byte(strings.Repeat(name, 100))).String() + suffix }
	age := func(name string, by time.Duration) {
		at := time.Now().Add(-by)
		if err := os.Chtimes(filepath.Join(l.dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"a", "b", "c"} {
		put(name)
		age(file(name), time.Duration(3-i)*time.Hour)
	}
	l = l.again(l.dir)
	l.maxStored = 250 // bytes: two modules and a half
	put("a")          // used anew, from disk
	for name, by := range map[string]time.Duration{partial + "old": time.Hour, partial + "new": 0} {
		if err := os.WriteFile(filepath.Join(l.dir, name), module, 0o600); err != nil {
			t.Fatal(err)
		}
		age(name, by)
	}
	put("d")
	want := []string{partial + "new", file("a"), file("d")}
	slices.Sort(want)
	if got := l.files(); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	put("e") // together they are too much, and all in use
	for _, name := range []string{"a", "d", "e"} {
		if !slices.Contains(l.files(), file(name)) {
			t.Errorf("%s was dropped while in use", name)
		}
	}
	if l.logged("removed a stored module") != 2 {
		t.Errorf("the log: %v", l.log.All())
	}
}

// TestNoDirectory: without a place on disk there is no module.
func TestNoDirectory(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) }))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newLab(t).again(filepath.Join(file, "modules")).load(server.URL, digestOf(module)); err == nil || !strings.Contains(err.Error(), "creating the directory for modules") {
		t.Errorf("%v", err)
	}
}
