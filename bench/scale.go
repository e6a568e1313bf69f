package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// The sizes that are measured.
var (
	chainLengths = []int{1, 3, 10, 30}
	bodySizes    = []int{1 << 10, 16 << 10, 256 << 10}
	storeSizes   = []int{1, 100, 10_000}
)

// scaleRounds and scaleTime limit the rounds, as there are many targets.
const (
	scaleRounds = 3
	scaleTime   = 2 * time.Second
)

// scaleLoad returns the number of rounds and their time.
func (b *bench) scaleLoad() (int, time.Duration) {
	return min(b.rounds, scaleRounds), min(time.Duration(b.seconds)*time.Second, scaleTime)
}

// measureScale measures the cost of more nodes, larger bodies and more workflows.
func measureScale(ctx context.Context, b *bench) (section, error) {
	n, d := b.scaleLoad()
	s := section{title: "Scale", notes: []string{fmt.Sprintf(
		"wrk as above; medians of %d interleaved rounds of %s. µs are CPU time of the server per request.", n, d)}}
	for _, measure := range []func(context.Context, *bench) (table, error){measureChains, measureBodies, measureStores} {
		t, err := measure(ctx, b)
		if err != nil {
			return section{}, err
		}
		s.tables = append(s.tables, t)
	}
	return s, nil
}

// measureChains measures the cost of another node.
func measureChains(ctx context.Context, b *bench) (table, error) {
	seed := make(map[string]string)
	for _, n := range chainLengths {
		seed[fmt.Sprintf("workflows/chain%d.json", n)] = workflow.Chain(n)
		seed[fmt.Sprintf("secrets/chain%d", n)] = secret
	}
	path := func(n int) string { return fmt.Sprintf("/api/webhooks/chain%d", n) }
	first := request{path: path(chainLengths[0]), body: kilobyte, status: http.StatusCreated, response: workflow.ChainResponse}
	servers, stop, err := b.serve(ctx, first, edgeSite("chains of nodes", seed, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for _, n := range chainLengths {
		r := first
		r.path = path(n)
		if err := servers[0].try(ctx, r); err != nil {
			return table{}, servers[0].failed(err)
		}
		targets = append(targets, target{fmt.Sprintf("%d nodes", n), servers[0], load{path: r.path, body: kilobyte}})
	}
	n, d := b.scaleLoad()
	all, err := b.loadRounds(ctx, targets, n, d)
	if err != nil {
		return table{}, err
	}
	t := table{title: "Chains of transforms", head: []string{"nodes", "requests/s", "µs/request", "µs per additional node", "p99 ms", "allocations/request"}}
	one := medianOf(all[0], cpuTime)
	for i, rounds := range all {
		further := "-"
		if i > 0 {
			further = micros((medianOf(rounds, cpuTime) - one) / time.Duration(chainLengths[i]-chainLengths[0]))
		}
		t.add(fmt.Sprint(chainLengths[i]), number(medianOf(rounds, rate)), micros(medianOf(rounds, cpuTime)), further,
			millis(medianOf(rounds, almostWorst)), number(medianOf(rounds, mallocs)))
	}
	return t, nil
}

// measureBodies measures the cost of larger bodies.
func measureBodies(ctx context.Context, b *bench) (table, error) {
	servers, stop, err := b.serve(ctx, threeRequest, edgeSite("larger bodies", threeSeed, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for _, size := range bodySizes {
		targets = append(targets, target{fmt.Sprintf("body of %d KB", size>>10), servers[0], load{path: threePath, body: workflow.Body(size)}})
	}
	n, d := b.scaleLoad()
	all, err := b.loadRounds(ctx, targets, n, d)
	if err != nil {
		return table{}, err
	}
	t := table{
		title: "Larger bodies, of which the workflow with three nodes reads two fields",
		head:  []string{"body KB", "requests/s", "of 1 KB", "µs/request", "of 1 KB", "MB/s", "p99 ms"},
	}
	for i, rounds := range all {
		r, cpu := medianOf(rounds, rate), medianOf(rounds, cpuTime)
		t.add(fmt.Sprint(bodySizes[i]>>10), number(r), ratio(r, medianOf(all[0], rate)), micros(cpu),
			ratio(float64(cpu), float64(medianOf(all[0], cpuTime))), number(r*float64(bodySizes[i])/1e6), millis(medianOf(rounds, almostWorst)))
	}
	return t, nil
}
