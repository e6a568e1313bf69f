package command

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

// tryJournal runs `caddy flowtrux journal <args>`. A config is JSON with the journal's file, or of
// a journal in memory; pending is its max_pending.
func tryJournal(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	open := func(_ context.Context, config []byte) (journal.Journal, string, context.CancelFunc, error) {
		var c struct {
			File    string
			Pending int
		}
		if err := json.Unmarshal(config, &c); err != nil || c == struct {
			File    string
			Pending int
		}{} {
			return nil, "", nil, errors.New("the config does not use flowtrux")
		}
		if c.File == "memory" {
			return memory.New(memory.Options{}), "memory", func() {}, nil
		}
		return bbolt.New(c.File, bbolt.Limits{MinFree: 1, MaxPending: c.Pending}, 50*time.Millisecond), `bbolt "` + c.File + `"`, func() {}, nil
	}
	cmd := &cobra.Command{Use: "flowtrux", SilenceErrors: true, SilenceUsage: true}
	Flowtrux(nil, open, nil).CobraFunc(cmd)
	var o, e strings.Builder
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(append([]string{"journal"}, args...))
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// journalConfig writes a config for tryJournal.
func journalConfig(t *testing.T, file string, pending int) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"File": file, "Pending": pending})
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "caddy.json", string(text))
}

var journalIDs = []string{"exec-01k7e5sz9vh8q4m2x6c3b0ndtr", "exec-01k7e5sz9vh8q4m2x6c3b0ndts", "exec-01k7e5sz9vh8q4m2x6c3b0ndtt"}

