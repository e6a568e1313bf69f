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

// executorWorkers is how many executions a server runs at once.
const executorWorkers = 64

// together does something on as many goroutines as there are connections until the time is over,
// and returns how often a second.
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

// openJournal makes an empty journal; close removes it.
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

// accepts measures a journal that accepts and does nothing else.
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

// lives measures a journal with all that it does for an execution of one node, by writers who do it
// all, one after the other.
func (b *bench) lives(ctx context.Context, d time.Duration) (float64, error) {
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

// flows measures the same as a server does it: writers accept, and workers apart from them do the
// rest, until nothing is left.
func (b *bench) flows(ctx context.Context, d time.Duration) (float64, error) {
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

// work does what is left of an execution of one node when it was accepted.
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
		return fmt.Errorf("keeping a step: %w", err)
	}
	return l.Finish(ctx, newRecord(l.Entry(), step))
}
