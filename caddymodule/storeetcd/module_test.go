package storeetcd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/runtime/store"
)

func TestCaddyfile(t *testing.T) {
	const full = `etcd 10.0.0.1:2379 https://10.0.0.2:2379 {
	prefix   /edge/eu
	username edge
	password {env.ETCD_PASSWORD}
	ca       /etc/etcd/ca.pem
	cert     /etc/etcd/edge.pem /etc/etcd/edge-key.pem
	cache    /var/lib/edge/cache.json
}`
	for _, c := range []struct {
		name, in string
		json     string // or
		err      string // part of the error
	}{
		{"bare", "etcd 127.0.0.1:2379", `{"endpoints":["127.0.0.1:2379"]}`, ""},
		{"empty block", "etcd 127.0.0.1:2379 {\n}", `{"endpoints":["127.0.0.1:2379"]}`, ""},
		{"full", full, `{"endpoints":["10.0.0.1:2379","https://10.0.0.2:2379"],"prefix":"/edge/eu","username":"edge",` +
			`"password":"{env.ETCD_PASSWORD}","ca":"/etc/etcd/ca.pem","cert":"/etc/etcd/edge.pem","key":"/etc/etcd/edge-key.pem",` +
			`"cache":"/var/lib/edge/cache.json"}`, ""},
		{"cache off", "etcd a:1 {\n\tcache off\n}", `{"endpoints":["a:1"],"cache":"off"}`, ""},
		{"no endpoint", "etcd", "", "etcd takes at least one endpoint, such as 127.0.0.1:2379, at Testfile:1"},
		{"no endpoint, block", "etcd {\n\tprefix /a/\n}", "", "etcd takes at least one endpoint"},
		{
			"unknown option", "etcd a:1 {\n\tprefix /a/\n\tseed /dir\n}", "",
			"unrecognized option 'seed'; allowed are: prefix, username, password, ca, cert, cache, at Testfile:3",
		},
		{"prefix twice", "etcd a:1 {\n\tprefix /a/\n\tprefix /b/\n}", "", "option 'prefix' is given twice, at Testfile:3"},
		{"cert twice", "etcd a:1 {\n\tcert a b\n\tcert c d\n}", "", "option 'cert' is given twice, at Testfile:3"},
		{"no prefix", "etcd a:1 {\n\tprefix\n}", "", "wrong argument count: prefix takes 1, at Testfile:2"},
		{"two prefixes", "etcd a:1 {\n\tprefix /a/ /b/\n}", "", "wrong argument count: prefix takes 1, at Testfile:2"},
		{"two usernames", "etcd a:1 {\n\tusername a b\n}", "", "wrong argument count: username takes 1"},
		{"two passwords", "etcd a:1 {\n\tpassword one-half other-half\n}", "", "wrong argument count: password takes 1, at Testfile:2"},
		{"no password", "etcd a:1 {\n\tpassword\n}", "", "wrong argument count: password takes 1"},
		{"two authorities", "etcd a:1 {\n\tca a b\n}", "", "wrong argument count: ca takes 1"},
		{"cert without key", "etcd a:1 {\n\tcert a\n}", "", "wrong argument count: cert takes 2, at Testfile:2"},
		{"three certs", "etcd a:1 {\n\tcert a b c\n}", "", "wrong argument count: cert takes 2"},
		{"no cache", "etcd a:1 {\n\tcache\n}", "", "wrong argument count: cache takes 1"},
		{"empty", "etcd a:1 {\n\tusername \"\"\n}", "", "username is empty, at Testfile:2"},
		{"empty key", "etcd a:1 {\n\tcert a \"\"\n}", "", "cert is empty"},
		{"block in block", "etcd a:1 {\n\tprefix /a/ {\n\t}\n}", "", "unrecognized option '{'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Store
			err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				if strings.Contains(err.Error(), "half") {
					t.Errorf("the error tells the password: %v", err)
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
	m, err := ctx.LoadModuleByID("flowtrux.stores.etcd", json.RawMessage(config))
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
	t.Setenv("EDGE_TEST_EMPTY", "")
	t.Setenv("EDGE_TEST_ADDRESS", "127.0.0.1")
	for config, want := range map[string]string{
		`{}`:                                                                      "no endpoint",
		`{"endpoints":[""]}`:                                                      "endpoint is empty",
		`{"endpoints":["a:1"],"seed":"/x"}`:                                       "unknown field",
		`{"endpoints":["a:1"],"username":"u"}`:                                    "needs a password",
		`{"endpoints":["a:1"],"key":"k"}`:                                         "needs a key",
		`{"endpoints":["http://a:1"],"ca":"ca.pem"}`:                              "without TLS",
		`{"endpoints":["a:1"],"ca":"/does/not/exist"}`:                            "reading TLS files: open /does/not/exist: no such file",
		`{"endpoints":["a:1"],"cert":"/does/not/exist","key":"k"}`:                "reading TLS files: open /does/not/exist: no such file",
		`{"endpoints":["{env.EDGE_TEST_ADDRESS}"]}`:                               "it takes host:port",
		`{"endpoints":["{env.EDGE_TEST_EMPTY}"]}`:                                 "endpoint: ",
		`{"endpoints":["a:1"],"prefix":"{unknown.placeholder}"}`:                  "prefix: ",
		`{"endpoints":["a:1"],"username":"u","password":"top{secret}"}`:           "password: a placeholder",
		`{"endpoints":["a:1"],"username":"u","password":"{env.EDGE_TEST_EMPTY}"}`: "password: a placeholder",
	} {
		_, err := load(t, config)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a part of the password: %v", err)
		}
	}
}

func TestPlaceholdersAreNotInTheConfig(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("EDGE_TEST_USER", "edge")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := `{"endpoints":["a:1"],"username":"{env.EDGE_TEST_USER}","password":"{file.` + file + `}"}`
	s := mustLoad(t, config)
	if c := s.cluster; c.Username != "edge" || c.Password != "correct horse" {
		t.Errorf("user %q, password %q", c.Username, c.Password)
	}
	if dump, err := json.Marshal(s); err != nil || string(dump) != config {
		t.Errorf("the config is dumped as %s (%v)", dump, err)
	}
	e, err := s.NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"key": s.StoreKey(), "identity": e.Identity(), "cache": s.CachePath()} {
		if strings.Contains(text, "horse") {
			t.Errorf("the %s tells the password: %s", what, text)
		}
	}
	if mustLoad(t, `{"endpoints":["a:1"],"username":"u","password":"a\\{b"}`).cluster.Password != "a{b" {
		t.Error("a brace in a password is lost")
	}
}

// provision does what Caddy does before it validates, for files that are not there.
func provision(t *testing.T, config string) *Store {
	t.Helper()
	s := new(Store)
	if err := errors.Join(json.Unmarshal([]byte(config), s), s.Provision(caddy.Context{})); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatShapesAStoreIsInItsKey(t *testing.T) {
	keys := make(map[string]string)
	for _, config := range []string{
		`{"endpoints":["a:1"]}`,
		`{"endpoints":["a:1","b:1"]}`,
		`{"endpoints":["a:1"],"prefix":"/other/"}`,
		`{"endpoints":["a:1"],"username":"u","password":"p"}`,
		`{"endpoints":["a:1"],"username":"u","password":"q"}`,
		`{"endpoints":["a:1"],"ca":"ca.pem"}`,
		`{"endpoints":["a:1"],"cert":"c.pem","key":"k.pem"}`,
		`{"endpoints":["a:1"],"cert":"c.pem","key":"l.pem"}`,
		`{"endpoints":["a:1"],"cache":"off"}`,
		`{"endpoints":["a:1"],"cache":"/tmp/c.json"}`,
	} {
		key := provision(t, config).StoreKey()
		if before, ok := keys[key]; ok {
			t.Errorf("%s and %s have the same key", before, config)
		}
		keys[key] = config
		if again := provision(t, config).StoreKey(); again != key {
			t.Errorf("%s has the keys %s and %s", config, key, again)
		}
	}
	if provision(t, `{"endpoints":["a:1"],"prefix":"/flowtrux"}`).StoreKey() != provision(t, `{"endpoints":["a:1"]}`).StoreKey() {
		t.Error("a slash at the end of the prefix makes another store")
	}
}

func TestTheCacheIsOfOneStore(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	path := func(config string) string { return mustLoad(t, config).CachePath() }
	standard := path(`{"endpoints":["a:1","b:1"],"username":"u","password":"p"}`)
	if dir := filepath.Join(caddy.AppDataDir(), "flowtrux", "cache"); filepath.Dir(standard) != dir || !strings.HasPrefix(dir, data) {
		t.Errorf("the cache is %s, want it in %s", standard, dir)
	}
	if other := path(`{"endpoints":["b:1","a:1"],"username":"u","password":"q"}`); other != standard {
		t.Error("the order of endpoints and the password make another cache")
	}
	if other := path(`{"endpoints":["a:1","b:1"],"prefix":"/other/"}`); other == standard {
		t.Error("two prefixes share a cache")
	}
	if off := path(`{"endpoints":["a:1"],"cache":"off"}`); off != "" {
		t.Errorf("a cache that is off is %s", off)
	}
	if own := path(`{"endpoints":["a:1"],"cache":"/var/cache/edge.json"}`); own != "/var/cache/edge.json" {
		t.Errorf("the cache is %s", own)
	}
}

// The module has nothing open and starts nothing; whatever it made is of the process, not of the
// config.
func TestProvisionTouchesNothing(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	var m store.Module = mustLoad(t, `{"endpoints":["127.0.0.1:1"],"username":"u","password":"p"}`)
	if _, err := m.NewEngine(nil); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(data); err != nil || len(files) != 0 {
		t.Errorf("files %v, %v", files, err)
	}
	if m.SeedDir() != "" {
		t.Error("a cluster has a seed")
	}
}
