package main

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// bodySizes are the sizes of bodies that are measured.
var bodySizes = []int{1 << 10, 16 << 10, 256 << 10}

// scaleTime limits the rounds, as there are many targets.
const scaleTime = 2 * time.Second

// scaleRounds loads the targets of a measurement of this part.
func (b *bench) scaleRounds(ctx context.Context, targets []target) ([][]round, error) {
	return b.loadRounds(ctx, targets, b.rounds, min(time.Duration(b.seconds)*time.Second, scaleTime))
}

// measureScale measures how the cost grows with what there is more of.
func measureScale(ctx context.Context, b *bench) (section, error) {
	s := section{title: "Scale", notes: []string{fmt.Sprintf(
		"wrk as above; medians of %d interleaved rounds of %s. µs are CPU time of the server per request.", b.rounds, min(time.Duration(b.seconds)*time.Second, scaleTime))}}
	for _, measure := range []func(context.Context, *bench) (table, error){measureBodies, measureStores, measureIdle, measureItems, measureCores} {
		t, err := measure(ctx, b)
		if err != nil {
			return section{}, err
		}
		s.tables = append(s.tables, t)
	}
	return s, nil
}

// measureBodies measures the cost of larger bodies, beside the native handler.
func measureBodies(ctx context.Context, b *bench) (table, error) {
	servers, stop, err := b.serve(ctx, threeRequest, nativeSite(), edgeSite("larger bodies", threeSeed, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for _, size := range bodySizes {
		l := threeLoad
		l.body = workflow.Body(size)
		for _, v := range servers {
			targets = append(targets, target{fmt.Sprintf("%s, %d KB", v.name, size>>10), v, l})
		}
	}
	all, err := b.scaleRounds(ctx, targets)
	if err != nil {
		return table{}, err
	}
	return bodyTable(all), nil
}

// bodyTable makes a table from rounds: for each size those of the native handler and ours.
func bodyTable(all [][]round) table {
	t := table{
		title: "Larger bodies, of which the workflow with three nodes reads two fields. All of a body is received, verified and checked to be JSON",
		head:  []string{"body KB", "requests/s", "of native", "µs/request", "of native", "µs per further KB", "MB/s", "p99 ms"},
	}
	further := make([][]float64, len(bodySizes)) // ns per KB in each round, since the size before
	for k, size := range bodySizes {
		native, rounds, each := all[2*k], all[2*k+1], "-"
		if k > 0 {
			for i, r := range rounds {
				further[k] = append(further[k], float64(r.cpu-all[2*k-1][i].cpu)/float64((size-bodySizes[k-1])>>10))
			}
			each = micros(time.Duration(median(further[k])))
		}
		t.add(fmt.Sprint(size>>10), number(medianOf(rounds, rate)), times(ratios(rounds, native, rate)), micros(medianOf(rounds, cpuTime)),
			times(ratios(rounds, native, cpuTime)), each, number(medianOf(rounds, rate)*float64(size)/1e6), millis(medianOf(rounds, almostWorst)))
	}
	nanos := func(f float64) float64 { return f }
	t.marks = []mark{{growthBody, ratios(further[2], further[1], nanos), fmt.Sprintf("%s of %s µs; at 256 KB %s of the native handler",
		micros(time.Duration(median(further[2]))), micros(time.Duration(median(further[1]))), times(ratios(all[5], all[4], cpuTime)))}}
	return t
}
