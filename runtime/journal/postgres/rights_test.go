//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
)

// grantIn returns the statement that an error tells to run.
func grantIn(t *testing.T, err error) string {
	t.Helper()
	_, grant, ok := strings.Cut(err.Error(), " run: ")
	if !ok {
		t.Fatalf("there is nothing to run in: %v", err)
	}
	return grant
}

// TestRights: each right that a role lacks is told with the statement that grants it. When what was
// told was run, the journal works.
func TestRights(t *testing.T) {
	s := server(t)
	admin, err := pgx.Connect(t.Context(), s.Connection())
	must(t, "connecting", err)
	defer admin.Close(t.Context())
	run := func(text string) {
		t.Helper()
		_, err := admin.Exec(t.Context(), text)
		must(t, text, err)
	}
	run("revoke connect on database postgres from public")
	const role = `the "edge's" role`
	name := pgx.Identifier{role}.Sanitize()
	run("create role " + name + " login")
	run("grant connect on database postgres to " + name)
	owner := s.Connection()
	connection := strings.Replace(owner, "user="+pgtest.User, "user='"+strings.ReplaceAll(role, "'", `\'`)+"'", 1)
	for _, c := range []struct {
		name, before string // what a superuser runs first; {s} is a schema that the role has made
		byOther      bool   // a superuser has made it
		names        string // what the error has
	}{
		{"connect to the database", "revoke connect on database postgres from {r}", false, `database "postgres"`},
		{"create the schema", "drop schema {s} cascade", false, `grant create on database "postgres"`},
		{"use the schema of another role", "", true, `schema {s}`},
		{"use its own schema", "revoke usage on schema {s} from {r}", false, `grant create, usage on schema {s}`},
		{"create in its own schema", "revoke create on schema {s} from {r}; drop table {s}.entries_{h}, {s}.documents_{h}, {s}.pending_{h}, " +
			"{s}.steps_{h}, {s}.records_{h}", false, `grant create, usage on schema {s}`},
		{"read meta", "revoke select on {s}.meta from {r}", false, "table meta"},
		{"write machines", "revoke insert on {s}.machines from {r}", false, "table machines"},
		{"read keys", "revoke select on {s}.keys from {r}", false, "table keys"},
		{"own a table", "alter table {s}.entries owner to " + pgtest.User + "; grant all on {s}.entries to {r}; " +
			"drop table {s}.entries_{h}, {s}.documents_{h}, {s}.pending_{h}, {s}.steps_{h}, {s}.records_{h}", false, "table entries"},
		{"write entries", "revoke insert on {s}.entries_{h} from {r}", false, "table entries_"},
		{
			"use the language of functions", "revoke usage on language plpgsql from public, {r}; drop function " + functionNames(), false,
			"language plpgsql",
		},
		{"call a function", "revoke execute on all functions in schema {s} from public, {r}", false, "function accept_"},
		{"own a function", "do $$ declare f regprocedure; begin for f in select oid from pg_proc where pronamespace = '{s}'::regnamespace loop " +
			"execute 'alter function ' || f || ' owner to " + pgtest.User + "'; end loop; end $$; " +
			strings.Replace(acceptGroup.create, acceptGroup.body, "begin end", 1), false, "function accept_"},
		{"read records", "revoke select on {s}.records_{h} from {r}", false, "table records_"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := optionsOf(t)
			o.Connection, o.Machine = connection, "a"
			run("create schema " + o.Schema)
			if !c.byOther {
				run("alter schema " + o.Schema + " owner to " + name)
			}
			first := o
			if c.byOther {
				first.Connection = owner
			}
			j := New(first)
			must(t, "opening", j.Open(t.Context()))
			must(t, "closing", j.Close())
			complete := func(text string) string {
				return strings.ReplaceAll(j.sql(text, hourAt(time.Now())), "{r}", name)
			}
			run(complete(c.before))
			named := false
			for range 4 {
				err := use(t, o)
				if err == nil {
					if !named {
						t.Errorf("no error has %q", complete(c.names))
					}
					return
				}
				if !errors.Is(err, ErrNoRight) && !errors.Is(err, journal.ErrUnavailable) {
					t.Fatalf("got %v, want %v", err, ErrNoRight)
				}
				named = named || strings.Contains(err.Error(), complete(c.names))
				run(grantIn(t, err))
			}
			t.Error("what was told to run does not help")
		})
	}
	t.Run("see the standbys", func(t *testing.T) {
		o := optionsOf(t)
		o.Connection, o.Require = connection, journal.Replicated
		run("create schema " + o.Schema + " authorization " + name)
		err := New(o).Open(t.Context())
		wantError(t, "opening", err, ErrNoRight)
		if !strings.Contains(err.Error(), "grant pg_read_all_stats to "+name) {
			t.Fatal(err)
		}
		run(grantIn(t, err))
		err = New(o).Open(t.Context()) // there is no standby
		wantError(t, "opening", err, errTooWeak)
	})
}

// functionNames returns the names of the functions of an hour.
func functionNames() string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = "{s}." + f.name
	}
	return strings.Join(names, ", ")
}

// use does with a journal what needs rights.
func use(t *testing.T, o Options) error {
	j := New(o)
	if err := j.Open(t.Context()); err != nil {
		return err
	}
	defer func() { must(t, "closing", j.Close()) }()
	e := entryOf("order", int(time.Now().UnixNano()))
	if err := j.Accept(t.Context(), e); err != nil {
		return err
	}
	if _, err := j.List(t.Context(), journal.Query{}); err != nil {
		return err
	}
	l, err := j.Claim(within(t))
	if err != nil {
		return err
	}
	if err := l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}); err != nil {
		return fmt.Errorf("finishing: %w", err)
	}
	_, err = j.Get(t.Context(), e.ID)
	return err
}
