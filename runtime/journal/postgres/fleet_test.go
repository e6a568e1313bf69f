//go:build unix

package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/runtime/journal"
)

func entryOf(workflow string, n int) *journal.Entry {
	var id ulid.ULID
	now := time.Now().UTC()
	if err := id.SetTime(ulid.Timestamp(now)); err != nil {
		panic(err)
	}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return &journal.Entry{
		ID: "exec-" + strings.ToLower(id.String()), Workflow: workflow, Document: []byte(`{"nodes":[]}`), AcceptedAt: now,
		Data: bytes.Repeat([]byte{'x'}, 1000),
	}
}

// open opens the journal of a machine in the schema of a test.
func open(t *testing.T, machine string, lease time.Duration) *Journal {
	t.Helper()
	o := optionsOf(t)
	o.Machine, o.Lease = machine, lease
	j := New(o)
	if err := j.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func claim(t *testing.T, j *Journal, id string) journal.Lease {
	t.Helper()
	l, err := j.Claim(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Entry().ID; got != id {
		t.Fatalf("claimed %s, want %s", got, id)
	}
	return l
}

func must(t *testing.T, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", doing, err)
	}
}

func wantError(t *testing.T, doing string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: %v, want %v", doing, got, want)
	}
}

// TestTakenForDead: a machine that shows no life loses what it holds, and all that it then writes
// is refused. It goes on as a new incarnation.
func TestTakenForDead(t *testing.T) {
	a, b := open(t, "a", time.Minute), open(t, "b", time.Second)
	e := entryOf("order", 1)
	must(t, "accepting", a.Accept(t.Context(), e))
	old := claim(t, a, e.ID)
	must(t, "checkpointing", old.Checkpoint(t.Context(), journal.Step{Node: "one", Output: []byte("1")}))
	held := journal.Reservation{ID: entryOf("order", 2).ID, Workflow: "order", Key: journal.Key{Text: "k", Until: time.Now().Add(time.Hour)}}
	must(t, "reserving", a.Reserve(t.Context(), held))
	before := a.incarnation.Load()

	// It is as if a was stopped for longer than its lease.
	_, err := a.pool.Exec(t.Context(), a.sql("update {s}.machines set until = clock_timestamp() - interval '1 second' where incarnation = $1", 0), before)
	must(t, "stopping", err)
	now := claim(t, b, e.ID)
	if got := now.Entry(); got.Deaths != 1 || len(got.Steps) != 1 {
		t.Errorf("taken over with %d deaths and steps %v", got.Deaths, got.Steps)
	}
	if a, b := a.TakenOver(), b.TakenOver(); a != 0 || b != 1 {
		t.Errorf("a has taken %d machines for dead, and b %d", a, b)
	}
	wantError(t, "checkpointing", old.Checkpoint(t.Context(), journal.Step{Node: "two", Output: []byte("2")}), journal.ErrLeaseLost)
	wantError(t, "finishing", old.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}), journal.ErrLeaseLost)
	wantError(t, "extending", old.Extend(t.Context()), journal.ErrLeaseLost)
	wantError(t, "releasing", old.Release(t.Context(), 0), journal.ErrLeaseLost)
	must(t, "finishing as the holder", now.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	r, err := a.Get(t.Context(), e.ID)
	must(t, "reading", err)
	if r.Status != journal.Succeeded {
		t.Errorf("it is %s", r.Status)
	}
	other := held
	other.ID = entryOf("order", 3).ID
	must(t, "reserving what the dead one held", b.Reserve(t.Context(), other))

	next := entryOf("order", 4)
	must(t, "accepting afterwards", a.Accept(t.Context(), next))
	if a.incarnation.Load() == before {
		t.Error("it has no new incarnation")
	}
	l, err := a.Claim(within(t))
	must(t, "claiming afterwards", err)
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
}

// TestMachinesOfNodes: a record says which machine ran each node, where that was another one than
// has accepted the entry. Who ran a node with a checkpoint stays known over takeovers.
func TestMachinesOfNodes(t *testing.T) {
	a := open(t, "a", time.Minute)
	e := entryOf("order", 1)
	must(t, "accepting", a.Accept(t.Context(), e))
	l := claim(t, a, e.ID)
	must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "one", Output: []byte("1")}))
	b := open(t, "b", time.Minute)
	must(t, "releasing", l.Release(t.Context(), time.Hour))
	hand := func() { // to whoever claims
		t.Helper()
		_, err := a.pool.Exec(t.Context(), a.sql("update {s}.pending set due = null", 0))
		must(t, "handing over", err)
	}
	hand()
	l = claim(t, b, e.ID)
	must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "two", Output: []byte("2")}))
	must(t, "releasing", l.Release(t.Context(), time.Hour))
	c := open(t, "c", time.Minute)
	hand()
	l = claim(t, c, e.ID)
	nodes := []journal.NodeRecord{
		{ID: "one", State: "completed"},
		{ID: "two", State: "completed"},
		{ID: "three", State: "completed", StartedAt: time.Now().UTC()},
		{ID: "four", State: "skipped"},
	}
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{
		Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}, Nodes: nodes,
	}))
	r, err := a.Get(t.Context(), e.ID)
	must(t, "reading", err)
	var got []string
	for _, n := range r.Nodes {
		got = append(got, n.ID+" "+n.Machine)
	}
	if want := []string{"one ", "two b", "three c", "four "}; r.Machine != "a" || !slices.Equal(got, want) {
		t.Errorf("accepted by %s, nodes %q, want %q", r.Machine, got, want)
	}
	if nodes[2].Machine != "" {
		t.Error("the caller's record was changed")
	}
}

