package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
)

// storeSizes are the numbers of workflows that are measured.
var storeSizes = []int{1, 100, 10_000}

// measureStores measures the cost of more workflows. Requests go to all of them in turn. Each
// document has its own secret, because a seed has at most 10,000 files.
func measureStores(ctx context.Context, b *bench) (table, error) {
	const path = "/api/webhooks/flow"
	var sites []site
	for _, n := range storeSizes {
		seed := make(map[string]string, n)
		for i := range n {
			seed[fmt.Sprintf("workflows/flow%d.json", i+1)] = workflow.Three(secret)
		}
		sites = append(sites, edgeSite(fmt.Sprintf("%d workflows", n), seed, ""))
	}
	first := request{path: path + "1", body: kilobyte, status: http.StatusCreated, response: workflow.Response}
	servers, stop, err := b.serve(ctx, first, sites...)
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	var heap, rss []uint64
	for i, v := range servers {
		last := first
		last.path = fmt.Sprint(path, storeSizes[i])
		if err := v.await(ctx, last, 2*time.Minute); err != nil {
			return table{}, v.failed(err)
		}
		m, err := v.runtime(ctx, true)
		if err != nil {
			return table{}, err
		}
		resident, err := meter.ReadMemory(v.pid())
		if err != nil {
			return table{}, err
		}
		heap, rss = append(heap, m.HeapAlloc), append(rss, resident.Resident)
		targets = append(targets, target{v.name, v, load{path: path, body: kilobyte, response: workflow.Response, paths: storeSizes[i]}})
	}
	all, err := b.scaleRounds(ctx, targets)
	if err != nil {
		return table{}, err
	}
	most := all[len(all)-1]
	t := table{
		marks: []mark{
			{goalStores, ratios(most, all[0], rate), fmt.Sprintf("%s of %s; CPU %s", number(medianOf(most, rate)), number(medianOf(all[0], rate)), times(ratios(most, all[0], cpuTime)))},
		},
		title: fmt.Sprintf("More workflows of %d bytes each, which get requests in turn; memory before the first request", len(workflow.Three(secret))),
		head:  []string{"workflows", "requests/s", "of one", "µs/request", "of one", "p99 ms", "heap MiB", "heap KB/workflow", "resident MiB", "wrk CPU µs/request"},
	}
	for i, rounds := range all {
		each := "-"
		if i > 0 {
			each = number((float64(heap[i]) - float64(heap[0])) / float64(storeSizes[i]-storeSizes[0]) / 1024)
		}
		t.add(fmt.Sprint(storeSizes[i]), number(medianOf(rounds, rate)), times(ratios(rounds, all[0], rate)), micros(medianOf(rounds, cpuTime)),
			times(ratios(rounds, all[0], cpuTime)), millis(medianOf(rounds, almostWorst)),
			mebibytes(heap[i]), each, mebibytes(rss[i]), micros(medianOf(rounds, clientCPU)))
	}
	return t, nil
}
