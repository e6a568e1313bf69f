//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// load accepts, with keys, on some machines, and runs what was accepted on any of them, until it is
// stopped. What was accepted and what has ended is counted.
type load struct {
	t        *testing.T
	machines []*Journal
	accepted sync.Map // id: key
	refusals atomic.Pointer[error]
	number   atomic.Int64
	stop     context.CancelFunc
	work     sync.WaitGroup
}

func startLoad(t *testing.T, machines ...*Journal) *load {
	l := &load{t: t, machines: machines}
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	l.number.Store(time.Now().UnixNano() / 1000)
	for _, j := range machines {
		for range 4 {
			l.work.Go(func() { l.send(ctx, j) })
			l.work.Go(func() { l.run(ctx, j) })
		}
	}
	return l
}

func (l *load) send(ctx context.Context, j *Journal) {
	for ctx.Err() == nil {
		n := int(l.number.Add(1))
		e := entryOf("order", n)
		e.Key = &journal.Key{Text: fmt.Sprint(n), Until: time.Now().Add(time.Hour)}
		if err := j.Accept(l.t.Context(), e); err != nil {
			l.refusals.Store(&err)
			continue
		}
		l.accepted.Store(e.ID, true)
	}
}

func (l *load) run(ctx context.Context, j *Journal) {
	for ctx.Err() == nil {
		lease, err := j.Claim(ctx)
		if err != nil {
			_ = backoff.Sleep(ctx, 10*time.Millisecond)
			continue
		}
		// What fails runs again.
		if lease.Checkpoint(l.t.Context(), journal.Step{Node: "n", Output: []byte("1")}) == nil {
			_ = lease.Finish(l.t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}})
		}
	}
}

// end stops accepting, waits until everything that was accepted has ended, and returns how much
// that is.
func (l *load) end() (ended int) {
	l.t.Helper()
	l.stop()
	l.work.Wait()
	ctx, stop := context.WithCancel(l.t.Context())
	defer stop()
	for _, j := range l.machines {
		l.work.Go(func() { l.run(ctx, j) })
	}
	l.accepted.Range(func(id, _ any) bool {
		ended++
		eventually(l.t, fmt.Sprintf("waiting for the end of %v", id), func() error {
			r, err := l.machines[0].Get(l.t.Context(), id.(string))
			if err == nil && r.Status != journal.Succeeded {
				err = errors.New("it is " + r.Status)
			}
			return err
		})
		return true
	})
	stop()
	l.work.Wait()
	return ended
}

// TestSettings: the settings of an administrator change nothing.
func TestSettings(t *testing.T) {
	s := server(t, "default_transaction_isolation=serializable", "default_transaction_deferrable=on", "lock_timeout=1ms",
		"statement_timeout=2s", "idle_in_transaction_session_timeout=1s", "idle_session_timeout=1s", "timezone='Asia/Kathmandu'",
		"standard_conforming_strings=off", "search_path=nowhere", "bytea_output=escape", "datestyle='SQL, DMY'", "intervalstyle=iso_8601",
		"extra_float_digits=-15", "escape_string_warning=on", "synchronous_commit=off", "row_security=off", "client_encoding=latin1",
		"enable_indexscan=off", "enable_bitmapscan=off", "default_toast_compression=pglz", "quote_all_identifiers=on")
	a := openAt(t, s.Connection(), func(o *Options) { o.Lease = 5 * time.Second })
	b := openAt(t, s.Connection(), func(o *Options) { o.Machine, o.Lease = "b", 5*time.Second })
	l := startLoad(t, a, b)
	time.Sleep(time.Second)
	again := openAt(t, s.Connection(), func(o *Options) { o.Machine = "c" })
	must(t, "closing", again.Close())
	n := l.end()
	t.Logf("%d were accepted", n)
	if n == 0 {
		t.Error("nothing was accepted")
	}
	if err := l.refusals.Load(); err != nil {
		t.Errorf("accepting: %v", *err)
	}
}

// TestTerminated: connections that an administrator ends at any moment lose nothing that was
// accepted.
func TestTerminated(t *testing.T) {
	s := server(t)
	a := openAt(t, s.Connection(), func(o *Options) { o.Lease = 5 * time.Second })
	b := openAt(t, s.Connection(), func(o *Options) { o.Machine, o.Lease = "b", 5*time.Second })
	admin, err := newPool(Options{Connection: s.Connection()})
	must(t, "connecting", err)
	defer admin.Close()
	l := startLoad(t, a, b)
	ended := 0
	for start := time.Now(); time.Since(start) < 1500*time.Millisecond; time.Sleep(7 * time.Millisecond) {
		var n int
		must(t, "terminating", admin.QueryRow(t.Context(), `select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
			where pid <> pg_backend_pid() and backend_type = 'client backend' and random() < 0.3) x`).Scan(&n))
		ended += n
	}
	if n := l.end(); n == 0 || ended == 0 {
		t.Errorf("%d were accepted, and %d connections ended", n, ended)
	} else {
		t.Logf("%d were accepted, and %d connections ended", n, ended)
	}
}

// TestFewConnections: with fewer connections than a journal would use, what was accepted ends; with
// none, the error says what to do.
func TestFewConnections(t *testing.T) {
	s := server(t)
	admin, err := newPool(Options{Connection: s.Connection()})
	must(t, "connecting", err)
	defer admin.Close()
	for _, text := range []string{"create role few login connection limit 2", "create schema flowtrux authorization few"} {
		_, err := admin.Exec(t.Context(), text)
		must(t, text, err)
	}
	connection := s.ConnectionTo("few")
	j := openAt(t, connection, func(o *Options) { o.Lease = 5 * time.Second })
	l := startLoad(t, j)
	time.Sleep(500 * time.Millisecond)
	if n := l.end(); n == 0 {
		t.Error("nothing was accepted")
	}
	_, err = admin.Exec(t.Context(), "alter role few connection limit 0")
	must(t, "limiting", err)
	other := openAt(t, connection, func(o *Options) { o.Machine = "b" })
	err = other.Accept(t.Context(), entryOf("order", 1))
	wantError(t, "accepting without connections", err, journal.ErrUnavailable)
	if text := err.Error(); !strings.Contains(text, "a machine uses up to 8 connections") || !strings.Contains(text, `role "few"`) {
		t.Errorf("the error is: %s", text)
	}
}

// TestLocked: while another session holds its tables, calls are refused in time; then it goes on.
func TestLocked(t *testing.T) {
	s := server(t)
	j := openAt(t, s.Connection(), nil)
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 1)))
	admin, err := newPool(Options{Connection: s.Connection()})
	must(t, "connecting", err)
	defer admin.Close()
	tx, err := admin.Begin(t.Context())
	must(t, "beginning", err)
	_, err = tx.Exec(t.Context(), j.sql("lock table {s}.meta, {s}.machines, {s}.keys, {s}.counts, {s}.entries, {s}.pending, {s}.records, "+
		"{s}.steps, {s}.documents in access exclusive mode", 0))
	must(t, "locking", err)
	wantAllRefused(t, j)
	must(t, "unlocking", tx.Rollback(t.Context()))
	eventually(t, "accepting", func() error { return j.Accept(t.Context(), entryOf("order", 2)) })
}