// TestSchemas: newer schemas and those of something else are refused, and left as they are.
func TestSchemas(t *testing.T) {
	j := open(t, "a", time.Minute)
	_, err := j.pool.Exec(t.Context(), j.sql("update {s}.meta set version = 99", 0))
	must(t, "making it newer", err)
	again := New(j.given)
	wantError(t, "opening a newer one", again.Open(t.Context()), journal.ErrForeign)

	o := j.given
	o.Schema += "_of_another"
	_, err = j.pool.Exec(t.Context(), "create schema "+o.Schema+" create table t (x integer)")
	must(t, "making another", err)
	wantError(t, "opening another", New(o).Open(t.Context()), journal.ErrForeign)
	for _, o := range []Options{{}, {Machine: "a", Schema: "A"}, {Machine: "a", Lease: 1}, {Machine: "a", Connection: "port=x password=secret"}} {
		if err := New(o).Open(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestWarningIsNoCommit: a commit that comes with a warning is repeated, and finds what it did.
func TestWarningIsNoCommit(t *testing.T) {
	j := open(t, "a", time.Minute)
	e := entryOf("order", 1)
	a, err := j.newAcceptance(e, false)
	must(t, "making", err)
	o := a.operation()
	o.alone = true
	queue, sent := o.queue, 0
	o.queue = func(b *pgx.Batch) {
		queue(b)
		if sent++; sent == 1 {
			b.Queue("do $$ begin raise warning 'might not have been replicated'; end $$")
		}
	}
	must(t, "accepting", j.do(within(t), o))
	if sent != 2 {
		t.Errorf("it was sent %d times", sent)
	}
	wantError(t, "accepting it again", j.Accept(t.Context(), e), journal.ErrExists)
	claim(t, j, e.ID)
}

// TestRetention: hours that are over are dropped unless something in them is pending, and without
// waiting for those who read them.
func TestRetention(t *testing.T) {
	j := open(t, "a", time.Minute)
	old := time.Now().Add(-100 * time.Hour)
	var id ulid.ULID
	must(t, "making an id", id.SetTime(ulid.Timestamp(old)))
	e := entryOf("order", 1)
	e.ID = "exec-" + strings.ToLower(id.String())
	must(t, "accepting", j.Accept(t.Context(), e))
	hour := hourAt(old)
	there := func() bool {
		t.Helper()
		j.hours.Delete(hour)
		there, err := j.hourExists(t.Context(), hour)
		must(t, "looking", err)
		return there
	}
	eventually(t, "dropping", func() error { return j.dropHours(t.Context()) })
	if !there() {
		t.Fatal("an hour with a pending entry was dropped")
	}
	must(t, "finishing", claim(t, j, e.ID).Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Failed}}}))
	reader, err := j.pool.Begin(t.Context())
	must(t, "beginning", err)
	_, err = reader.Exec(t.Context(), j.sql("select from {s}.records_{h}", hour))
	must(t, "reading", err)
	start := time.Now()
	if err := j.dropHours(t.Context()); err == nil || time.Since(start) > 30*time.Second {
		t.Errorf("dropping what is read: %v after %s", err, time.Since(start))
	}
	must(t, "ending the reader", reader.Rollback(t.Context()))
	eventually(t, "dropping", func() error { return j.dropHours(t.Context()) })
	if there() {
		t.Error("the hour is still there")
	}
	_, err = j.Get(t.Context(), e.ID)
	wantError(t, "reading", err, journal.ErrUnknown)
}

// TestNoStateInSessions: what poolers in transaction mode cannot keep is not used.
func TestNoStateInSessions(t *testing.T) {
	j := open(t, "a", time.Minute)
	for n := range 20 {
		must(t, "accepting", j.Accept(t.Context(), entryOf(fmt.Sprint(n%3), n)))
		l, err := j.Claim(within(t))
		must(t, "claiming", err)
		must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	}
	for _, conn := range j.pool.AcquireAllIdle(t.Context()) {
		var prepared, locks int
		var commit, timeout string
		must(t, "looking", conn.QueryRow(t.Context(), `select (select count(*) from pg_prepared_statements),
			(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
			current_setting('synchronous_commit'), current_setting('statement_timeout')`).Scan(&prepared, &locks, &commit, &timeout))
		if prepared+locks > 0 || commit != "off" || timeout != "0" {
			t.Errorf("%d statements, %d locks, synchronous_commit %s, statement_timeout %s stay", prepared, locks, commit, timeout)
		}
		conn.Release()
	}
}
