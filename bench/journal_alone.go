package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

// executorWorkers is the number of executions that a server runs concurrently.
const executorWorkers = 64

// together calls do on as many goroutines as there are connections for the given time and returns
// the number of calls per second.
func together(ctx context.Context, d time.Duration, do func(context.Context, uint64) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Uint64
	var all sync.WaitGroup
	began := time.Now()
	for range connections {
		all.Go(func() {
			for time.Since(began) < d && ctx.Err() == nil {
				if err := do(ctx, next.Add(1)); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), context.Cause(ctx)
}

// openJournal creates an empty journal. closed closes and removes it.
func (b *bench) openJournal(ctx context.Context) (j *bbolt.Journal, closed func(), err error) {
	dir, err := os.MkdirTemp(b.dir, "journal-")
	if err != nil {
		return nil, nil, err
	}
	j = bbolt.New(filepath.Join(dir, "journal.db"), bbolt.Limits{MaxPending: 10_000_000, MaxBytes: 1 << 40, MinFree: 1}, 0)
	if err := j.Open(ctx); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return j, func() { _ = errors.Join(j.Close(), os.RemoveAll(dir)) }, nil
}

// accepts measures a journal that only accepts executions.
func (b *bench) accepts(ctx context.Context, d time.Duration) (float64, error) {
	j, closed, err := b.openJournal(ctx)
	if err != nil {
		return 0, err
	}
	defer closed()
	return together(ctx, d, accept(j))
}

func accept(j *bbolt.Journal) func(context.Context, uint64) error {
	document := workflow.Minimal()
	return func(ctx context.Context, n uint64) error { return j.Accept(ctx, newEntry(n, "minimal", 1, document)) }
}

// cycles measures all that a journal does for an execution with one node. Each writer does all of
// it, one execution after the other.
func (b *bench) cycles(ctx context.Context, d time.Duration) (float64, error) {
	j, closed, err := b.openJournal(ctx)
	if err != nil {
		return 0, err
	}
	defer closed()
	accept := accept(j)
	return together(ctx, d, func(ctx context.Context, n uint64) error {
		if err := accept(ctx, n); err != nil {
			return err
		}
		return work(ctx, j)
	})
}

// cyclesApart measures the same work in the way of a server: writers accept, and separate workers
// do the rest until nothing is left.
func (b *bench) cyclesApart(ctx context.Context, d time.Duration) (float64, error) {
	j, closed, err := b.openJournal(ctx)
	if err != nil {
		return 0, err
	}
	defer closed()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var ended atomic.Uint64
	var workers sync.WaitGroup
	for range executorWorkers {
		workers.Go(func() {
			for {
				err := work(ctx, j)
				if errors.Is(err, journal.ErrClosed) {
					return
				}
				if err != nil {
					cancel(err)
					return
				}
				ended.Add(1)
			}
		})
	}
	began := time.Now()
	if _, err := together(ctx, d, accept(j)); err != nil {
		return 0, err
	}
	for left := 1; left > 0; {
		s, err := j.Stats(ctx)
		if err == nil {
			left, err = s.Pending+s.Running, rest(ctx, time.Millisecond)
		}
		if err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	err = j.Close() // ends the claims
	workers.Wait()
	return float64(ended.Load()) / took.Seconds(), err
}

// work does the rest of the work for an accepted execution with one node.
func work(ctx context.Context, j *bbolt.Journal) error {
	step := journal.Step{Node: "only", Output: []byte(`{"orderId":"12345","total":250.50}`)}
	l, err := j.Claim(ctx)
	if err != nil {
		return err
	}
	if err := l.Begin(ctx); err != nil {
		return err
	}
	if err := l.Checkpoint(ctx, step); err != nil {
		return fmt.Errorf("storing a step: %w", err)
	}
	return l.Finish(ctx, newRecord(l.Entry(), step))
}