// acceptSome makes a journal with pending executions.
func acceptSome(t *testing.T, file string) {
	t.Helper()
	j := bbolt.New(file, bbolt.Limits{MinFree: 1}, 0)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, id := range journalIDs {
		e := &journal.Entry{ID: id, Workflow: "order", Document: []byte(`{}`), AcceptedAt: time.Now()}
		if n == 0 {
			e.Key = &journal.Key{Text: "k", Until: time.Now().Add(time.Hour), Response: []byte("r")}
		}
		if err := j.Accept(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalMoves(t *testing.T) {
	dir := t.TempDir()
	source, target, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db"), filepath.Join(dir, "moved")
	acceptSome(t, source)
	from, to := journalConfig(t, source, 10), journalConfig(t, target, 10)
	check := func(want string, args ...string) {
		t.Helper()
		out, errOut, err := tryJournal(t, args...)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		got := strings.NewReplacer(dir, "DIR").Replace(out + errOut)
		got = regexp.MustCompile(`move-[a-z2-7]+`).ReplaceAllString(got, "MOVE")
		got = regexp.MustCompile(`[0-9.]+ KiB`).ReplaceAllString(got, "SIZE")
		if got != want {
			t.Errorf("%q prints\n%s\nwant\n%s", args, got, want)
		}
	}
	exported := `journal   bbolt "DIR/source.db", sealed as MOVE
file      DIR/moved, SIZE
pending   3 executions
keys      1
records   0
next      caddy flowtrux journal import DIR/moved --config <config with the new journal>
`
	check(exported, "export", file, "--config", from)
	check(strings.Replace(exported, "SIZE", "SIZE: it was complete before", 1), "export", file, "--config", from)
	// the journal is sealed, and can be exported again
	check(strings.Replace(exported, "moved", "copy", 2), "export", filepath.Join(dir, "copy"), "--config", from)
	imported := `journal   bbolt "DIR/target.db"
from      bbolt "DIR/source.db", sealed as MOVE
pending   3 imported
keys      1 imported
records   0 imported
next      start the server with this config; then delete the old journal and DIR/moved
`
	check(imported, "import", file, "--config", to)
	check(strings.Replace(imported, "as MOVE", "as MOVE: all of it was imported before", 1), "import", file, "--config", to)
	if _, _, err := tryJournal(t, "import", file, "--config", from); !errors.Is(err, journal.ErrSealed) || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("importing into what is sealed: %v", err)
	}
	out, _, err := tryJournal(t, "import", file, "--config", to, "--json")
	var r struct {
		Items, Taken map[string]any
		Already      bool
	}
	if bad := json.Unmarshal([]byte(out), &r); bad != nil || err != nil || !r.Already || r.Items["pending"] != 3.0 {
		t.Errorf("%s: %v, %v", out, bad, err)
	}
}

func TestJournalReopens(t *testing.T) {
	dir := t.TempDir()
	source, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "moved")
	acceptSome(t, source)
	config := journalConfig(t, source, 10)
	fails := func(want string, args ...string) {
		t.Helper()
		_, _, err := tryJournal(t, append(args, "--config", config)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	fails("there is nothing to take back", "reopen", file)
	if _, _, err := tryJournal(t, "export", file, "--config", config); err != nil {
		t.Fatal(err)
	}
	fails("there is no file "+file+"x. If neither", "reopen", file+"x")
	fails("not an export of a journal", "reopen", config)
	out, _, err := tryJournal(t, "reopen", file, "--config", config)
	if err != nil || !strings.Contains(out, "is usable again") {
		t.Fatalf("%s%v", out, err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if _, _, err := tryJournal(t, "export", file, "--config", config); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tryJournal(t, "reopen", file, "--config", config, "--without-file"); err != nil {
		t.Fatal(err)
	}
	j := bbolt.New(source, bbolt.Limits{MinFree: 1}, 0)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if s, err := j.Stats(t.Context()); err != nil || s.Pending != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestJournalRejects(t *testing.T) {
	dir := t.TempDir()
	source, target, file := filepath.Join(dir, "source.db"), filepath.Join(dir, "target.db"), filepath.Join(dir, "moved")
	acceptSome(t, source)
	config := journalConfig(t, source, 10)
	inUse := filepath.Join(dir, "in-use.db")
	acceptSome(t, inUse)
	used := bbolt.New(inUse, bbolt.Limits{MinFree: 1}, 0)
	if err := used.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	if _, _, err := tryJournal(t, "export", file, "--config", config); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	part, flipped := write(t, "part", string(whole[:len(whole)-20])), write(t, "flipped", strings.Replace(string(whole), journalIDs[1], journalIDs[1][:30]+"z", 1))
	fresh := filepath.Join(dir, "fresh.db")
	acceptSome(t, fresh)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"export"}, []string{"accepts 1 arg(s), received 0; usage: flowtrux journal export <file> --config file"}},
		{[]string{"export", file}, []string{"name the config of the server with --config"}},
		{[]string{"export", file, "--config", filepath.Join(dir, "none")}, []string{"no such file"}},
		{[]string{"export", file, "--config", write(t, "c.json", `{}`)}, []string{"c.json: the config does not use flowtrux"}},
		{[]string{"export", file, "--config", journalConfig(t, "memory", 0)}, []string{"in the memory of the server"}},
		{[]string{"import", file, "--config", journalConfig(t, "memory", 0)}, []string{"in the memory of the server"}},
		{[]string{"export", filepath.Join(dir, "new"), "--config", journalConfig(t, filepath.Join(dir, "none.db"), 0)}, []string{"none.db", "use the config of the server"}},
		{[]string{"export", filepath.Join(dir, "new"), "--config", journalConfig(t, inUse, 0)}, []string{"used by another process", "stop all servers with this journal"}},
		{[]string{"import", file, "--config", journalConfig(t, inUse, 0)}, []string{"used by another process", "stop all servers with this journal"}},
		{[]string{"export", config, "--config", journalConfig(t, fresh, 0)}, []string{config + " exists", "name another file"}},
		{[]string{"export", file, "--config", journalConfig(t, fresh, 0)}, []string{file + " exists", "name another file"}},
		{[]string{"export", filepath.Join(dir, "no", "new"), "--config", journalConfig(t, fresh, 0)}, []string{"is not a directory that exists"}},
		{[]string{"import", config, "--config", journalConfig(t, target, 0)}, []string{config, "not an export of a journal"}},
		{[]string{"import", part, "--config", journalConfig(t, target, 0)}, []string{part, "is not complete: it ends in line", "nothing was imported", "run the export again"}},
		{[]string{"import", flipped, "--config", journalConfig(t, target, 0)}, []string{flipped, "is damaged: line 5", "nothing was imported", "copy the file again"}},
		{[]string{"import", file, "--config", journalConfig(t, target, 2)}, []string{file + ": line 6, execution " + journalIDs[2], "max_pending is 2", "3 items imported so far stay", "run this again to go on"}},
	} {
		_, _, err := tryJournal(t, c.args...)
		if err == nil {
			t.Errorf("%q: no error", c.args)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", c.args, err, want)
			}
		}
	}
	// None of that has sealed a journal, and the import goes on with a higher limit.
	j := bbolt.New(fresh, bbolt.Limits{MinFree: 1}, 0)
	if err := errors.Join(j.Open(t.Context()), j.Close()); err != nil {
		t.Error(err)
	}
	if out, _, err := tryJournal(t, "import", file, "--config", journalConfig(t, target, 10)); err != nil || !strings.Contains(out, "pending   3 imported") {
		t.Errorf("%s%v", out, err)
	}
}
