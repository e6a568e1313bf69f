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
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
)

// TestClaimBesideTheEnd: the end of a machine waits for a claim that the server still works on.
// Otherwise the claim would belong to a machine that has ended, and nobody would return it.
func TestClaimBesideTheEnd(t *testing.T) {
	a, b := open(t, "a", time.Minute), open(t, "b", time.Minute)
	e := entryOf("order", 1)
	must(t, "accepting", a.Accept(t.Context(), e))
	hour, err := hourOf(e.ID)
	must(t, "reading the hour", err)
	dead := b.incarnation.Load()
	tx, err := a.pool.Begin(t.Context())
	must(t, "beginning", err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), a.sql("select "+fence("key share"), 0), dead, "60000")
	must(t, "beginning a claim", err)
	_, err = tx.Exec(t.Context(), a.sql("update {s}.pending_{h} set holder = $1, run = run + 1 where id = $2", hour), dead, e.ID)
	must(t, "claiming", err)
	ended := make(chan error, 1)
	go func() { ended <- a.endMachine(t.Context(), dead, died) }()
	early := false
	eventually(t, "waiting for the end to wait", func() error {
		select {
		case err := <-ended:
			early = true
			return err
		default:
		}
		var waiting bool
		err := a.pool.QueryRow(t.Context(), "select exists(select from pg_stat_activity where wait_event_type = 'Lock' and query like '%'||$1||'%')",
			a.options.Schema).Scan(&waiting)
		if err == nil && !waiting {
			err = errors.New("it does not wait")
		}
		return err
	})
	must(t, "committing the claim", tx.Commit(t.Context()))
	if early {
		t.Error("the machine was ended beside its claim")
	} else {
		must(t, "ending", <-ended)
	}
	var holder *int64
	must(t, "reading", a.pool.QueryRow(t.Context(), a.sql("select holder from {s}.pending where id = $1", 0), e.ID).Scan(&holder))
	if holder != nil && *holder == dead {
		t.Error("a machine that has ended holds the entry")
	}
}

// TestReaders: as many slow readers as there may be keep nobody from accepting.
func TestReaders(t *testing.T) {
	j := open(t, "a", time.Minute)
	for range maxConns {
		conn, err := j.pool.Acquire(t.Context())
		must(t, "reading", err)
		defer conn.Release()
	}
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 1)))
	must(t, "proving life", j.do(t.Context(), &operation{queue: func(*pgx.Batch) {}}))
}

