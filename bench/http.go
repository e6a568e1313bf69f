package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/workflow"
)

// kilobyte is the body of most requests.
var kilobyte = workflow.Body(1024)

const threePath = "/api/webhooks/three"

// threeRequest is the webhook of most measurements.
var threeRequest = request{path: threePath, body: kilobyte, status: http.StatusCreated, response: workflow.Response}

// threeSeed is the content of a store with the workflow of threeRequest.
var threeSeed = map[string]string{"workflows/three.json": workflow.Three(""), "secrets/three": secret}

// respondSite responds with the same headers and as many bytes as the workflow, without looking at
// the request. The text has no braces, in which respond would look for placeholders.
func respondSite() site {
	text := `"` + strings.Repeat("x", len(workflow.Response)-2) + `"`
	return site{name: "Caddy respond", http: fmt.Sprintf(`header {
	Content-Type "application/json; charset=utf-8"
	X-Content-Type-Options nosniff
	X-Execution-Id exec-01jd0000000000000000000000
	X-Flow ok
}
respond %s 201`, "`"+text+"`")}
}

// nativeSite does the work of the workflow in Go.
func nativeSite() site { return site{name: "native handler", http: "bench_native " + secret} }

// measureHTTP compares a signed webhook with the fastest that Caddy can respond and with a native
// handler.
func measureHTTP(ctx context.Context, b *bench) (section, error) {
	right := threeRequest
	right.response = "" // respond sends a different one
	servers, stop, err := b.serve(ctx, right, respondSite(), nativeSite(), edgeSite("FlowTrux Edge", threeSeed, ""))
	defer stop()
	if err != nil {
		return section{}, err
	}
	var targets []target
	for i, v := range servers {
		if i > 0 {
			if err := v.try(ctx, threeRequest); err != nil {
				return section{}, v.failed(err)
			}
		}
		targets = append(targets, target{v.name, v, load{path: threePath, body: kilobyte}})
	}
	all, err := b.loadRounds(ctx, targets, b.rounds, time.Duration(b.seconds)*time.Second)
	if err != nil {
		return section{}, err
	}
	t := table{head: []string{"target", "requests/s", "of respond", "CPU µs/request", "of native", "p50 ms", "p99 ms", "allocations/request", "RSS MiB", "wrk CPU µs/request"}}
	respond, native := all[0], all[1]
	for i, rounds := range all {
		rss, err := meter.RSS(servers[i].pid())
		if err != nil {
			return section{}, err
		}
		t.add(targets[i].name,
			number(medianOf(rounds, rate)), ratio(medianOf(rounds, rate), medianOf(respond, rate)),
			micros(medianOf(rounds, cpuTime)), ratio(float64(medianOf(rounds, cpuTime)), float64(medianOf(native, cpuTime))),
			millis(medianOf(rounds, middle)), millis(medianOf(rounds, almostWorst)),
			number(medianOf(rounds, mallocs)), mebibytes(rss), micros(medianOf(rounds, clientCPU)))
	}
	return section{title: "A signed webhook, end to end", notes: []string{
		fmt.Sprintf("wrk with %d connections on loopback; a signed body of 1 KB, `lastNode`, 201 and a header; the workflow is transform → condition → "+
			"transform. Each target is its own process of the same binary. `respond` sends the same headers and as many bytes without looking at the "+
			"request; the native handler does all of the work in Go with gjson and sjson, and sends the same bytes. Medians of %d interleaved rounds of %d s.",
			connections, b.rounds, b.seconds),
		"**wrk and the server share the cores of this machine**, and wrk checks every status: the last column is its own CPU time per request. " +
			"The CPU time of the server is that of its process, including the kernel.",
	}, tables: []table{t}}, nil
}
