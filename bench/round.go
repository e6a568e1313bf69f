package main

import (
	"context"
	"errors"
	"time"
)

// target is one thing that gets load.
type target struct {
	name   string
	server *server
	load   load
}

// round is what one round of load on a target gave, with what the server used for it.
type round struct {
	figure
	cpu     time.Duration // of the server, for a request
	mallocs float64       // allocations of the server, for a request
}

// loadRounds loads the targets one after the other, that a number of times, after a second for each
// to warm up. The result is by target.
func (b *bench) loadRounds(ctx context.Context, targets []target, n int, d time.Duration) ([][]round, error) {
	for _, t := range targets {
		b.progress("warming up: %s", t.name)
		if _, err := b.wrkLoad(ctx, t.server.url, t.load, time.Second); err != nil && !errors.Is(err, errNoAnswer) {
			return nil, t.server.failed(err)
		}
	}
	all := make([][]round, len(targets))
	for i := range n {
		for j, t := range targets {
			r, err := b.loadRound(ctx, t, d)
			if err != nil {
				return nil, t.server.failed(err)
			}
			b.progress("round %d of %d: %s: %.0f requests/s, %s µs each", i+1, n, t.name, r.rate, micros(r.cpu))
			all[j] = append(all[j], r)
		}
	}
	return all, nil
}

// loadRound loads a target once. One that does not answer within d gets more time.
func (b *bench) loadRound(ctx context.Context, t target, d time.Duration) (r round, err error) {
	for {
		r, err = b.loadOnce(ctx, t, d)
		if d *= 4; !errors.Is(err, errNoAnswer) || d > time.Minute {
			return r, err
		}
	}
}

func (b *bench) loadOnce(ctx context.Context, t target, d time.Duration) (r round, err error) {
	before, err := t.server.runtime(ctx, true)
	if err != nil {
		return r, err
	}
	cpu, err := t.server.cpu()
	if err != nil {
		return r, err
	}
	if r.figure, err = b.wrkLoad(ctx, t.server.url, t.load, d); err != nil {
		return r, err
	}
	after, err := t.server.cpu()
	if err != nil {
		return r, err
	}
	counted, err := t.server.runtime(ctx, false)
	if err != nil {
		return r, err
	}
	r.cpu = (after - cpu) / time.Duration(r.requests)
	r.mallocs = float64(counted.Mallocs-before.Mallocs) / float64(r.requests)
	return r, nil
}

// Figures of rounds, for medians.
func rate(r round) float64              { return r.rate }
func cpuTime(r round) time.Duration     { return r.cpu }
func mallocs(r round) float64           { return r.mallocs }
func clientCPU(r round) time.Duration   { return r.clientCPU }
func middle(r round) time.Duration      { return r.p50 }
func almostWorst(r round) time.Duration { return r.p99 }
