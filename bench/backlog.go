package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/crash"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

const (
	backlog = 100_000
	// backlogHeld is the number of the oldest executions. They wait for a target, so that the depth
	// can be read while no execution ends. There are as many as an executor has workers.
	backlogHeld    = 64
	backlogWriters = 256
	backlogWait    = 2 * time.Minute

	// A workflow has a share of the pending executions, so that there are two.
	backlogOldest, backlogFirst, backlogSecond = "hold", "first", "second"
)

// measureBacklog starts a server on a journal with pending executions.
func measureBacklog(ctx context.Context, b *bench) (table, error) {
	hold, err := crash.NewTarget()
	if err != nil {
		return table{}, err
	}
	defer hold.Close()
	documents := map[string]string{backlogFirst: workflow.Minimal(), backlogSecond: workflow.Minimal(), backlogOldest: workflow.Calling(hold.URL + "/hold")}
	seed := make(map[string]string)
	for id, text := range documents {
		seed["workflows/"+id+".json"], seed["secrets/"+id] = text, secret
	}
	s := diskSite("with a backlog", seed, "")
	s.app += fmt.Sprintf("\negress {\nallow %s\n}", hold.Address)
	v, err := b.newServer(s)
	if err != nil {
		return table{}, err
	}
	defer v.stop()
	if err := v.fillBacklog(ctx, documents); err != nil {
		return table{}, v.failed(err)
	}
	b.progress("starting on a backlog of %d", backlog)
	began := time.Now()
	if err := v.start(ctx); err != nil {
		return table{}, err
	}
	waits, cancel := context.WithTimeout(ctx, backlogWait)
	defer cancel()
	if err := hold.WaitHolding(waits.Done()); err != nil {
		return table{}, v.failed(err)
	}
	claimed := time.Since(began)
	depth, err := v.journal(ctx)
	if err != nil {
		return table{}, v.failed(err)
	}
	hold.ReleaseAll()
	if err := v.drained(ctx); err != nil {
		return table{}, v.failed(err)
	}
	took := time.Since(began) - claimed
	counts, err := v.statuses(ctx)
	if err != nil {
		return table{}, v.failed(err)
	}
	t := table{
		title: fmt.Sprintf("A start with %d pending executions. The first one counts as claimed when it has reached a target outside", backlog),
		head:  []string{"what", ""},
	}
	t.add("first claimed, ms after the start of the process", millis(claimed))
	t.add("pending + running, by status", fmt.Sprintf("%d + %d = %d", depth.Pending, depth.Running, depth.Pending+depth.Running))
	t.add("succeeded in the end", fmt.Sprint(counts[journal.Succeeded]))
	t.add("finished per second", number(backlog/took.Seconds()))
	return t, nil
}

// fillBacklog writes the executions into the journal of a stopped server.
func (v *server) fillBacklog(ctx context.Context, documents map[string]string) error {
	// The store has the revisions of the workflows.
	if err := v.start(ctx); err != nil {
		return err
	}
	revisions, err := v.revisions(ctx)
	for deadline := time.Now().Add(backlogWait); err != nil || len(revisions) < len(documents); revisions, err = v.revisions(ctx) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the store has not been loaded: %v, %w", revisions, err)
		}
		if err := rest(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	v.stop()
	j := bbolt.New(filepath.Join(v.dir, "caddy", "flowtrux", "journal", "journal.db"), bbolt.Limits{}, 0)
	if err := j.Open(ctx); err != nil {
		return err
	}
	defer j.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Uint64
	var all sync.WaitGroup
	accept := func(id string, until uint64) {
		for range backlogWriters {
			all.Go(func() {
				for n := next.Add(1); n <= until && ctx.Err() == nil; n = next.Add(1) {
					if err := j.Accept(ctx, newEntry(n, id, revisions[id], documents[id])); err != nil {
						cancel(err)
					}
				}
			})
		}
		all.Wait()
		next.Store(until)
	}
	accept(backlogOldest, backlogHeld)
	accept(backlogFirst, backlog/2)
	accept(backlogSecond, backlog)
	return context.Cause(ctx)
}
