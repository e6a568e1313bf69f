//go:build unix

package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// damages are values that no column has by itself, each for another entry $1.
func damages() (all []string) {
	values := map[string][]string{
		"bigint":      {"-1", "0", "-9223372036854775808", "9223372036854775807"},
		"integer":     {"-1", "-2147483648", "2147483647"},
		"text":        {"''", "'exec-'", `E'\n\u2028'`, "repeat('x', 100000)"},
		"bytea":       {`''`, `'\x00ff'`, `decode(repeat('ff', 100000), 'hex')`},
		"timestamptz": {"'infinity'", "'-infinity'", "'0001-01-01 BC'", "'294276-01-01'"},
		"boolean":     {"true"},
	}
	for _, t := range []struct{ table, kind, columns string }{
		{"pending", "bigint", "origin seq accepted bytes holder began"},
		{"pending", "integer", "run deaths"},
		{"pending", "text", "workflow"},
		{"pending", "timestamptz", "placed due"},
		{"pending", "boolean", "begun cancelled returned"},
		{"entries", "bigint", "origin seq revision accepted received"},
		{"entries", "bytea", "document data query headers"},
		{"entries", "text", "workflow replay_of source method client_ip"},
		{"steps", "bigint", "seq"},
		{"steps", "text", "node handle"},
		{"steps", "bytea", "output"},
	} {
		for column := range strings.FieldsSeq(t.columns) {
			for _, v := range values[t.kind] {
				all = append(all, "update {s}."+t.table+" set "+column+" = "+v+" where id = $1")
			}
		}
	}
	return append(all, "update {s}.pending set id = 'x' || id where id = $1", "delete from {s}.entries where id = $1",
		"delete from {s}.pending where id = $1", "delete from {s}.steps where id = $1",
		"delete from {s}.documents where digest = (select document from {s}.entries where id = $1)",
		"update {s}.documents set text = '' where digest = (select document from {s}.entries where id = $1)")
}

// TestDamage: whatever somebody writes into the rows of entries, those of others run, all can be
// listed, and what is damaged ends.
func TestDamage(t *testing.T) {
	o := optionsOf(t)
	o.Machine, o.Lease = "before", time.Second
	before := New(o)
	must(t, "opening", before.Open(t.Context()))
	var damaged []string
	all := damages()
	for n := range all {
		e := entryOf("order", n)
		e.Document = []byte("document of " + e.ID)
		must(t, "accepting", before.Accept(t.Context(), e))
		damaged = append(damaged, e.ID)
	}
	for range all { // each has a step, and waits to be taken over
		l, err := before.Claim(within(t))
		must(t, "claiming", err)
		must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "n", Output: []byte("1")}))
	}
	for n, text := range all {
		_, err := before.pool.Exec(t.Context(), before.sql(text, 0), damaged[n])
		must(t, text, err)
	}
	must(t, "closing", before.Close())
	admin, err := newPool(o)
	must(t, "connecting", err)
	defer admin.Close()
	for _, text := range []string{
		"insert into {s}.machines (incarnation, name, version, process, until, seen) values (1, '', '', 'x 1 y', 'infinity', '-infinity')",
		"insert into {s}.machines (incarnation, name, version, process, until, seen, started) values (-1, repeat('x', 100000), E'\\n', repeat(' ', 1000), '-infinity', 'infinity', 'infinity')",
		"insert into {s}.machines (incarnation, name, version, process, until, ended) values (9223372036854775807, 'damaged', '', '', now(), 'infinity')",
		"insert into {s}.counts (key, hour, value) select decode(repeat('65', n), 'hex'), -1, decode(repeat('ff', n), 'hex') from generate_series(0, 20) n",
		"insert into {s}.counts (key, hour, value) select decode('6c' || repeat('00', n), 'hex'), 2147483647, decode(repeat('07', n), 'hex') from generate_series(1, 20) n",
		"insert into {s}.keys (key, workflow, digest, until, id, holder, response, stored) values ('', '', '', 'infinity', '', -1, null, -1)",
		"insert into {s}.keys (key, workflow, digest, until, id, holder, response, stored) values ('x', '', '', '-infinity', '', null, 'x', 9223372036854775807)",
	} {
		_, err := admin.Exec(t.Context(), before.sql(text, 0))
		must(t, text, err)
	}

	o.Machine = "after"
	j := New(o)
	must(t, "opening", j.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", j.Close()) })
	if !j.ready.Load() {
		t.Fatal(j.faultText())
	}
	whole := make(map[string]bool)
	for n := range 20 {
		e := entryOf("whole", 1000+n)
		must(t, "accepting", j.Accept(t.Context(), e))
		whole[e.ID] = true
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(whole) > 0 {
		l, err := j.Claim(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d entries that are not damaged do not run: %v", len(whole), err)
		}
		must(t, "claiming", err)
		must(t, "beginning", l.Begin(t.Context()))
		must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
		delete(whole, l.Entry().ID)
	}
	// Others end as well, as far as they can still be found.
	deadline, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	for {
		l, err := j.Claim(deadline)
		if err != nil {
			break
		}
		must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}))
	}
	must(t, "cleaning", errors.Join(j.endLapsed(t.Context()), j.returnLost(t.Context()), j.dropExpired(t.Context()), j.dropCounts(t.Context()), j.keepBound(t.Context())))
	for {
		short, stop := context.WithTimeout(t.Context(), time.Second)
		l, err := j.Claim(short)
		stop()
		if err != nil {
			break
		}
		must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}))
	}
	if _, err = j.Stats(t.Context()); err != nil {
		t.Errorf("reading statistics: %v", err)
	}
	if _, err = j.Machines(t.Context()); err != nil {
		t.Errorf("reading machines: %v", err)
	}
	if _, err = j.Counts(t.Context(), journal.CountsQuery{Hours: 1}); err != nil {
		t.Errorf("counting: %v", err)
	}
	if _, err = j.List(t.Context(), journal.Query{Limit: 1000}); err != nil {
		t.Errorf("listing: %v", err)
	}
	if _, err = j.List(t.Context(), journal.Query{Limit: 1000, Statuses: []string{journal.Pending, journal.Running}}); err != nil {
		t.Errorf("listing: %v", err)
	}
	for n, id := range damaged {
		r, err := j.Get(t.Context(), id)
		if err != nil && !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("%s: reading: %v", all[n], err)
		}
		if err == nil && (r.Status == journal.Pending || r.Status == journal.Running) && !strings.Contains(all[n], "due =") {
			t.Errorf("%s: it is %s", all[n], r.Status)
		}
		if _, err := j.Source(t.Context(), id); err != nil && !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrNotEnded) {
			t.Errorf("%s: reading the source: %v", all[n], err)
		}
		if err := j.Cancel(t.Context(), id); err != nil && !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrEnded) {
			t.Errorf("%s: cancelling: %v", all[n], err)
		}
	}
}
