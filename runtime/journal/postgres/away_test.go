//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
)

// server starts a server for one test.
func server(t *testing.T, settings ...string) *pgtest.Server {
	t.Helper()
	s, err := pgtest.Start(settings...)
	must(t, "starting a server", err)
	t.Cleanup(func() { must(t, "stopping the server", s.Stop()) })
	return s
}

// newPool makes a pool of connections. It connects when the first one is needed.
func newPool(o Options) (*pgxpool.Pool, error) {
	c, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(context.Background(), c)
}

// openAt opens a journal in a server of a test, which may be away.
func openAt(t *testing.T, connection string, set func(*Options)) *Journal {
	t.Helper()
	o := Options{Connection: connection, Machine: "a", Lease: time.Minute}
	if set != nil {
		set(&o)
	}
	j := New(o)
	must(t, "opening", j.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", j.Close()) })
	return j
}

// wantAllRefused expects that each call, at the same time as the others, tells in time of a
// database that is away.
func wantAllRefused(t *testing.T, j *Journal) {
	t.Helper()
	const late = 10 * time.Second // of a busy machine
	var calls sync.WaitGroup
	for _, c := range []struct {
		doing string
		bound time.Duration
		call  func() error
	}{
		{"accepting", 2 * time.Second, func() error { return j.Accept(t.Context(), entryOf("order", 900)) }},
		{"adopting", 2 * time.Second, func() error { _, err := j.Adopt(t.Context(), entryOf("order", 903)); return err }},
		{"reserving", 2 * time.Second, func() error {
			return j.Reserve(t.Context(), journal.Reservation{
				ID: entryOf("order", 901).ID, Workflow: "order", Key: journal.Key{Text: "k", Until: time.Now().Add(time.Hour)},
			})
		}},
		{"reading statistics", 2 * time.Second, func() error { _, err := j.Stats(t.Context()); return err }},
		{"reading machines", 2 * time.Second, func() error { _, err := j.Machines(t.Context()); return err }},
		{"listing", 5 * time.Second, func() error { _, err := j.List(t.Context(), journal.Query{}); return err }},
		{"reading", 5 * time.Second, func() error { _, err := j.Get(t.Context(), entryOf("order", 902).ID); return err }},
		{"reading counters", 5 * time.Second, func() error { _, err := j.Counts(t.Context(), journal.CountsQuery{Hours: 1}); return err }},
	} {
		calls.Go(func() {
			start := time.Now()
			err := c.call()
			if !errors.Is(err, journal.ErrUnavailable) {
				t.Errorf("%s: %v, want %v", c.doing, err, journal.ErrUnavailable)
			}
			if took := time.Since(start); took > c.bound+late {
				t.Errorf("%s took %s, want at most %s", c.doing, took, c.bound)
			}
		})
	}
	calls.Wait()
}

// patience is how long tests wait for what has to happen, on a machine however busy.
const patience = 3 * time.Minute

// eventually repeats a call until it succeeds.
func eventually(t *testing.T, doing string, call func() error) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := call()
		if err == nil {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("%s: %v after %s", doing, err, patience)
		}
	}
}

// TestOpenWhileAway: a journal opens without its database, refuses in time, and goes on by itself
// when the database is there.
func TestOpenWhileAway(t *testing.T) {
	s := server(t)
	must(t, "killing", s.Kill())
	j := openAt(t, s.ConnectionTo(pgtest.User), nil)
	wantAllRefused(t, j)
	if err := j.Accept(t.Context(), entryOf("order", 1)); !strings.Contains(err.Error(), strconv.Itoa(s.Port)) {
		t.Errorf("the error does not name the server: %v", err)
	}
	claimed := make(chan journal.Lease)
	go func() {
		l, err := j.Claim(within(t))
		if err != nil {
			t.Error(err)
		}
		claimed <- l
	}()
	must(t, "starting", s.Run())
	e := entryOf("order", 2)
	eventually(t, "accepting", func() error { return j.Accept(t.Context(), e) })
	if l := <-claimed; l != nil && l.Entry().ID != e.ID {
		t.Errorf("claimed %s", l.Entry().ID)
	}
}

