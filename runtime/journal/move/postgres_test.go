//go:build unix

package move_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/move"
)

// database starts a server for journalAt.
func database(t *testing.T) *pgtest.Server {
	t.Helper()
	s, err := pgtest.Start("synchronous_commit=off", "checkpoint_timeout=30min")
	must(t, err)
	t.Cleanup(func() { must(t, s.Stop()) })
	t.Setenv(postgresIn, s.Connection())
	return s
}

// TestKilledBetweenEngines: as TestKilled, from one machine to several and back.
func TestKilledBetweenEngines(t *testing.T) {
	database(t)
	dir := t.TempDir()
	t.Run("to several machines", func(t *testing.T) { testKilled(t, filepath.Join(dir, "source.db"), schema("target"), 1000) })
	t.Run("to one machine", func(t *testing.T) { testKilled(t, schema("source"), filepath.Join(dir, "target.db"), 1000) })
}

// TestDatabaseRestarts: the database goes away in the middle of an import, which goes on by itself,
// and of an export, which goes on when it is run again.
func TestDatabaseRestarts(t *testing.T) {
	s := database(t)
	dir := t.TempDir()
	source, file, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "file"), schema("target")
	want := some(500).items()
	fill(t, source, want)
	_, err := export(source, file, quiet)
	must(t, err)
	restarts := 0
	restart := func(move.State) {
		if restarts++; restarts == 2 {
			must(t, errors.Join(s.Kill(), s.Run()))
		}
	}
	got, err := importInto(target, file, restart)
	must(t, err)
	if restarts < 3 || got.Taken.Pending != (journal.Taken{Stored: 500}) {
		t.Errorf("%d parts, taken %+v", restarts, got.Taken)
	}

	back, fresh := filepath.Join(dir, "back"), filepath.Join(dir, "fresh.db")
	read := 0
	broken, err := export(target, back, func(move.State) {
		if read++; read == 2 {
			must(t, s.Kill())
		}
	})
	if err == nil || !strings.Contains(err.Error(), "database postgres of ") {
		t.Errorf("an export without a database: %v", err)
	}
	must(t, s.Run())
	if _, err := os.Lstat(back); err == nil {
		t.Error("an export that is not complete has its final name")
	}
	done, err := export(target, back, quiet)
	must(t, err)
	if done.Kept != broken.All() || done.Kept == 0 {
		t.Errorf("%d items kept, want %d", done.Kept, broken.All())
	}
	_, err = importInto(fresh, back, quiet)
	must(t, err)
	if diff := cmp.Diff(want, contentOf(t, fresh), same); diff != "" {
		t.Errorf("content (-source +there and back):\n%s", diff)
	}
}
