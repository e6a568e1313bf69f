//go:build unix

package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// functionsOf returns the names of the functions of an hour.
func functionsOf(t *testing.T, j *Journal, hour uint32) []string {
	t.Helper()
	rows, err := j.pool.Query(t.Context(), `select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = $1 and p.proname like '%' || $2::bigint || '%' order by 1`, j.options.Schema, int64(hour))
	must(t, "reading functions", err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, "reading functions", err)
	return names
}

// runOne runs an execution with a step.
func runOne(t *testing.T, j *Journal, n int) {
	t.Helper()
	e := entryOf("order", n)
	must(t, "accepting", j.Accept(t.Context(), e))
	l := claim(t, j, e.ID)
	must(t, "storing a step", l.Checkpoint(t.Context(), journal.Step{Node: "first", Handle: "out", Output: []byte("1")}))
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	r, err := j.Get(t.Context(), e.ID)
	must(t, "reading the record", err)
	if r.Status != journal.Succeeded {
		t.Errorf("it is %s", r.Status)
	}
}

// TestFunctions: functions that were dropped while machines run are made again, and so are those of
// an hour whose tables a reader has found. Those that were altered are as they should be when a
// machine opens the schema.
func TestFunctions(t *testing.T) {
	j := open(t, "a", time.Minute)
	hour := hourAt(j.Now())
	run := func(text string) {
		t.Helper()
		_, err := j.pool.Exec(t.Context(), j.sql(text, hour))
		must(t, text, err)
	}
	drop := func() {
		t.Helper()
		for _, name := range functionsOf(t, j, hour) {
			run("drop function {s}." + name)
		}
	}
	runOne(t, j, 1)
	drop()
	runOne(t, j, 2)
	drop()
	j.hours.Delete(hour)
	if there, err := j.hourExists(t.Context(), hour); err != nil || !there {
		t.Fatalf("the hour is there: %t, %v", there, err)
	}
	runOne(t, j, 3)
	for _, f := range functions {
		run(strings.Replace(f.create, f.body, "begin end", 1))
	}
	must(t, "closing", j.Close())
	j = open(t, "b", time.Minute)
	runOne(t, j, 4)
	if n := len(functionsOf(t, j, hour)); n != len(functions) {
		t.Errorf("the hour has %d functions", n)
	}
}

// TestFunctionsAreDropped: the functions of an hour go with it, those of other versions too.
// What somebody else has made stays.
func TestFunctionsAreDropped(t *testing.T) {
	j := open(t, "a", time.Minute)
	hour := hourAt(j.Now()) - 100
	must(t, "making the hour", j.ensureHour(t.Context(), hour))
	for _, name := range []string{"accept_{h}_01234567(integer)", "accept_{h}_0123456(integer)", "own_{h}(text)"} {
		_, err := j.pool.Exec(t.Context(), j.sql("create function {s}."+name+" returns integer language sql as 'select 1'", hour))
		must(t, "making a function", err)
	}
	if n := len(functionsOf(t, j, hour)); n != len(functions)+3 {
		t.Fatalf("the hour has %d functions", n)
	}
	eventually(t, "dropping", func() error { return j.dropHours(t.Context()) })
	want := j.sql("accept_{h}_0123456 own_{h}", hour)
	if got := strings.Join(functionsOf(t, j, hour), " "); got != want {
		t.Errorf("%s stay, not %s", got, want)
	}
}

// TestNoLanguage: without the language of the functions, what to run is told.
func TestNoLanguage(t *testing.T) {
	admin := open(t, "a", time.Minute)
	_, err := admin.pool.Exec(t.Context(), "create database bare")
	must(t, "making a database", err)
	o := optionsIn(t.Name())
	o.Connection = strings.Replace(o.Connection, "dbname=postgres", "dbname=bare", 1)
	c, err := pgx.Connect(t.Context(), o.Connection)
	must(t, "connecting", err)
	defer c.Close(t.Context())
	_, err = c.Exec(t.Context(), "drop extension plpgsql")
	must(t, "dropping the language", err)
	j := New(o)
	must(t, "opening", j.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", j.Close()) })
	err = j.Accept(t.Context(), entryOf("order", 1))
	const advice = "as a superuser run in database \"bare\": create extension plpgsql"
	if err == nil || !strings.Contains(err.Error(), advice) {
		t.Fatalf("accepting: %v, want %q", err, advice)
	}
	_, err = c.Exec(t.Context(), "create extension plpgsql")
	must(t, "making the language", err)
	eventually(t, "accepting", func() error { return j.Accept(t.Context(), entryOf("order", 2)) })
}
