package main

import (
	"context"
	"fmt"
)

// measureCores measures servers that may use one core and two.
func measureCores(ctx context.Context, b *bench) (table, error) {
	first := threeRequest
	first.response = ""
	var sites []site
	for _, s := range []site{respondSite(), edgeSite("FlowTrux Edge", threeSeed, "")} {
		for cores := 1; cores <= 2; cores++ {
			of := s
			of.name, of.cores = fmt.Sprintf("%s, %d", s.name, cores), cores
			sites = append(sites, of)
		}
	}
	servers, stop, err := b.serve(ctx, first, sites...)
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for i, v := range servers {
		l := threeLoad
		if i < 2 {
			l.response = respondText
		}
		targets = append(targets, target{v.name, v, l})
	}
	all, err := b.scaleRounds(ctx, targets)
	if err != nil {
		return table{}, err
	}
	return coreTable(targets, all), nil
}

// coreTable makes a table from rounds: those of respond with one core and with two, then ours.
func coreTable(targets []target, all [][]round) table {
	t := table{
		title: "The second core (GOMAXPROCS). The server and wrk share the cores of this machine, so that the gain of `respond` is the most to expect here",
		head:  []string{"target, cores", "requests/s", "of one", "CPU µs/request", "of one", "p99 ms"},
	}
	for i, rounds := range all {
		one := all[i&^1]
		t.add(targets[i].name, number(medianOf(rounds, rate)), times(ratios(rounds, one, rate)),
			micros(medianOf(rounds, cpuTime)), times(ratios(rounds, one, cpuTime)), millis(medianOf(rounds, almostWorst)))
	}
	var gain []float64
	for i := range all[0] {
		gain = append(gain, all[1][i].rate/all[0][i].rate/(all[3][i].rate/all[2][i].rate))
	}
	t.marks = []mark{{growthCores, median(gain), fmt.Sprintf("%s of %s", times(ratios(all[1], all[0], rate)), times(ratios(all[3], all[2], rate)))}}
	return t
}
