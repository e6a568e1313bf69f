package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
)

const (
	loopRounds  = 3
	loopTimeout = 100 * time.Millisecond // of the node that never returns
	loopShare   = 0.4                    // of the capacity that normal traffic gets
)

// loopRequest is answered when the looping node has been ended.
var loopRequest = request{path: "/api/webhooks/loop", body: []byte(`{}`), status: http.StatusInternalServerError}

// loopFigure is one round of normal traffic.
type loopFigure struct {
	p50, p99, worst time.Duration
	stops           meter.Histogram
	ended           []time.Duration // how long the looping calls took
}

// measureLoop shows what normal traffic notices of a node that never returns.
func measureLoop(ctx context.Context, b *bench) (section, error) {
	wasm, err := b.buildC(ctx, "loop")
	if err != nil {
		return section{}, err
	}
	file, err := b.file("loop", wasm)
	if err != nil {
		return section{}, err
	}
	seed := map[string]string{
		"workflows/three.json": workflow.Three(""), "secrets/three": secret,
		"workflows/loop.json": workflow.One("loop"), "secrets/loop": secret,
	}
	servers, stop, err := b.serve(ctx, threeRequest,
		edgeSite("with a looping node", seed, fmt.Sprintf("node loop %s {\ntimeout %s\n}", file, loopTimeout)))
	defer stop()
	if err != nil {
		return section{}, err
	}
	v := servers[0]
	capacity, err := b.loadRounds(ctx, []target{{v.name, v, load{path: threePath, body: kilobyte}}}, 1, time.Duration(b.seconds)*time.Second)
	if err != nil {
		return section{}, err
	}
	traffic := openLoad{
		address: strings.TrimPrefix(v.url, "http://"), request: threeRequest,
		rate: loopShare * capacity[0][0].rate, time: time.Duration(b.seconds) * time.Second,
	}
	rounds := min(b.rounds, loopRounds)
	all := make([][]loopFigure, 2)
	for i := range rounds {
		for j, looping := range []bool{false, true} {
			f, err := v.loopRound(ctx, traffic, looping)
			if err != nil {
				return section{}, v.failed(err)
			}
			b.progress("round %d of %d: looping %v: p99 %s ms", i+1, rounds, looping, millis(f.p99))
			all[j] = append(all[j], f)
		}
	}
	return loopSection(traffic, rounds, all), nil
}

// loopRound sends normal traffic once, with one looping call always under way or without.
func (v *server) loopRound(ctx context.Context, traffic openLoad, looping bool) (f loopFigure, err error) {
	before, err := v.runtime(ctx, true)
	if err != nil {
		return f, err
	}
	ended := make(chan error, 1)
	loops, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var err error
		if looping {
			f.ended, err = loopAlways(loops, traffic.address)
		}
		ended <- err
	}()
	took, err := traffic.run(ctx)
	stop()
	if looped := <-ended; err == nil {
		err = looped
	}
	if err != nil {
		return f, err
	}
	after, err := v.runtime(ctx, false)
	if err != nil {
		return f, err
	}
	slices.Sort(took)
	f.p50, f.p99, f.worst = quantile(took, 0.5), quantile(took, 0.99), took[len(took)-1]
	f.stops = after.GCStops.Since(before.GCStops)
	return f, nil
}

// loopAlways makes looping calls one after the other until ctx ends, and returns how long each took.
func loopAlways(ctx context.Context, address string) (ended []time.Duration, err error) {
	c, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	text := rawRequest(address, loopRequest)
	for ctx.Err() == nil {
		sent := time.Now()
		if err := c.ask(text, loopRequest.status); err != nil {
			return nil, fmt.Errorf("the looping call: %w", err)
		}
		ended = append(ended, time.Since(sent))
	}
	return ended, nil
}

// loopSection makes the tables of the rounds without, all[0], and with looping calls, all[1].
func loopSection(traffic openLoad, rounds int, all [][]loopFigure) section {
	p99 := func(f loopFigure) time.Duration { return f.p99 }
	t := table{head: []string{"normal traffic", "p50 ms", "p99 ms", "ratio", "worst ms", "GC stops", "longest GC stop ms", "looping calls", "ended after ms", "at most ms"}}
	for j, name := range []string{"alone", "beside a looping call"} {
		var stops meter.Histogram
		var ended []time.Duration
		for _, f := range all[j] {
			stops, ended = stops.Add(f.stops), append(ended, f.ended...)
		}
		looped := []string{"-", "-", "-"}
		if len(ended) > 0 {
			looped = []string{fmt.Sprint(len(ended)), millis(median(ended)), millis(slices.Max(ended))}
		}
		t.add(append([]string{
			name, millis(medianOf(all[j], func(f loopFigure) time.Duration { return f.p50 })), millis(medianOf(all[j], p99)),
			ratio(float64(medianOf(all[j], p99)), float64(medianOf(all[0], p99))),
			millis(medianOf(all[j], func(f loopFigure) time.Duration { return f.worst })),
			fmt.Sprint(stops.Count()), "<= " + millis(stops.Max()),
		}, looped...)...)
	}
	return section{title: "Beside a node that never returns", notes: []string{fmt.Sprintf(
		"Normal traffic is the workflow of three nodes at %.0f requests/s, %.0f %% of what the server did at most, at open loop: sent when it is due, whatever the "+
			"answers do, and latencies count from then. Beside it one call of a node in an endless loop with `timeout %s` is always under way, which takes a core of "+
			"this machine. Medians of %d interleaved rounds of %s; GC stops are how long it took to stop all goroutines for the garbage collector "+
			"(/sched/pauses/stopping/gc:seconds), the looping calls are counted over all rounds.",
		traffic.rate, 100*loopShare, loopTimeout, rounds, traffic.time)}, tables: []table{t}}
}
