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

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
)

// TestFailover: the primary server dies under load, and its synchronous standby takes its place.
// Nothing that was accepted is lost, and it goes on by itself.
func TestFailover(t *testing.T) {
	primary := server(t)
	standby, err := primary.Standby("second")
	must(t, "starting a standby", err)
	t.Cleanup(func() { must(t, "stopping the standby", standby.Stop()) })
	admin, err := newPool(Options{Connection: primary.Connection()})
	must(t, "connecting", err)
	for _, text := range []string{"alter system set synchronous_standby_names = 'second'", "select pg_reload_conf()"} {
		_, err := admin.Exec(t.Context(), text)
		must(t, "setting", err)
	}
	admin.Close()
	both := fmt.Sprintf("host=127.0.0.1,127.0.0.1 port=%d,%d user=%s dbname=postgres sslmode=disable", primary.Port, standby.Port, pgtest.User)
	var j *Journal
	eventually(t, "opening", func() error {
		j = New(Options{Connection: both, Machine: "a", Lease: time.Minute})
		if err := j.Open(t.Context()); err != nil || j.CheckedDurability() == journal.Replicated {
			return err
		}
		return errors.Join(fmt.Errorf("the durability is %s", j.CheckedDurability()), j.Close())
	})
	t.Cleanup(func() { must(t, "closing", j.Close()) })

	// A standby is refused for what it is.
	reader := openAt(t, standby.ConnectionTo(pgtest.User), func(o *Options) { o.Machine = "b" })
	if err := reader.Accept(t.Context(), entryOf("order", 1)); !errors.Is(err, journal.ErrUnavailable) || !strings.Contains(err.Error(), "read only") {
		t.Errorf("accepting at a standby: %v", err)
	}
	must(t, "closing", reader.Close())

	var accepted sync.Map
	ctx, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	var number, refused atomic.Int64
	for range 16 {
		senders.Go(func() {
			for ctx.Err() == nil {
				e := entryOf("order", int(number.Add(1)))
				if j.Accept(t.Context(), e) == nil {
					accepted.Store(e.ID, true)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	must(t, "killing the primary", primary.Kill())
	time.Sleep(500 * time.Millisecond)
	must(t, "promoting", standby.Promote())
	eventually(t, "accepting after the promotion", func() error {
		return j.Accept(t.Context(), entryOf("order", int(number.Add(1))))
	})
	stop()
	senders.Wait()
	n := wantAccepted(t, j, &accepted)
	t.Logf("%d were accepted, %d refused", n, refused.Load())
	must(t, "checking", j.checkDurability(t.Context()))
	if got := j.CheckedDurability(); got != journal.Disk {
		t.Errorf("without a standby the durability is %s", got)
	}
}

// TestNoStandby: while no standby confirms, nothing is promised, and what was sent is not doubled.
func TestNoStandby(t *testing.T) {
	s := server(t, "synchronous_standby_names=''")
	j := openAt(t, s.Connection(), nil)
	e := entryOf("order", 1)
	set := func(names string) {
		t.Helper()
		for _, text := range []string{"alter system set synchronous_standby_names = '" + names + "'", "select pg_reload_conf()"} {
			_, err := j.pool.Exec(t.Context(), text)
			must(t, "setting", err)
		}
	}
	set("nobody")
	eventually(t, "waiting for a refusal", func() error {
		e = entryOf("order", int(time.Now().UnixNano()))
		if err := j.Accept(t.Context(), e); !errors.Is(err, journal.ErrUnavailable) {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	set("")
	var err error
	eventually(t, "accepting it again", func() error {
		if err = j.Accept(t.Context(), e); errors.Is(err, journal.ErrExists) {
			return nil
		}
		return err
	})
	page, err := j.List(t.Context(), journal.Query{IDPrefix: e.ID})
	must(t, "listing", err)
	if len(page.Rows) != 1 {
		t.Errorf("%+v", page.Rows)
	}
}

// TestRequire: a server that cannot do what is required is refused, with the way out.
func TestRequire(t *testing.T) {
	s := server(t, "fsync=off")
	err := New(Options{Connection: s.Connection(), Machine: "a"}).Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "fsync = on") {
		t.Errorf("opening without fsync: %v", err)
	}
	o := optionsOf(t)
	o.Require = journal.Replicated
	if err := New(o).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "synchronous_standby_names is empty") {
		t.Errorf("opening without standbys: %v", err)
	}
	j := open(t, "a", time.Minute)
	if j.Durability() != journal.Disk || j.CheckedDurability() != journal.Disk {
		t.Errorf("the durability is %s, %s", j.Durability(), j.CheckedDurability())
	}
	// The list of standbys is emptied after the journal was opened.
	j.options.Require = journal.Replicated
	err = j.Accept(t.Context(), entryOf("order", 1))
	if !errors.Is(err, journal.ErrUnavailable) || !strings.Contains(err.Error(), "no synchronous standby") {
		t.Errorf("accepting without standbys: %v", err)
	}
}
