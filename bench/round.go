package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/flowtrux/edge/bench/meter"
)

// target is a server with the load for it.
type target struct {
	name   string
	server *server
	load   load
}

// round holds the results of one round of load, with the resources that the server used.
type round struct {
	figure
	cpu     time.Duration // of the server, per request
	mallocs float64       // allocations of the server, per request
	memory  meter.Memory  // of the server, when the most was resident
}

// loadRounds loads the targets in turn, n times, after a second to warm up each of them. Every
// other time it begins with the last one, so that none is always after the same one. The result has
// the rounds of each target.
func (b *bench) loadRounds(ctx context.Context, targets []target, n int, d time.Duration) ([][]round, error) {
	for _, t := range targets {
		b.progress("warming up: %s", t.name)
		if _, err := b.wrkLoad(ctx, t.server.url, t.load, time.Second); err != nil && !errors.Is(err, errNoResponse) {
			return nil, t.server.failed(err)
		}
	}
	all := make([][]round, len(targets))
	for i := range n {
		for j := range targets {
			if i%2 == 1 {
				j = len(targets) - 1 - j
			}
			t := targets[j]
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

// loadRound loads a target once. If there is no response within d, it tries again with more time.
func (b *bench) loadRound(ctx context.Context, t target, d time.Duration) (r round, err error) {
	for {
		r, err = b.loadOnce(ctx, t, d)
		if d *= 4; !errors.Is(err, errNoResponse) || d > time.Minute {
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
	stop := t.server.watchMemory(ctx)
	r.figure, err = b.wrkLoad(ctx, t.server.url, t.load, d)
	memory, watched := stop()
	if err = cmp.Or(err, watched); err != nil {
		return r, err
	}
	r.memory = memory
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

// The figures of rounds, for medianOf.
func rate(r round) float64              { return r.rate }
func cpuTime(r round) time.Duration     { return r.cpu }
func mallocs(r round) float64           { return r.mallocs }
func clientCPU(r round) time.Duration   { return r.clientCPU }
func middle(r round) time.Duration      { return r.p50 }
func almostWorst(r round) time.Duration { return r.p99 }

// clientCores returns how many cores wrk keeps busy.
func clientCores(r round) float64 { return r.rate * r.clientCPU.Seconds() }
