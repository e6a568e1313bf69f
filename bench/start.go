package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/flowtrux/edge/bench/meter"
)

const (
	// starts is the least number of times that each server is started.
	starts = 5
	// settles is when the memory of a server that has compiled its nodes is read, after its start.
	settles = 10 * time.Second
)

// startFigure holds the figures of one start.
type startFigure struct {
	took, cpu time.Duration // from the start of the process to its first correct response
	first     meter.Memory  // then
	settled   meter.Memory  // at settles; only of a start with an empty cache, as the next one
	loaded    meter.Memory  // under load after that, when the most was resident
}

// The targets of measureStart that have goals.
const (
	startRespond = 0
	startCached  = 2
	startEmpty   = 3
)

// measureStart measures starts on an existing data directory, with compiled nodes in the cache and
// documents in the embedded store, and starts on an empty one.
func measureStart(ctx context.Context, b *bench) (section, error) {
	first := threeRequest
	first.response = "" // respond sends a different one
	var servers []*server
	for _, s := range []site{respondSite(), nativeSite(), edgeSite("FlowTrux Edge, from the cache", threeSeed, "")} {
		v, err := b.newServer(s)
		if err != nil {
			return section{}, err
		}
		if _, err := v.timeStart(ctx, first); err != nil { // fills store and cache
			return section{}, v.failed(err)
		}
		servers = append(servers, v)
	}
	all := make([][]startFigure, len(servers)+1)
	for i := range max(b.rounds, starts) {
		for j, v := range servers {
			f, err := v.timeStart(ctx, first)
			if err != nil {
				return section{}, v.failed(err)
			}
			b.progress("start %d: %s: %s ms", i+1, v.name, millis(f.took))
			all[j] = append(all[j], f)
		}
		f, err := b.emptyStart(ctx)
		if err != nil {
			return section{}, err
		}
		b.progress("start %d: empty cache: %s ms, %s MiB, under load %s", i+1, millis(f.took), mebibytes(f.settled.Resident), mebibytes(f.loaded.Resident))
		all[startEmpty] = append(all[startEmpty], f)
	}
	names := []string{servers[0].name, servers[1].name, servers[2].name, "FlowTrux Edge, empty cache"}
	return section{title: "Starting", notes: []string{fmt.Sprintf(
		"From the start of the process to the first correct response, with an attempt every millisecond. From the cache, FlowTrux Edge has the compiled nodes of its workflow on disk and "+
			"an embedded store that holds the workflow. With an empty cache it has a data directory of its own for each start, compiles the nodes, and makes the store from a directory. Medians of %d interleaved starts.",
		max(b.rounds, starts))}, tables: []table{startTable(names, all), emptyTable(all[startEmpty])}}, nil
}

// timeStart starts a server and stops it after its first correct response.
func (v *server) timeStart(ctx context.Context, first request) (f startFigure, err error) {
	began := time.Now()
	if err := v.start(ctx); err != nil {
		return f, err
	}
	defer v.stop()
	return v.firstResponse(ctx, first, began)
}

func (v *server) firstResponse(ctx context.Context, first request, began time.Time) (f startFigure, err error) {
	if err := v.await(ctx, first, time.Minute); err != nil {
		return f, err
	}
	f.took = time.Since(began)
	if f.cpu, err = v.cpu(); err != nil {
		return f, err
	}
	f.first, err = meter.ReadMemory(v.pid())
	return f, err
}

// emptyStart starts a server that has nothing but its config and a seed, lets it settle, loads it,
// and removes all of it.
func (b *bench) emptyStart(ctx context.Context) (f startFigure, err error) {
	s := edgeSite("empty cache", threeSeed, "")
	s.empty = true
	v, err := b.newServer(s)
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(v.dir)
	began := time.Now()
	if err := v.start(ctx); err != nil {
		return f, err
	}
	defer v.stop()
	if f, err = v.firstResponse(ctx, threeRequest, began); err != nil {
		return f, v.failed(err)
	}
	if err := rest(ctx, time.Until(began.Add(settles))); err != nil {
		return f, err
	}
	if f.settled, err = meter.ReadMemory(v.pid()); err != nil {
		return f, err
	}
	r, err := b.loadRound(ctx, target{v.name, v, threeLoad}, time.Second)
	if err != nil {
		return f, v.failed(err)
	}
	f.loaded = r.memory
	return f, nil
}
