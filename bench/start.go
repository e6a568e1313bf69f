package main

import (
	"context"
	"fmt"
	"time"
)

// starts is the least number of times that each server is started.
const starts = 5

// startFigure holds the figures of one start.
type startFigure struct {
	took, cpu time.Duration // from the start of the process to its first correct response
}

// measureStart measures starts on an existing data directory: compiled nodes are in the cache,
// documents in the embedded store.
func measureStart(ctx context.Context, b *bench) (section, error) {
	first := threeRequest
	first.response = "" // respond sends a different one
	var servers []*server
	for _, s := range []site{respondSite(), nativeSite(), edgeSite("FlowTrux Edge", threeSeed, "")} {
		v, err := b.newServer(s)
		if err != nil {
			return section{}, err
		}
		servers = append(servers, v)
	}
	all := make([][]startFigure, len(servers))
	for i := range max(b.rounds, starts) + 1 {
		for j, v := range servers {
			f, err := v.timeStart(ctx, first)
			if err != nil {
				return section{}, v.failed(err)
			}
			b.progress("start %d: %s: %s ms", i, v.name, millis(f.took))
			if i > 0 { // the first start fills store and cache
				all[j] = append(all[j], f)
			}
		}
	}
	took := func(f startFigure) time.Duration { return f.took }
	t := table{head: []string{"target", "ms", "of respond", "CPU ms"}}
	for j, v := range servers {
		m := medianOf(all[j], took)
		t.add(v.name, millis(m), ratio(float64(m), float64(medianOf(all[0], took))),
			millis(medianOf(all[j], func(f startFigure) time.Duration { return f.cpu })))
	}
	return section{title: "Starting", notes: []string{fmt.Sprintf(
		"From the start of the process to the first correct response, with an attempt every millisecond. FlowTrux Edge has the compiled nodes of its workflow in the cache on disk and "+
			"an embedded store whose directory holds the workflow. Medians of %d interleaved starts.", max(b.rounds, starts))}, tables: []table{t}}, nil
}

func (v *server) timeStart(ctx context.Context, first request) (f startFigure, err error) {
	began := time.Now()
	if err := v.start(ctx); err != nil {
		return f, err
	}
	defer v.stop()
	if err := v.await(ctx, first, time.Minute); err != nil {
		return f, err
	}
	f.took = time.Since(began)
	f.cpu, err = v.cpu()
	return f, err
}