// TestCloseWhileAway: what has never begun can be closed.
func TestCloseWhileAway(t *testing.T) {
	s := server(t)
	must(t, "killing", s.Kill())
	j := openAt(t, s.ConnectionTo(pgtest.User), nil)
	must(t, "closing", j.Close())
	wantError(t, "accepting", j.Accept(t.Context(), entryOf("order", 1)), journal.ErrClosed)
}

// TestWrongPassword: a wrong password is like a database that is away, and is not in the error.
func TestWrongPassword(t *testing.T) {
	s := server(t)
	admin := openAt(t, s.Connection(), nil)
	_, err := admin.pool.Exec(t.Context(), "create role edge login superuser password 'right'")
	must(t, "creating a role", err)
	must(t, "demanding passwords", s.DemandPasswords())
	const wrong = "wr\\'ong"
	eventually(t, "waiting for the server", func() error {
		o := Options{Connection: s.ConnectionTo("edge") + " password='" + strings.ReplaceAll(strings.ReplaceAll(wrong, `\`, `\\`), "'", `\'`) + "'", Machine: "x"}
		probe := New(o)
		defer probe.Close()
		if err := probe.Open(t.Context()); err != nil {
			return err
		}
		if probe.ready.Load() {
			return errors.New("it demands no password yet")
		}
		return nil
	})
	connection, err := ResolveConnection(s.ConnectionTo("edge")+" password={env.P}", func(string) (string, error) { return wrong, nil })
	must(t, "resolving", err)
	j := openAt(t, connection, func(o *Options) { o.Machine = "b" })
	err = j.Accept(t.Context(), entryOf("order", 1))
	wantError(t, "accepting", err, journal.ErrUnavailable)
	if text := err.Error(); strings.Contains(text, wrong) || !strings.Contains(text, "edge") || !strings.Contains(text, "password authentication failed") {
		t.Errorf("the error is: %s", text)
	}
	_, err = admin.pool.Exec(t.Context(), "alter role edge password '"+strings.ReplaceAll(wrong, "'", "''")+"'")
	must(t, "changing the password", err)
	eventually(t, "accepting", func() error { return j.Accept(t.Context(), entryOf("order", 2)) })
}

// TestCut: with the network cut, calls end in time; afterwards nothing that was accepted is lost,
// and work that could not be given back meanwhile runs again.
func TestCut(t *testing.T) {
	s := server(t)
	p := newProxy(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	connection := strings.Replace(s.ConnectionTo(pgtest.User), strconv.Itoa(s.Port), strconv.Itoa(p.port), 1)
	j := openAt(t, connection, nil)
	done := &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}

	e := entryOf("order", 1)
	must(t, "accepting", j.Accept(t.Context(), e))
	l := claim(t, j, e.ID)
	var accepted sync.Map
	ctx, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	var number atomic.Int64
	number.Store(1000)
	for range 8 {
		senders.Go(func() {
			for ctx.Err() == nil {
				e := entryOf("load", int(number.Add(1)))
				if j.Accept(t.Context(), e) == nil {
					accepted.Store(e.ID, true)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	p.setCut(true)
	wantAllRefused(t, j)
	short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := l.Finish(short, done); err == nil {
		t.Error("it was finished without the database")
	}
	short, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := l.Release(short, 0); err == nil {
		t.Error("it was released without the database")
	}
	p.setCut(false)
	eventually(t, "accepting", func() error { return j.Accept(t.Context(), entryOf("order", int(number.Add(1)))) })
	stop()
	senders.Wait()
	wantAccepted(t, j, &accepted)
	eventually(t, "looking at what could not be finished", func() error {
		r, err := j.Get(t.Context(), e.ID)
		if err == nil && r.Status == journal.Running {
			err = errors.New("it runs still")
		}
		return err
	})
}

// wantAccepted checks that a journal has all ids that were accepted, and returns their number.
func wantAccepted(t *testing.T, j *Journal, ids *sync.Map) (n int) {
	t.Helper()
	for id := range ids.Range {
		n++
		_, err := j.Get(t.Context(), id.(string))
		must(t, fmt.Sprintf("reading what was accepted, %v", id), err)
	}
	if n == 0 {
		t.Error("nothing was accepted")
	}
	return n
}

// TestLapses: a lease that cannot be extended for most of its time is lost, and its entry runs
// again when the database is there.
func TestLapses(t *testing.T) {
	s := server(t)
	j := openAt(t, s.ConnectionTo(pgtest.User), nil)
	e := entryOf("order", 1)
	must(t, "accepting", j.Accept(t.Context(), e))
	l := claim(t, j, e.ID)
	must(t, "checkpointing", l.Checkpoint(t.Context(), journal.Step{Node: "n", Output: []byte("1")}))
	must(t, "killing", s.Kill())
	if err := l.Extend(t.Context()); err == nil || errors.Is(err, journal.ErrLeaseLost) {
		t.Fatalf("extending at once: %v", err)
	}
	held := l.(*lease)
	held.mu.Lock()
	held.extended = held.extended.Add(-time.Minute) // its time goes by
	held.mu.Unlock()
	wantError(t, "extending late", l.Extend(t.Context()), journal.ErrLeaseLost)
	must(t, "starting", s.Run())
	again := claim(t, j, e.ID)
	if steps := again.Entry().Steps; len(steps) != 1 {
		t.Errorf("it has the steps %v", steps)
	}
	wantError(t, "finishing what was lost", l.Finish(t.Context(), &journal.Record{}), journal.ErrLeaseLost)
}

// TestReadOnly: a server that cannot be written is told as such, and is used again afterwards.
func TestReadOnly(t *testing.T) {
	s := server(t)
	j := openAt(t, s.Connection(), nil)
	admin, err := newPool(Options{Connection: s.Connection() + " target_session_attrs=any"})
	must(t, "connecting", err)
	defer admin.Close()
	set := func(value string) {
		t.Helper()
		_, err := admin.Exec(t.Context(), "alter system set default_transaction_read_only = "+value)
		must(t, "setting", err)
		_, err = admin.Exec(t.Context(), "select pg_reload_conf()")
		must(t, "reloading", err)
	}
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 1)))
	set("on")
	n := 1
	eventually(t, "waiting for a refusal", func() error {
		n++
		if err := j.Accept(t.Context(), entryOf("order", n)); err == nil || !strings.Contains(err.Error(), "read") {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	_, err = admin.Exec(t.Context(), "set default_transaction_read_only = off")
	must(t, "writing as the administrator", err)
	set("off")
	eventually(t, "accepting", func() error { n++; return j.Accept(t.Context(), entryOf("order", n)) })
}

// TestFullDisk: a full disk refuses, and says so.
func TestFullDisk(t *testing.T) {
	j := open(t, "a", time.Minute)
	_, err := j.pool.Exec(t.Context(), j.sql(`create function {s}.fill() returns trigger language plpgsql as $$
		begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`, 0))
	must(t, "making a function", err)
	_, err = j.pool.Exec(t.Context(), j.sql("create trigger fill before insert on {s}.entries for each row execute function {s}.fill()", 0))
	must(t, "making a trigger", err)
	err = j.Accept(t.Context(), entryOf("order", 1))
	wantError(t, "accepting", err, journal.ErrUnavailable)
	if !strings.Contains(err.Error(), "No space left on device") {
		t.Error(err)
	}
	if stats, err := j.Stats(t.Context()); err != nil || !strings.Contains(stats.Fault, "No space left") {
		t.Errorf("the fault is %q, %v", stats.Fault, err)
	}
	_, err = j.pool.Exec(t.Context(), j.sql("drop trigger fill on {s}.entries", 0))
	must(t, "dropping the trigger", err)
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 2)))
}
