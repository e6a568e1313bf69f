package journalpostgres

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/runtime/journal"
)

func TestCaddyfile(t *testing.T) {
	for _, c := range []struct {
		name, in string
		json     string // or
		err      string // part of the error
	}{
		{"bare", "postgres postgres://edge@db/flowtrux", `{"connection":"postgres://edge@db/flowtrux"}`, ""},
		{"keywords", `postgres "host=db user=edge password={env.PGPASSWORD}"`, `{"connection":"host=db user=edge password={env.PGPASSWORD}"}`, ""},
		{
			"everything", "postgres postgres://db/x {\n\tschema edge_1\n\tretention 7d\n\thistory_rate 0\n\tmax_pending 5\n\tmax_bytes 1GiB\n" +
				"\tlease 10s\n\trequire replicated\n}",
			`{"connection":"postgres://db/x","schema":"edge_1","retention":604800000000000,"history_rate":0,"max_pending":5,` +
				`"max_bytes":1073741824,"lease":10000000000,"require":"replicated"}`, "",
		},
		{"no connection", "postgres", "", "wrong argument count: postgres takes 1, the connection string"},
		{"unquoted", "postgres host=db password=secret", "", "in quotes if it has spaces; got 2"},
		{"empty", `postgres ""`, "", "wrong argument count"},
		{"unknown option", "postgres x {\n\tdurability disk\n}", "", "unrecognized option 'durability'; allowed are: history_rate, lease, max_bytes, max_pending, require, retention, schema, at Testfile:2"},
		{"twice", "postgres x {\n\tlease 1m\n\tlease 1m\n}", "", "option 'lease' is given twice"},
		{"missing", "postgres x {\n\tschema\n}", "", "wrong argument count: schema takes 1"},
		{"schema", "postgres x {\n\tschema Edge\n}", "", "schema is 'Edge'; it takes at most 63 lower-case letters"},
		{"own schema", "postgres x {\n\tschema pg_edge\n}", "", "and no pg_ at the beginning"},
		{"lease", "postgres x {\n\tlease 10ms\n}", "", "lease is '10ms'; it takes a duration between 1s and 1h0m0s"},
		{"require", "postgres x {\n\trequire memory\n}", "", "require is 'memory'; it takes disk or replicated"},
		{"retention", "postgres x {\n\tretention 0s\n}", "", "it takes a duration above 0"},
		{"rate", "postgres x {\n\thistory_rate -1\n}", "", "history_rate is '-1'; it takes a number between 0 and 1000000"},
		{"pending", "postgres x {\n\tmax_pending 0\n}", "", "max_pending is '0'; it takes a number between 1 and 100000000"},
		{"bytes", "postgres x {\n\tmax_bytes 1MiB\n}", "", "max_bytes is '1MiB'; it takes a size of at least 16MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Journal
			err := j.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret") {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := json.Marshal(&j); err != nil || string(got) != c.json {
				t.Errorf("adapted to %s (%v), want %s", got, err, c.json)
			}
		})
	}
}

func load(t *testing.T, config string) (journal.Module, error) {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	m, err := ctx.LoadModuleByID("flowtrux.journals.postgres", json.RawMessage(config))
	if err != nil {
		return nil, err
	}
	return m.(journal.Module), nil
}

// TestRefusals: errors name what is wrong, and never a password.
func TestRefusals(t *testing.T) {
	t.Setenv("FLOWTRUX_TEST_PASSWORD", "secret")
	for bad, want := range map[string]string{
		`{}`: "connection is missing",
		`{"connection":"postgres://edge:secret@db/x"}`:                                                "has a password in it",
		`{"connection":"host=db password=secret"}`:                                                    "has a password in it",
		`{"connection":"postgres://edge@db/x?password=secret"}`:                                       "has a password in it",
		`{"connection":"db.example.com"}`:                                                             "malformed",
		`{"connection":"host=db port=x password={env.FLOWTRUX_TEST_PASSWORD}"}`:                       "port is wrong; it takes numbers",
		`{"connection":"host=db password={env.FLOWTRUX_IS_NOT_SET}"}`:                                 "placeholder {env.FLOWTRUX_IS_NOT_SET} is unknown or gives nothing",
		`{"connection":"host=db password={file./nowhere/password}"}`:                                  "placeholder {file./nowhere/password} is unknown or gives nothing",
		`{"connection":"host=db sslmode=sometimes password={env.FLOWTRUX_TEST_PASSWORD}"}`:            "sslmode is wrong; it takes disable",
		`{"connection":"host=db","lease":1}`:                                                          "lease is 1ns",
		`{"connection":"host=db","retention":-1}`:                                                     "retention is negative",
		`{"connection":"host=db","history_rate":-1}`:                                                  "history_rate is -1",
		`{"connection":"host=db","max_pending":-1}`:                                                   "max_pending is -1",
		`{"connection":"host=db","max_bytes":1}`:                                                      "max_bytes is 1",
		`{"connection":"host=db","schema":"a b"}`:                                                     `schema "a b"`,
		`{"connection":"host=db","require":"memory"}`:                                                 `require "memory"`,
		`{"connection":"host=db","durability":"disk"}`:                                                "durability",
		`{"connection":"postgres://edge:{env.FLOWTRUX_TEST_PASSWORD}{env.FLOWTRUX_IS_NOT_SET}@db/x"}`: "is unknown or gives nothing",
	} {
		_, err := load(t, bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
			continue
		}
		if strings.Contains(strings.ReplaceAll(err.Error(), "/run/secrets/postgres", ""), "secret") {
			t.Errorf("%s: the error has the password: %v", bad, err)
		}
	}
}

// TestModule: passwords come from placeholders, and the key of the journal tells them apart without
// having them.
func TestModule(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	keys := make(map[string]bool)
	for _, password := range []string{"one", `t'w\o@:/?#`, "one"} {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := load(t, `{"connection":"postgres://edge:{file.`+file+`}@db.example.com/flowtrux","require":"replicated"}`)
		if err != nil {
			t.Fatal(err)
		}
		m.(journal.SharedModule).SetMachine("a", "v1")
		key := m.JournalKey()
		if strings.Contains(key, password) {
			t.Errorf("the key has the password: %s", key)
		}
		keys[key] = true
		if name := m.(journal.SharedModule).JournalName(); name != "postgres database flowtrux of db.example.com:5432, schema flowtrux" {
			t.Errorf("the name is %q", name)
		}
		if m.RecordRate() != 200 {
			t.Errorf("the rate is %d", m.RecordRate())
		}
		j, err := m.NewJournal()
		if err != nil {
			t.Fatal(err)
		}
		if j.Durability() != journal.Replicated {
			t.Errorf("the durability is %s", j.Durability())
		}
		m.Configure(j)
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(keys) != 2 {
		t.Errorf("%d keys of 2 passwords", len(keys))
	}
}
