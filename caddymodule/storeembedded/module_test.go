package storeembedded

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCaddyfile(t *testing.T) {
	for _, c := range []struct {
		name, in string
		json     string // or
		err      string // part of the error
	}{
		{"bare", "embedded", `{}`, ""},
		{"empty block", "embedded {\n}", `{}`, ""},
		{"directory", "embedded /var/lib/edge", `{"dir":"/var/lib/edge"}`, ""},
		{
			"full", "embedded {env.HOME}/edge {\n\tprefix /edge/\n\tseed examples\n\tlisten unix//run/etcd.sock\n}",
			`{"dir":"{env.HOME}/edge","prefix":"/edge/","seed":"examples","listen":"unix//run/etcd.sock"}`, "",
		},
		{"socket in a placeholder", "embedded {\n\tlisten {env.SOCKET}\n}", `{"listen":"{env.SOCKET}"}`, ""},
		{"two directories", "embedded /a /b", "", "wrong argument count: embedded takes at most 1, the directory, at Testfile:1"},
		{"empty directory", `embedded ""`, "", "the directory is empty, at Testfile:1"},
		{
			"unknown option", "embedded {\n\tseed a\n\tcache off\n}", "",
			"unrecognized option 'cache'; allowed are: prefix, seed, listen, at Testfile:3",
		},
		{"prefix twice", "embedded {\n\tprefix /a/\n\tprefix /b/\n}", "", "option 'prefix' is given twice, at Testfile:3"},
		{"seed twice", "embedded {\n\tseed a\n\tseed b\n}", "", "option 'seed' is given twice"},
		{"listen twice", "embedded {\n\tlisten unix//a\n\tlisten unix//b\n}", "", "option 'listen' is given twice"},
		{"no prefix", "embedded {\n\tprefix\n}", "", "wrong argument count: prefix takes 1, at Testfile:2"},
		{"two prefixes", "embedded {\n\tprefix /a/ /b/\n}", "", "wrong argument count"},
		{"no seed", "embedded {\n\tseed\n}", "", "wrong argument count"},
		{"two seeds", "embedded {\n\tseed a b\n}", "", "wrong argument count"},
		{"no socket", "embedded {\n\tlisten\n}", "", "wrong argument count"},
		{"two sockets", "embedded {\n\tlisten unix//a unix//b\n}", "", "wrong argument count"},
		{"empty prefix", "embedded {\n\tprefix \"\"\n}", "", "prefix is empty, at Testfile:2"},
		{"a port", "embedded {\n\tlisten 127.0.0.1:2379\n}", "", "listen is '127.0.0.1:2379'; it takes unix/<path>"},
		{"a socket without a path", "embedded {\n\tlisten unix/\n}", "", "listen is 'unix/'; it takes unix/<path>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Store
			err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(s); err != nil || string(got) != c.json {
				t.Errorf("adapted to %s (%v), want %s", got, err, c.json)
			}
		})
	}
}

// load provisions a module as Caddy does.
func load(t *testing.T, config string) (*Store, error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	m, err := ctx.LoadModuleByID("flowtrux.stores.embedded", json.RawMessage(config))
	if err != nil {
		return nil, err
	}
	return m.(*Store), nil
}

