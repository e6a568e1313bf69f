package store_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
	"github.com/flowtrux/edge/runtime/store/etcd"
	"github.com/flowtrux/edge/runtime/store/etcd/etcdtest"
)

func TestTheCacheServesWhileTheStoreIsAway(t *testing.T) {
	s := etcdtest.Current(t)
	cache := filepath.Join(t.TempDir(), "deep", "cache.json")
	m, r, _ := mirror(t, store.MirrorOptions{Engine: remote(s), Cache: cache})
	r.waitLive()
	write(t, m, "secrets/a", "\xff\x00 not text", "workflows/goes", "{}")
	last := write(t, m, "globals/empty", "")
	s.Stop()
	waitState(t, m, store.Cached)
	if _, content := r.now(); len(content) != 3 {
		t.Errorf("with the store away: %q", content)
	}
	closeMirror(t, m)
	if info, err := os.Stat(cache); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the cache: %v, %v", info, err)
	}

	// Another process.
	m, r, _ = mirror(t, store.MirrorOptions{Engine: remote(s), Cache: cache})
	b := r.wait("stale content", func(b store.Batch) bool { return b.Stale })
	want := map[string]string{"secrets/a": "\xff\x00 not text", "workflows/goes": "{}", "globals/empty": ""}
	if _, content := r.now(); !maps.Equal(content, want) || !b.Reset || b.Revision != last {
		t.Errorf("from the cache came %q, batch %+v", content, b)
	}
	status := waitState(t, m, store.Cached)
	if status.Revision != last || status.Since.IsZero() {
		t.Errorf("status %+v", status)
	}
	if late, _ := record(t, m).now(); len(late) != 1 || !late[0].Stale {
		t.Errorf("a late subscriber got %+v", late)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Write(ctx, []store.Entry{{Key: "k"}}, nil); err == nil {
		t.Error("a write succeeded with the store away")
	}

	s.Start()
	s.Do("deleting", func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Delete(ctx, etcd.DefaultPrefix+"workflows/goes")
		return err
	})
	r.wait("the deletion", func(b store.Batch) bool { return !b.Stale && b.Revision > last })
	delete(want, "workflows/goes")
	if _, content := r.now(); !maps.Equal(content, want) {
		t.Errorf("after catching up %q", content)
	}
	if s := waitState(t, m, store.Live); s.Err != "" {
		t.Errorf("status %+v", s)
	}
}

func TestNothingToServe(t *testing.T) {
	s := etcdtest.Current(t)
	s.Stop()
	m, r, _ := mirror(t, store.MirrorOptions{Engine: remote(s), Cache: filepath.Join(t.TempDir(), "cache.json")})
	status := waitStatus(t, m, "an error", func(s store.Status) bool { return s.Err != "" })
	if status.State != store.Loading || status.Revision != 0 || !strings.Contains(status.Err, "refused") {
		t.Errorf("status %+v", status)
	}
	s.Start()
	if b := r.waitLive(); !b.Reset {
		t.Errorf("first batch %+v", b)
	}
	if batches, _ := r.now(); batches[0].Stale {
		t.Error("stale content came out of nothing")
	}
}

// A normal start must not serve what was deleted while the process was away.
func TestANormalStartDoesNotServeTheCache(t *testing.T) {
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache.json")
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
	r.waitLive()
	write(t, m, "secrets/a", "old")
	closeMirror(t, m)
	m, r, _ = mirror(t, store.MirrorOptions{Engine: local(t, dir)}) // leaves the cache behind
	r.waitLive()
	if _, err := m.Write(t.Context(), nil, []string{"secrets/a"}); err != nil {
		t.Fatal(err)
	}
	closeMirror(t, m)

	_, r, _ = mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
	r.waitLive()
	if batches, content := r.now(); len(batches) != 1 || len(content) != 0 {
		t.Errorf("%d batches, content %q", len(batches), content)
	}
}

func TestTheCacheIsWrittenWhileRunning(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache.json")
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir()), Cache: cache})
	r.waitLive()
	write(t, m, "k", "1")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for {
		if b, err := os.ReadFile(cache); err == nil && bytes.Contains(b, []byte(`"k"`)) {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("the cache is not written")
		}
	}
}

func TestCachesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "good.json")
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: path})
	r.waitLive()
	write(t, m, "k", "1")
	closeMirror(t, m)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	flipped := bytes.Clone(good)
	flipped[len(flipped)-3] ^= 1
	for _, c := range []struct {
		name    string
		content []byte
		foreign bool // a file of somebody else, which is left alone
	}{
		{"empty", nil, false},
		{"checksum", flipped, false},
		{"truncated", good[:len(good)-10], false},
		{"no content", good[:bytes.IndexByte(good, '\n')], false},
		{"other version", bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1), false},
		{"other store", bytes.Replace(good, []byte(dir), []byte(dir+"x"), 1), false},
		{"half a header", good[:10], true},
		{"text", []byte("root:x:0:0:root:/root:/bin/bash\n"), true},
		{"JSON", []byte(`{"apps":{"http":{}}}`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.json")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			m, r, logs := mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: path})
			r.waitLive()
			if batches, content := r.now(); len(batches) != 1 || content["k"] != "1" {
				t.Errorf("%d batches, content %q", len(batches), content)
			}
			m.SetLastValid("k", []byte("kept"), 1)
			closeMirror(t, m)
			if n := logs.FilterMessageSnippet("is ignored").Len(); n != 1 {
				t.Errorf("it was logged %d times", n)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if left := bytes.Equal(after, c.content); left != c.foreign {
				t.Errorf("the file is now %q", after)
			}
		})
	}
}

func TestCachePathsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"below a file": filepath.Join(file, "cache.json"), "a directory": dir} {
		m := store.NewMirror(store.MirrorOptions{Engine: local(t, t.TempDir()), Cache: path})
		if err := m.Open(t.Context()); err == nil {
			t.Errorf("%s: it was opened", name)
		}
		closeMirror(t, m)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left in the directory: %v, %v", entries, err)
	}
}

func TestACacheThatCannotBeWrittenIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	m, r, logs := mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir()), Cache: filepath.Join(dir, "c.json")})
	r.waitLive()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	write(t, m, "k", "1") // is served all the same
	closeMirror(t, m)
	if logs.FilterMessageSnippet("was not written").Len() == 0 {
		t.Errorf("logged: %v", logs.All())
	}
}

func TestLeftoversOfCrashesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, ".c[1].json.tmp-1"), filepath.Join(dir, ".c[1].json.tmp-2")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	mirror(t, store.MirrorOptions{Engine: local(t, t.TempDir()), Cache: filepath.Join(dir, "c[1].json")})
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("an old leftover: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("what may be another process's: %v", err)
	}
}

// What changes while no process looks: the first content comes with what the cache knew better.
func TestTheFirstContentComesWithWhatTheCacheHeld(t *testing.T) {
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache.json")
	m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
	r.waitLive()
	old := write(t, m, "workflows/changes", "old", "workflows/stays", "same", "workflows/goes", "old")
	closeMirror(t, m)
	m, r, _ = mirror(t, store.MirrorOptions{Engine: local(t, dir)}) // leaves the cache behind
	r.waitLive()
	write(t, m, "workflows/changes", "new", "workflows/stays", "same", "workflows/new", "new")
	if _, err := m.Write(t.Context(), nil, []string{"workflows/goes"}); err != nil {
		t.Fatal(err)
	}
	closeMirror(t, m)

	m, r, _ = mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
	r.waitLive()
	batches, content := r.now()
	before := batches[0].Before
	if len(batches) != 1 || len(before) != 1 || before[0].Key != "workflows/changes" || string(before[0].Value) != "old" || before[0].Revision != old {
		t.Errorf("the first content came with %+v", batches)
	}
	if want := map[string]string{"workflows/changes": "new", "workflows/stays": "same", "workflows/new": "new"}; !maps.Equal(content, want) {
		t.Errorf("content %q", content)
	}
	closeMirror(t, m)
	_, r, _ = mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
	if b := r.waitLive(); len(b.Before) != 0 {
		t.Errorf("a start without changes came with %+v", b.Before)
	}
}

func TestKeptDocumentsOutliveTheProcess(t *testing.T) {
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache.json")
	start := func() (*store.Mirror, store.Batch) {
		m, r, _ := mirror(t, store.MirrorOptions{Engine: local(t, dir), Cache: cache})
		return m, r.waitLive()
	}
	m, b := start()
	if len(b.LastValid) != 0 {
		t.Errorf("kept at first: %+v", b.LastValid)
	}
	revision := write(t, m, "workflows/a", `{"valid":true}`)
	write(t, m, "workflows/a", `{"valid":false}`)
	m.SetLastValid("workflows/a", []byte(`{"valid":true}`), revision)
	m.SetLastValid("workflows/b", []byte(`{}`), revision)
	m.SetLastValid("workflows/b", nil, 0)
	if late, _ := record(t, m).now(); len(late[0].LastValid) != 1 {
		t.Errorf("a late subscriber got %+v", late[0].LastValid)
	}
	closeMirror(t, m)

	m, b = start()
	if len(b.LastValid) != 1 || b.LastValid[0].Key != "workflows/a" || string(b.LastValid[0].Value) != `{"valid":true}` || b.LastValid[0].Revision != revision {
		t.Errorf("kept after a restart: %+v", b.LastValid)
	}
	m.SetLastValid("workflows/a", nil, 0)
	closeMirror(t, m)
	if _, b = start(); len(b.LastValid) != 0 {
		t.Errorf("kept after it was forgotten: %+v", b.LastValid)
	}
}