// TestServerSettings: what a role or a database is set to for other programs changes nothing here.
func TestServerSettings(t *testing.T) {
	s := server(t, "default_transaction_isolation='serializable'", "statement_timeout=30s",
		"idle_in_transaction_session_timeout=30s", "lock_timeout=20s", "search_path=''", "timezone='Asia/Kolkata'", "datestyle='SQL, DMY'",
		"bytea_output='escape'", "client_min_messages='error'", "default_toast_compression='pglz'")
	var all []*Journal
	for _, machine := range []string{"a", "b"} {
		all = append(all, openAt(t, s.Connection(), func(o *Options) { o.Machine, o.Schema = machine, "user" }))
	}
	const each = 200
	failed := make(chan error, len(all))
	for m, j := range all {
		go func() {
			failed <- func() error {
				for n := range each {
					// Both take the same keys.
					e := entryOf("order", m*each+n)
					e.Key = &journal.Key{Text: fmt.Sprint(n % 5), Until: time.Now().Add(time.Hour), Response: []byte("accepted")}
					var duplicate *journal.DuplicateError
					if err := j.Accept(t.Context(), e); errors.As(err, &duplicate) {
						e.Key = nil
						err = j.Accept(t.Context(), e)
						if err != nil {
							return err
						}
					} else if err != nil {
						return err
					}
					l, err := j.Claim(t.Context())
					if err != nil {
						return fmt.Errorf("claiming: %w", err)
					}
					if err := l.Checkpoint(t.Context(), journal.Step{Node: "n", Output: []byte("1")}); err != nil {
						return err
					}
					if err := l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range all {
		must(t, "working", <-failed)
	}
	must(t, "beginning a transaction", inTransaction(t.Context(), all[0].pool, time.Second, func(tx pgx.Tx) error {
		var isolation, statement, idle string
		err := tx.QueryRow(t.Context(), `select current_setting('transaction_isolation'), current_setting('statement_timeout'),
			current_setting('idle_in_transaction_session_timeout')`).Scan(&isolation, &statement, &idle)
		if isolation != "read committed" || statement != "1s" || idle != "1s" {
			t.Errorf("a transaction is %s, with timeouts of %s and %s", isolation, statement, idle)
		}
		return err
	}))
}

// TestForgottenConnections: connections that end in silence, as those that a firewall has
// forgotten, hold nothing up for longer than the bound of a call.
func TestForgottenConnections(t *testing.T) {
	s := server(t)
	p := newProxy(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	connection := strings.Replace(s.ConnectionTo(pgtest.User), strconv.Itoa(s.Port), strconv.Itoa(p.port), 1)
	j := openAt(t, connection, nil)
	other := openAt(t, s.Connection(), func(o *Options) { o.Machine = "b" })
	must(t, "accepting", j.Accept(t.Context(), entryOf("order", 1)))
	p.setCut(true)
	time.Sleep(2 * pollMax) // what looks for work is in the middle of it
	p.heal()
	e := entryOf("from b", 2)
	must(t, "accepting elsewhere", other.Accept(t.Context(), e))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		l, err := j.Claim(ctx)
		must(t, "claiming", err)
		if l.Entry().ID == e.ID {
			return
		}
	}
}

// TestNumbersOfLaterTransactions: an entry that its group did not insert has a number behind those
// that others may have read meanwhile.
func TestNumbersOfLaterTransactions(t *testing.T) {
	j := open(t, "a", time.Minute)
	seq := func(e *journal.Entry) (seq int64) {
		t.Helper()
		must(t, "accepting", j.Accept(t.Context(), e))
		must(t, "reading", j.pool.QueryRow(t.Context(), j.sql("select seq from {s}.pending where id = $1", 0), e.ID).Scan(&seq))
		return seq
	}
	first := seq(entryOf("order", 1))
	_, err := j.pool.Exec(t.Context(), j.sql("delete from {s}.documents", 0))
	must(t, "deleting what the machine knows to be there", err)
	if second := seq(entryOf("order", 2)); second != first+2 {
		t.Errorf("the number behind %d is %d", first, second)
	}
	if third := seq(entryOf("order", 3)); third != first+3 {
		t.Errorf("the third number is %d", third)
	}
}

// TestDroppedElsewhere: what another machine has dropped is unknown, and a claim in it is not given
// back for ever.
func TestDroppedElsewhere(t *testing.T) {
	j := open(t, "a", time.Minute)
	e := entryOf("order", 1)
	must(t, "accepting", j.Accept(t.Context(), e))
	l := claim(t, j, e.ID)
	must(t, "finishing", l.Finish(t.Context(), &journal.Record{Summary: journal.Summary{Outcome: journal.Outcome{Status: journal.Succeeded}}}))
	hour, err := hourOf(e.ID)
	must(t, "reading the hour", err)
	for _, table := range divided {
		_, err := j.pool.Exec(t.Context(), j.sql("drop table {s}."+table+"_{h}", hour))
		must(t, "dropping", err)
	}
	_, err = j.Source(t.Context(), e.ID)
	wantError(t, "reading what it was run from", err, journal.ErrUnknown)
	j.lose(l.(*lease))
	eventually(t, "giving back", func() error {
		j.mu.Lock()
		defer j.mu.Unlock()
		if n := len(j.ahead.lost); n > 0 {
			return fmt.Errorf("%d are lost", n)
		}
		return nil
	})
}

// TestLargeEntries: a machine claims no more ahead than it may keep in memory.
func TestLargeEntries(t *testing.T) {
	j := New(Options{})
	j.ahead.waiting = maxAhead
	const each = aheadBytes / 4
	for n := range 100 {
		j.enqueue(&candidate{id: fmt.Sprint(n), workflow: "order", hour: 1, bytes: each})
	}
	if n := len(j.takeNext(1, make(chan struct{}))); n != 4 {
		t.Errorf("it claims %d entries of %d bytes ahead", n, each)
	}
}

// TestRejectedRows: what the server rejects, for whatever reason, fails alone. What is committed in
// the same transaction does not suffer.
func TestRejectedRows(t *testing.T) {
	for _, code := range []string{"P0001", "23505", "XX001"} {
		t.Run(code, func(t *testing.T) {
			j := open(t, "a", time.Minute)
			for _, text := range []string{
				`create function {s}.reject() returns trigger language plpgsql as $$ begin
					if new.workflow = 'bad' then raise exception 'rejected' using errcode = '` + code + `'; end if; return new; end $$`,
				"create trigger reject before insert on {s}.entries for each row execute function {s}.reject()",
			} {
				_, err := j.pool.Exec(t.Context(), j.sql(text, 0))
				must(t, "making a trigger", err)
			}
			// The committer is busy until all wait for it.
			const senders = 50
			entered, leave := make(chan bool), make(chan bool)
			results := make(chan error, 1+senders)
			go func() {
				results <- j.do(t.Context(), &operation{
					check: func() error { close(entered); <-leave; return nil }, queue: func(*pgx.Batch) {},
				})
			}()
			<-entered
			for n := range senders {
				e := entryOf("good", n)
				if n == senders/3 {
					e.Workflow = "bad"
				}
				a, err := j.newAcceptance(e, false)
				must(t, "encoding", err)
				go func() { results <- j.do(t.Context(), a.operation()) }()
			}
			eventually(t, "waiting for the senders", func() error {
				if n := len(j.operations); n < senders {
					return fmt.Errorf("%d wait", n)
				}
				return nil
			})
			close(leave)
			var failed []error
			for range 1 + senders {
				if err := <-results; err != nil {
					failed = append(failed, err)
				}
			}
			if len(failed) != 1 || !errors.Is(failed[0], journal.ErrUnavailable) || !strings.Contains(failed[0].Error(), code) {
				t.Errorf("of %d, %d were not accepted: %v", senders, len(failed), failed)
			}
		})
	}
}

// TestCountedBeside: the usage that is read beside the committer, while it commits, is exact in the
// end.
func TestCountedBeside(t *testing.T) {
	o := optionsOf(t)
	o.Lease = time.Minute
	j := New(o)
	j.recounting.inline = -1
	must(t, "opening", j.Open(t.Context()))
	t.Cleanup(func() { must(t, "closing", j.Close()) })
	used := func() (n int) {
		must(t, "counting", j.do(t.Context(), &operation{
			check: func() error { n = j.usage.all.pending; return nil }, queue: func(*pgx.Batch) {},
		}))
		return n
	}
	const executions = 300
	for n := range executions {
		e := entryOf(fmt.Sprint(n%3), n)
		must(t, "accepting", j.Accept(t.Context(), e))
		if n%10 == 0 {
			must(t, "cancelling", j.Cancel(t.Context(), e.ID)) // has the usage counted again
		}
	}
	eventually(t, "counting", func() error {
		if n := used(); n != executions*9/10 {
			return fmt.Errorf("%d executions have not ended", n)
		}
		return nil
	})
	if j.recounting.took == 0 {
		t.Error("nothing was counted beside the committer")
	}
}

// TestNoDeadlocks: machines that take the same keys at the same time do not wait for each other in
// a circle, which the server would notice after a second.
func TestNoDeadlocks(t *testing.T) {
	const keys, rounds = 60, 10
	a, b := open(t, "a", time.Minute), open(t, "b", time.Minute)
	deadlocks := func() (n int) {
		must(t, "reading statistics", a.pool.QueryRow(t.Context(),
			"select deadlocks from pg_stat_database where datname = current_database()").Scan(&n))
		return n
	}
	before := deadlocks()
	for round := range rounds {
		var senders sync.WaitGroup
		for n := range keys {
			for m, j := range []*Journal{a, b} {
				k := n
				if m == 1 {
					k = keys - 1 - n
				}
				senders.Go(func() {
					r := journal.Reservation{ID: entryOf("order", 2*k+m).ID, Workflow: "order", Key: journal.Key{
						Text: fmt.Sprint(round, k), Until: time.Now().Add(time.Hour),
					}}
					var duplicate *journal.DuplicateError
					if err := j.Reserve(t.Context(), r); err != nil && !errors.As(err, &duplicate) {
						t.Error(err)
					}
				})
			}
		}
		senders.Wait()
	}
	must(t, "flushing statistics", a.Close())
	must(t, "flushing statistics", b.Close())
	a = open(t, "c", time.Minute)
	if n := deadlocks() - before; n > 0 {
		t.Errorf("%d deadlocks", n)
	}
}
