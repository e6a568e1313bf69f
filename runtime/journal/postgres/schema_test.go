//go:build unix

package postgres

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestAltered: a schema that was altered by hand, or has lost a part, is refused with what is
// missing. What was added does not matter.
func TestAltered(t *testing.T) {
	for name, c := range map[string]struct{ change, want string }{
		"column":    {"alter table {s}.pending drop column deaths", "column pending.deaths integer not null is missing"},
		"type":      {"alter table {s}.keys alter column stored type integer", "column keys.stored bigint not null is missing"},
		"index":     {"drop index {s}.records_list", "records_list"},
		"table":     {"drop table {s}.steps", "column steps."},
		"no shape":  {"update {s}.meta set shape = null", "not complete"},
		"no column": {"alter table {s}.meta drop column version", "has no version"},
		"no row":    {"delete from {s}.meta", "has no version"},
		"version":   {"update {s}.meta set version = 0", "has no version"},
		"steps":     {"update {s}.meta set made = repeat('0', 64)", "made by another build, whose version 1 differs"},
		// as a build made it that knew nothing of seals
		"older build": {`alter table {s}.meta drop column seal, drop column made;
			update {s}.meta set shape = array_remove(array_remove(shape, 'column meta.seal jsonb'), 'column meta.made text')`, "made by another build"},
		"added": {"create table {s}.notes (x integer)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, "a", time.Minute)
			_, err := j.pool.Exec(t.Context(), j.sql(c.change, 0), pgx.QueryExecModeSimpleProtocol)
			must(t, "altering", err)
			again := New(j.given)
			err = again.Open(t.Context())
			if c.want == "" {
				must(t, "opening", err)
				must(t, "closing", again.Close())
				return
			}
			if !errors.Is(err, journal.ErrForeign) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestDigestOf: comments and spaces are no part of what was made.
func TestDigestOf(t *testing.T) {
	one := digestOf([]string{"create table a (\n\tb text, -- what\n\tc text\n);"})
	if same := digestOf([]string{"-- More.\ncreate table a ( b text,", "c text );"}); same != one {
		t.Error("a comment matters")
	}
	if other := digestOf([]string{"create table a (b text, c integer);"}); other == one {
		t.Error("a type does not matter")
	}
}

// TestDamagedRows: rows that were changed or deleted by hand end what they belong to, and nothing
// else.
func TestDamagedRows(t *testing.T) {
	j := open(t, "a", time.Minute)
	lost, changed, whole := entryOf("order", 1), entryOf("order", 2), entryOf("order", 3)
	for _, e := range []*journal.Entry{lost, changed, whole} {
		must(t, "accepting", j.Accept(t.Context(), e))
	}
	_, err := j.pool.Exec(t.Context(), j.sql("delete from {s}.entries where id = $1", 0), lost.ID)
	must(t, "deleting", err)
	l := claim(t, j, changed.ID)
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	_, err = j.pool.Exec(t.Context(), j.sql(`update {s}.records set summary = '{"id":"'`, 0)+" where id = $1", changed.ID)
	must(t, "changing", err)
	claim(t, j, whole.ID)
	for id, code := range map[string]string{lost.ID: "entry_damaged", changed.ID: "record_damaged"} {
		eventually(t, "reading what was damaged", func() error {
			r, err := j.Get(t.Context(), id)
			if err == nil && (r.Status != journal.Failed || r.Code != code) {
				err = errors.New("it is " + r.Status + " with " + r.Code)
			}
			return err
		})
	}
	page, err := j.List(t.Context(), journal.Query{})
	must(t, "listing", err)
	if len(page.Rows) != 3 {
		t.Errorf("%+v", page.Rows)
	}
}

// TestFleets: a schema has one fleet, until another one takes it over.
func TestFleets(t *testing.T) {
	o := optionsOf(t)
	o.Fleet = "cluster 1 /flowtrux/"
	first := New(o)
	must(t, "opening", first.Open(t.Context()))
	other := o
	other.Fleet, other.Machine = "cluster 2 /flowtrux/", "b"
	err := New(other).Open(t.Context())
	for _, part := range []string{o.Fleet, other.Fleet, "caddy flowtrux journal adopt <config>"} {
		if !errors.Is(err, journal.ErrForeign) || !strings.Contains(err.Error(), part) {
			t.Errorf("opening as another fleet: %v, want it to have %q", err, part)
		}
	}
	late := other
	late.Fleet = ""
	unknown := New(late)
	must(t, "opening before the fleet is known", unknown.Open(t.Context()))
	wantError(t, "belonging to another fleet", unknown.Belong(t.Context(), other.Fleet), journal.ErrForeign)
	wantError(t, "accepting for another fleet", unknown.Accept(t.Context(), entryOf("order", 1)), journal.ErrForeign)
	_, err = unknown.Claim(t.Context())
	wantError(t, "claiming for another fleet", err, journal.ErrForeign)
	must(t, "closing", unknown.Close())
	wantError(t, "belonging to another fleet as well", first.Belong(t.Context(), other.Fleet), journal.ErrForeign)
	must(t, "accepting for the first fleet", first.Accept(t.Context(), entryOf("order", 2)))
	_, err = New(late).TakeOver(t.Context(), other.Fleet, false)
	wantError(t, "taking over what is used", err, journal.ErrInUse)
	var used *journal.UsedError
	if !errors.As(err, &used) || used.Fleet != o.Fleet || !slices.Equal(used.Machines, []string{o.Machine}) {
		t.Errorf("taking over what is used: %v", err)
	}
	must(t, "closing", first.Close())
	taken, err := New(late).TakeOver(t.Context(), other.Fleet, false)
	must(t, "taking over", err)
	if taken.Before != o.Fleet || len(taken.Machines) > 0 {
		t.Errorf("taken over: %+v", taken)
	}
	taken, err = New(late).TakeOver(t.Context(), other.Fleet, false)
	must(t, "taking over again", err)
	if taken.Before != other.Fleet {
		t.Errorf("taken over again: %+v", taken)
	}
	wantError(t, "opening as the first fleet", New(o).Open(t.Context()), journal.ErrForeign)
	second := New(other)
	must(t, "opening", second.Open(t.Context()))
	must(t, "closing", second.Close())
}

// TestTakenOverInUse: machines of the fleet before are ended. They keep nothing, and are refused.
func TestTakenOverInUse(t *testing.T) {
	o := optionsOf(t)
	o.Fleet = "cluster 1 /flowtrux/"
	other := o
	other.Fleet, other.Machine = "cluster 2 /flowtrux/", "b"
	_, err := New(other).TakeOver(t.Context(), other.Fleet, true)
	wantError(t, "taking over what is not there", err, fs.ErrNotExist)

	first := New(o)
	must(t, "opening", first.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", first.Close()) })
	e := entryOf("order", 1)
	must(t, "accepting", first.Accept(t.Context(), e))
	held := claim(t, first, e.ID)
	must(t, "checkpointing", held.Checkpoint(t.Context(), journal.Step{Node: "one", Output: []byte("1")}))
	taken, err := New(other).TakeOver(t.Context(), other.Fleet, true)
	must(t, "taking over", err)
	if want := (journal.Takeover{Before: o.Fleet, Machines: []string{o.Machine}}); !reflect.DeepEqual(taken, want) {
		t.Errorf("taken over: %+v, want %+v", taken, want)
	}
	second := New(other)
	must(t, "opening", second.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", second.Close()) })
	now := claim(t, second, e.ID)
	if got := now.Entry(); got.Deaths != 1 || len(got.Steps) != 1 {
		t.Errorf("taken over with %d deaths and steps %v", got.Deaths, got.Steps)
	}
	err = held.Checkpoint(t.Context(), journal.Step{Node: "two", Output: []byte("2")})
	if err == nil {
		t.Error("a machine of the fleet before has written")
	}
	wantError(t, "accepting for the fleet before", first.Accept(within(t), entryOf("order", 2)), journal.ErrForeign)
	must(t, "finishing", now.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
}

// TestMachines: each machine sees all, with what they hold.
func TestMachines(t *testing.T) {
	a, b := open(t, "a", time.Minute), open(t, "b", time.Minute)
	e := entryOf("order", 1)
	must(t, "accepting", a.Accept(t.Context(), e))
	l := claim(t, b, e.ID)
	machines, err := a.Machines(t.Context())
	must(t, "reading", err)
	if len(machines) != 2 {
		t.Fatalf("%+v", machines)
	}
	for i, want := range []journal.Machine{{Name: "a", Self: true}, {Name: "b", Claims: 1}} {
		got := machines[i]
		if age := time.Since(got.LastSeen); age > time.Minute {
			t.Errorf("%s was seen %s ago", got.Name, age)
		}
		if got.LastSeen = (time.Time{}); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	wantMachine := func() {
		t.Helper()
		r, err := b.Get(t.Context(), e.ID)
		must(t, "reading", err)
		page, err := b.List(t.Context(), journal.Query{})
		must(t, "listing", err)
		if r.Machine != "a" || len(page.Rows) != 1 || page.Rows[0].Machine != "a" {
			t.Errorf("taken by %q, and %+v", r.Machine, page.Rows)
		}
	}
	wantMachine()
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	wantMachine()
}
