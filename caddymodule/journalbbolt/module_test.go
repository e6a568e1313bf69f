package journalbbolt

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

	"github.com/flowtrux/edge/runtime/journal"
)

func TestCaddyfile(t *testing.T) {
	for _, c := range []struct {
		name, in string
		json     string // or
		err      string // part of the error
	}{
		{"bare", "bbolt", `{}`, ""},
		{"file", "bbolt /var/lib/flowtrux/journal.db", `{"file":"/var/lib/flowtrux/journal.db"}`, ""},
		{
			"everything", "bbolt x.db {\n\tretention 7d\n\thistory_rate 0\n\tmax_pending 5\n\tmax_bytes 1GiB\n}",
			`{"file":"x.db","retention":604800000000000,"history_rate":0,"max_pending":5,"max_bytes":1073741824}`, "",
		},
		{"empty file", `bbolt ""`, "", "the file is empty"},
		{"two files", "bbolt a b", "", "wrong argument count: bbolt takes at most 1, the file"},
		{"unknown option", "bbolt {\n\tdurability disk\n}", "", "unrecognized option 'durability'; allowed are: history_rate, max_bytes, max_pending, retention, at Testfile:2"},
		{"twice", "bbolt {\n\tretention 1h\n\tretention 1h\n}", "", "option 'retention' is given twice"},
		{"missing", "bbolt {\n\tretention\n}", "", "wrong argument count: retention takes 1"},
		{"surplus", "bbolt {\n\tmax_pending 1 2\n}", "", "wrong argument count"},
		{"retention", "bbolt {\n\tretention never\n}", "", "retention is 'never'; it takes a duration above 0"},
		{"no retention", "bbolt {\n\tretention 0s\n}", "", "it takes a duration above 0"},
		{"rate", "bbolt {\n\thistory_rate -1\n}", "", "history_rate is '-1'; it takes a number between 0 and 1000000"},
		{"pending", "bbolt {\n\tmax_pending 0\n}", "", "max_pending is '0'; it takes a number between 1 and 100000000"},
		{"bytes", "bbolt {\n\tmax_bytes 1MiB\n}", "", "max_bytes is '1MiB'; it takes a size of at least 16MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j Journal
			err := j.UnmarshalCaddyfile(caddyfile.NewTestDispenser(c.in))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
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
	m, err := ctx.LoadModuleByID("flowtrux.journals.bbolt", json.RawMessage(config))
	if err != nil {
		return nil, err
	}
	return m.(journal.Module), nil
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{
		`{"retention":-1}`, `{"history_rate":-1}`, `{"max_pending":-1}`, `{"max_bytes":1}`, `{"durability":"disk"}`,
		`{"file":"{env.FLOWTRUX_IS_NOT_SET}/journal.db"}`,
	} {
		if _, err := load(t, bad); err == nil {
			t.Errorf("%s was loaded", bad)
		}
	}
}

// TestModule: provisioning touches nothing; configs that differ in their options share the journal.
func TestModule(t *testing.T) {
	t.Setenv("JOURNAL_DIR", t.TempDir())
	dir := filepath.Join(os.Getenv("JOURNAL_DIR"), "sub")
	first, err := load(t, `{"file":"{env.JOURNAL_DIR}/sub/journal.db","max_pending":1}`)
	if err != nil {
		t.Fatal(err)
	}
	second, err := load(t, `{"file":"`+dir+`/../sub/journal.db","max_pending":2,"history_rate":7}`)
	if err != nil {
		t.Fatal(err)
	}
	if first.JournalKey() != second.JournalKey() {
		t.Errorf("keys %s and %s", first.JournalKey(), second.JournalKey())
	}
	if first.RecordRate() != 200 || second.RecordRate() != 7 {
		t.Errorf("rates %d and %d", first.RecordRate(), second.RecordRate())
	}
	j, err := first.NewJournal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a directory before the journal was opened: %v", err)
	}
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	entry := func(n string) *journal.Entry { return &journal.Entry{ID: "exec-01hzzzzzzzzzzzzzzzzzzzzzz" + n} }
	if err := j.Accept(t.Context(), entry("1")); err != nil {
		t.Fatal(err)
	}
	if err := j.Accept(t.Context(), entry("2")); !errors.Is(err, journal.ErrFull) {
		t.Errorf("second execution: %v, want %v", err, journal.ErrFull)
	}
	second.Configure(j)
	if err := j.Accept(t.Context(), entry("2")); err != nil {
		t.Errorf("second execution with other options: %v", err)
	}
}

func TestDefaultFile(t *testing.T) {
	m, err := load(t, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.(*Journal).path, filepath.Join(caddy.AppDataDir(), "flowtrux", "journal", "journal.db"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
