package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
	"github.com/flowtrux/edge/runtime/journal/postgres"
)

const (
	workers    = 32
	maxPending = 1 << 30
)

// accept measures acceptances. Each round begins with an empty journal.
func accept(ctx context.Context, o options) (f figures, err error) {
	f = figures{what: "accepted a second, 32 writers", of: "postgres", with: "bbolt", least: true, wanted: 0.5}
	database, err := pgtest.Start()
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	dir, err := os.MkdirTemp("", "journals-") // as pgtest does: on the same disk
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	for n := range o.rounds {
		if err := f.measure(n, func(side int) (rate float64, err error) {
			var j journal.Journal
			if side == 0 {
				j = shared(database.Connection(), fmt.Sprintf("round_%d", n), "writer")
			} else {
				j = bbolt.New(filepath.Join(dir, fmt.Sprintf("%d.db", n)), bbolt.Limits{MaxPending: maxPending, MaxBytes: 1 << 40, MinFree: 1}, 0)
			}
			if err := j.Open(ctx); err != nil {
				return 0, err
			}
			defer func() { err = errors.Join(err, j.Close()) }()
			put := func(ctx context.Context) error { return j.Accept(ctx, newEntry()) }
			if _, err := together(ctx, 500*time.Millisecond, put); err != nil { // warms up
				return 0, err
			}
			return together(ctx, time.Duration(o.seconds)*time.Second, put)
		}); err != nil {
			return f, err
		}
	}
	return f, nil
}

// shared makes a journal in a schema of a database.
func shared(connection, schema, machine string) *postgres.Journal {
	return postgres.New(postgres.Options{
		Connection: connection, Schema: schema, Machine: machine, Lease: 30 * time.Second,
		Limits: postgres.Limits{MaxPending: maxPending, MaxBytes: 1 << 40},
	})
}

// together calls do on all workers for the given time, and returns the number of calls per second.
func together(ctx context.Context, d time.Duration, do func(context.Context) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var calls atomic.Uint64
	var all sync.WaitGroup
	began := time.Now()
	for range workers {
		all.Go(func() {
			for time.Since(began) < d && ctx.Err() == nil {
				if err := do(ctx); err != nil {
					cancel(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	all.Wait()
	return float64(calls.Load()) / time.Since(began).Seconds(), context.Cause(ctx)
}

var document, body = []byte(workflow.Minimal()), workflow.Body(1024)

// newEntry returns an execution that was just accepted, with a body of 1 KB.
func newEntry() *journal.Entry {
	now := time.Now().UTC()
	return &journal.Entry{
		ID: "exec-" + strings.ToLower(ulid.Make().String()), Workflow: "minimal", Revision: 1, Document: document, AcceptedAt: now,
		Data: body, Query: []byte(`{}`), Headers: []byte(`{"content-type":"application/json"}`),
		Method: "POST", ClientIP: "127.0.0.1", ReceivedAt: now,
	}
}

// spread calls do for each execution of a round.
func spread(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for next.Add(1) <= claimsOfRound && ctx.Err() == nil {
				if err := do(ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
