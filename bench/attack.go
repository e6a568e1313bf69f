package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
)

const (
	attackRounds  = 3
	attackTimeout = 100 * time.Millisecond // of the attacking nodes
	attackShare   = 0.4                    // part of the capacity that normal traffic uses
)

// attackFigure holds the results of one round of normal traffic.
type attackFigure struct {
	p50, p99, worst time.Duration
	late            time.Duration // 99 % of requests were sent at most so late
	stops           meter.Histogram
	attacked
}

// measureAttacks measures normal traffic while nodes use all the CPU or memory they can get.
func measureAttacks(ctx context.Context, b *bench) (section, error) {
	wasm, err := b.buildC(ctx, "loop")
	if err != nil {
		return section{}, err
	}
	file, err := b.file("loop", wasm)
	if err != nil {
		return section{}, err
	}
	seed := map[string]string{"workflows/three.json": workflow.Three(""), "secrets/three": secret}
	for _, n := range attackNodes {
		seed[fmt.Sprintf("workflows/%s.json", n.id)] = workflow.Failing(n.node, n.config, attackTimeout.String())
		seed["secrets/"+n.id] = secret
	}
	servers, stop, err := b.serve(ctx, threeRequest, edgeSite("with attacking nodes", seed, fmt.Sprintf("node loop %s", file)))
	defer stop()
	if err != nil {
		return section{}, err
	}
	v := servers[0]
	capacity, err := b.loadRounds(ctx, []target{{v.name, v, threeLoad}}, 1, time.Duration(b.seconds)*time.Second)
	if err != nil {
		return section{}, err
	}
	traffic := openLoad{
		address: v.address, request: threeRequest,
		rate: attackShare * capacity[0][0].rate, time: time.Duration(b.seconds) * time.Second,
	}
	rounds, attacks := min(b.rounds, attackRounds), attacks()
	all := make([][]attackFigure, len(attacks))
	for i := range rounds {
		for j, a := range attacks {
			f, err := v.attackRound(ctx, traffic, a)
			if err != nil {
				return section{}, v.failed(fmt.Errorf("%s: %w", a.name, err))
			}
			b.progress("round %d of %d: %s: p99 %s ms", i+1, rounds, a.name, millis(f.p99))
			all[j] = append(all[j], f)
		}
	}
	return attackSection(traffic, rounds, attacks, all), nil
}

// attackRound sends normal traffic during an attack.
func (v *server) attackRound(ctx context.Context, traffic openLoad, a attack) (f attackFigure, err error) {
	before, err := v.runtime(ctx, true)
	if err != nil {
		return f, err
	}
	done := make(chan error, 1)
	attacking, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		var err error
		f.attacked, err = a.run(attacking, v)
		done <- err
	}()
	sent, err := traffic.run(ctx)
	stop()
	if attacked := <-done; err == nil {
		err = attacked
	}
	if err != nil {
		return f, err
	}
	after, err := v.runtime(ctx, false)
	if err != nil {
		return f, err
	}
	took := sent.sorted()
	f.p50, f.p99, f.worst = quantile(took, 0.5), quantile(took, 0.99), took[len(took)-1]
	f.late = quantile(sent.late, 0.99)
	f.stops = after.GCStops.Since(before.GCStops)
	return f, nil
}

// attackSection makes a table from the rounds of each attack.
func attackSection(traffic openLoad, rounds int, attacks []attack, all [][]attackFigure) section {
	p99 := func(f attackFigure) time.Duration { return f.p99 }
	t := table{head: []string{
		"normal traffic", "p50 ms", "p99 ms", "of alone", "of a lost core", "worst ms", "sent late ms", "GC stops", "longest GC stop ms",
		"calls", "ended after ms", "at most ms", "with code",
	}}
	for j, a := range attacks {
		var stops meter.Histogram
		var took []time.Duration
		codes := make(map[string]int)
		for _, f := range all[j] {
			stops, took = stops.Add(f.stops), append(took, f.took...)
			for code, n := range f.codes {
				codes[code] += n
			}
		}
		calls := []string{"-", "-", "-", "-"}
		if len(took) > 0 {
			var with []string
			for _, code := range slices.Sorted(maps.Keys(codes)) {
				with = append(with, fmt.Sprintf("%d %s", codes[code], code))
			}
			calls = []string{fmt.Sprint(len(took)), millis(median(took)), millis(slices.Max(took)), strings.Join(with, ", ")}
		}
		t.add(append([]string{
			a.name, millis(medianOf(all[j], func(f attackFigure) time.Duration { return f.p50 })), millis(medianOf(all[j], p99)),
			times(ratios(all[j], all[alone], p99)), times(ratios(all[j], all[lostCore], p99)),
			millis(medianOf(all[j], func(f attackFigure) time.Duration { return f.worst })),
			millis(medianOf(all[j], func(f attackFigure) time.Duration { return f.late })),
			fmt.Sprint(stops.Count()), "<= " + millis(stops.Max()),
		}, calls...)...)
	}
	return section{title: "During an attack", notes: []string{fmt.Sprintf(
		"Normal traffic is the workflow with three nodes at %.0f requests/s, %.0f %% of the server's capacity, in an open loop: each request is sent when it is due, "+
			"independent of responses, and its latency counts from then. During an attack, one call of a node with a timeout of %s is always in progress and uses all it can get, and with "+
			"it a core of this machine. A loop in an unrelated process shows what the loss of a core alone costs the server and the sender. "+
			"Medians of %d interleaved rounds of %s. GC stops are the times to stop all goroutines for the garbage collector "+
			"(/sched/pauses/stopping/gc:seconds). Sent late is the sender's own part of p99. Calls and their error codes are counted over all rounds.",
		traffic.rate, 100*attackShare, attackTimeout, rounds, traffic.time)}, tables: []table{t}}
}
