//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// TestRetire: a machine that runs nothing any more gives back what it has claimed ahead, and does
// not claim what it accepts.
func TestRetire(t *testing.T) {
	a := open(t, "a", time.Minute)
	accept := func(first, n int) (ids []string) {
		for i := range n {
			e := entryOf("order", first+i)
			must(t, "accepting", a.Accept(t.Context(), e))
			ids = append(ids, e.ID)
		}
		return ids
	}
	// As a machine that has claimed much: it has room for what it accepts.
	a.mu.Lock()
	a.ahead.start, a.ahead.claims = time.Now().Add(time.Hour), 100
	a.mu.Unlock()
	ahead := accept(1, 3)
	if ids, _ := a.idsAhead(); len(ids) != len(ahead) {
		t.Fatalf("%d entries are claimed ahead, want %d", len(ids), len(ahead))
	}
	a.Retire()
	later := accept(4, 3)
	var runs int
	must(t, "reading", a.pool.QueryRow(t.Context(), a.sql("select sum(run) from {s}.pending where id = any($1)", 0), later).Scan(&runs))
	if runs > 0 {
		t.Error("a machine that has retired claims what it accepts")
	}
	eventually(t, "waiting for what it has claimed", func() error {
		var held int
		err := a.pool.QueryRow(t.Context(), a.sql("select count(*) from {s}.pending where holder is not null", 0)).Scan(&held)
		if err == nil && held > 0 {
			err = fmt.Errorf("it holds %d entries", held)
		}
		return err
	})
	b := open(t, "b", time.Minute)
	for range len(ahead) + len(later) {
		l, err := b.Claim(within(t))
		must(t, "claiming", err)
		if n := l.Entry().Deaths; n > 0 {
			t.Errorf("%s has %d deaths", l.Entry().ID, n)
		}
		must(t, "finishing", l.Finish(t.Context(), succeeded()))
	}
}

// TestRetireBesideClaims: nothing stays with a machine that retires while it claims and accepts.
func TestRetireBesideClaims(t *testing.T) {
	const entries, retiredAt = 300, 100
	a, b := open(t, "a", time.Minute), open(t, "b", time.Minute)
	claims, stop := context.WithCancel(t.Context())
	defer stop()
	var ended, working sync.WaitGroup
	ended.Add(entries)
	run := func(ctx context.Context, j *Journal) {
		for {
			l, err := j.Claim(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) && !errors.Is(err, journal.ErrClosed) {
					t.Error("claiming:", err)
				}
				return
			}
			if err := l.Finish(t.Context(), succeeded()); err != nil {
				t.Error("finishing:", err)
			}
			ended.Done()
		}
	}
	for range 8 {
		working.Go(func() { run(claims, a) })
	}
	for n := range entries {
		if n == retiredAt {
			stop()
			a.Retire()
		}
		working.Go(func() {
			if err := a.Accept(t.Context(), entryOf("order", n+1)); err != nil {
				t.Error("accepting:", err)
			}
		})
	}
	others, end := context.WithCancel(within(t))
	for range 8 {
		working.Go(func() { run(others, b) })
	}
	all := make(chan struct{})
	go func() { ended.Wait(); close(all) }()
	select {
	case <-all:
	case <-others.Done():
		t.Error("not every entry has ended")
	}
	end()
	working.Wait()
}