func mustLoad(t *testing.T, config string) *Store {
	t.Helper()
	s, err := load(t, config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConfigsThatCannotBe(t *testing.T) {
	for config, want := range map[string]string{
		`{"cache":"off"}`:                    "unknown field",
		`{"listen":"127.0.0.1:2379"}`:        "listen is '127.0.0.1:2379'",
		`{"listen":"unix/"}`:                 "listen is 'unix/'",
		`{"dir":"{unknown.placeholder}/x"}`:  "dir: ",
		`{"seed":"{env.EDGE_TEST_NOT_SET}"}`: "seed: ",
		`{"seed":"/does/not/exist"}`:         "looking for the seed: stat /does/not/exist: no such file",
		`{"seed":"/dev/null"}`:               "looking for the seed: /dev/null is not a directory",
	} {
		if _, err := load(t, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

func TestProvision(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	seed := t.TempDir()
	t.Setenv("EDGE_TEST_DIR", "/srv/edge")
	t.Setenv("EDGE_TEST_SEED", seed)

	s := mustLoad(t, `{}`)
	if dir := filepath.Join(caddy.AppDataDir(), "flowtrux", "store"); s.options.Dir != dir || filepath.Dir(s.CachePath()) != dir {
		t.Errorf("directory %s, cache %s", s.options.Dir, s.CachePath())
	}
	if s.options.Prefix != "/flowtrux/" || s.options.Listen != "" || s.SeedDir() != "" {
		t.Errorf("defaults %+v, seed %q", s.options, s.SeedDir())
	}
	if _, err := s.NewEngine(zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(data); err != nil || len(files) != 0 {
		t.Errorf("files before it was opened: %v, %v", files, err)
	}

	full := mustLoad(t, `{"dir":"{env.EDGE_TEST_DIR}","prefix":"/p","seed":"{env.EDGE_TEST_SEED}","listen":"unix/{env.EDGE_TEST_DIR}/sock"}`)
	if o := full.options; o.Dir != "/srv/edge" || o.Prefix != "/p/" || o.Listen != "/srv/edge/sock" || full.SeedDir() != seed {
		t.Errorf("options %+v, seed %q", o, full.SeedDir())
	}
	if other := mustLoad(t, `{"dir":"{env.EDGE_TEST_DIR}"}`); other.CachePath() == full.CachePath() {
		t.Error("two prefixes share a cache")
	}
}

func TestWhatShapesAStoreIsInItsKey(t *testing.T) {
	keys := make(map[string]string)
	for _, config := range []string{
		`{}`, `{"dir":"/a"}`, `{"dir":"/a","prefix":"/p/"}`, `{"dir":"/a","seed":"/"}`, `{"dir":"/a","listen":"unix//p/"}`,
	} {
		key := mustLoad(t, config).StoreKey()
		if before, ok := keys[key]; ok {
			t.Errorf("%s and %s have the same key", before, config)
		}
		keys[key] = config
	}
	if mustLoad(t, `{"dir":"/a/../a/","prefix":"/flowtrux"}`).StoreKey() != mustLoad(t, `{"dir":"/a"}`).StoreKey() {
		t.Error("another spelling makes another store")
	}
}

// A config that changes all but the directory takes over from the one before while that still runs.
func TestConfigsShareADirectory(t *testing.T) {
	dir := t.TempDir()
	open := func(config string) *store.Mirror {
		var module store.Module = mustLoad(t, config)
		e, err := module.NewEngine(zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		m := store.NewMirror(store.MirrorOptions{Engine: e, Cache: module.CachePath(), Seed: module.SeedDir()})
		if err := m.Open(t.Context()); err != nil {
			t.Fatalf("opening: %v", err)
		}
		t.Cleanup(func() {
			if err := m.Close(); err != nil {
				t.Errorf("closing: %v", err)
			}
		})
		return m
	}
	before := open(`{"dir":"` + dir + `"}`)
	after := open(`{"dir":"` + dir + `","prefix":"/flowtrux/deep/"}`)
	ready := make(chan struct{})
	cancel := before.Subscribe(func(b store.Batch) {
		if b.Reset {
			close(ready)
		}
	})
	defer cancel()
	<-ready
	if _, err := before.Write(t.Context(), []store.Entry{{Key: "deep/k", Value: []byte("v")}}, nil); err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	defer after.Subscribe(func(b store.Batch) {
		for _, e := range b.Put {
			if e.Key == "k" && string(e.Value) == "v" {
				close(seen)
			}
		}
	})()
	<-seen
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := after.Write(t.Context(), nil, []string{"k"}); err != nil {
		t.Errorf("writing when the first config is gone: %v", err)
	}
}
