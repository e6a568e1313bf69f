package store_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/flowtrux/edge/runtime/store"
)

func TestReadSeed(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	entries, problems := store.ReadSeed(fstest.MapFS{
		"README.md":                           file("read me"),
		"nodes/geo.wasm":                      file("\x00asm"),
		"workflows/order-intake.json":         file(`{"nodes":[]}`),
		"workflows/README.md":                 file("no workflow"),
		"workflows/.json":                     file("hidden"),
		"workflows/.order.json.swp":           file("hidden"),
		"workflows/bad name.json":             file("{}"),
		"workflows/x/deep.json":               file("{}"),
		"workflows/dir.json/x":                file("{}"),
		"workflows/large.json":                file(strings.Repeat("x", 1<<20+1)),
		"secrets/order-intake":                file("s3cret\n"),
		"secrets/rotated.json":                file(`{"secrets":[]}`),
		"secrets/rotated":                     file("other"),
		"globals/crm_url":                     file("https://crm.example"),
		"globals/__secret_key":                file("k"),
		"globals/limits.eu.json":              file(`{"n":1}`),
		"globals/-dash":                       file("1"),
		"globals/ünïcode":                     file("1"),
		"globals/" + strings.Repeat("k", 129): file("1"),
	})
	want := map[string]string{
		"workflows/order-intake": `{"nodes":[]}`,
		"secrets/order-intake":   "s3cret\n",
		"secrets/rotated":        "other",
		"globals/crm_url":        "https://crm.example",
		"globals/__secret_key":   "k",
		"globals/limits.eu":      `{"n":1}`,
	}
	got := make(map[string]string)
	for i, e := range entries {
		got[e.Key] = string(e.Value)
		if i > 0 && e.Key <= entries[i-1].Key {
			t.Errorf("%s follows %s", e.Key, entries[i-1].Key)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("entries %q\nwant    %q", got, want)
	}
	text := fmt.Sprint(problems)
	if strings.Contains(text, "s3cret") {
		t.Error("a problem tells a secret")
	}
	for _, name := range []string{
		"workflows/README.md", "workflows/bad name.json", "workflows/x", "workflows/dir.json",
		"workflows/large.json", "secrets/rotated.json", "globals/-dash", "globals/ünïcode", "globals/kkk",
	} {
		if !strings.Contains(text, name) {
			t.Errorf("no problem with %s", name)
		}
	}
	if len(problems) != 9 {
		t.Errorf("%d problems: %v", len(problems), problems)
	}
}

func TestASeedIsBounded(t *testing.T) {
	many := fstest.MapFS{}
	for n := range 10_001 {
		many[fmt.Sprintf("globals/%d", n)] = &fstest.MapFile{}
	}
	entries, problems := store.ReadSeed(many)
	if len(entries) != 10_000 || len(problems) != 1 {
		t.Errorf("%d entries, problems %v", len(entries), problems)
	}
	big := fstest.MapFS{}
	for n := range 70 {
		big[fmt.Sprintf("globals/%d", n)] = &fstest.MapFile{Data: make([]byte, 1<<20)}
	}
	entries, problems = store.ReadSeed(big)
	if len(entries) != 64 || len(problems) != 1 {
		t.Errorf("%d entries, problems %v", len(entries), problems)
	}
}

// seed makes a directory with more than one write takes, and a bad name.
func seed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"workflows/a.json": "{}", "secrets/a": "s", "workflows/bad name.json": "{}"} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	for n := range 200 {
		writeFile(t, filepath.Join(dir, "globals", fmt.Sprint(n)), fmt.Sprint(n))
	}
	for n := range 3 {
		writeFile(t, filepath.Join(dir, "globals", fmt.Sprint("big", n)), strings.Repeat("x", 1<<20))
	}
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestASeedIsImportedIntoAnEmptyStore(t *testing.T) {
	dir := t.TempDir()
	o := store.MirrorOptions{Engine: local(t, dir), Seed: seed(t)}
	m, r, logs := mirror(t, o)
	r.waitLive()
	batches, content := r.now()
	if len(content) != 205 || content["workflows/a"] != "{}" || content["secrets/a"] != "s" || content["globals/199"] != "199" {
		t.Errorf("%d keys after the import", len(content))
	}
	if len(batches) != 1 {
		t.Errorf("%d batches: the import is not served bit by bit", len(batches))
	}
	if logs.FilterMessageSnippet("left out").Len() != 1 || logs.FilterMessage("seed imported").Len() != 1 {
		t.Errorf("logged: %v", logs.All())
	}
	if _, err := m.Write(t.Context(), nil, []string{"workflows/a"}); err != nil {
		t.Fatal(err)
	}
	closeMirror(t, m)

	o.Engine = local(t, dir)
	_, r, logs = mirror(t, o)
	r.waitLive()
	if _, content := r.now(); len(content) != 204 || content["workflows/a"] != "" {
		t.Errorf("%d keys after a restart", len(content))
	}
	if logs.FilterMessage("seed imported").Len() != 0 {
		t.Error("the seed was imported again")
	}
}

func TestASeedThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), "")
	for _, name := range []string{"missing", "file"} {
		m := store.NewMirror(store.MirrorOptions{Engine: local(t, t.TempDir()), Seed: filepath.Join(dir, name)})
		if err := m.Open(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("opening with seed %s: %v", name, err)
		}
		closeMirror(t, m)
	}
}
