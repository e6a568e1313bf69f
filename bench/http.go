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

// threeLoad is the load of threeRequest.
var threeLoad = load{path: threePath, body: kilobyte, response: workflow.Response}

// respondText has as many bytes as the response of the workflow. It has no braces, in which respond
// would look for placeholders.
var respondText = `"` + strings.Repeat("x", len(workflow.Response)-2) + `"`

// respondSite responds with the same headers and as many bytes as the workflow, without looking at
// the request.
func respondSite() site {
	return site{name: "Caddy respond", http: fmt.Sprintf(`header {
	Content-Type "application/json; charset=utf-8"
	X-Content-Type-Options nosniff
	X-Execution-Id exec-01jd0000000000000000000000
	X-Flow ok
}
respond %s 201`, "`"+respondText+"`")}
}

// nativeSite does the work of the workflow in Go.
func nativeSite() site { return site{name: "native handler", http: "bench_native " + secret} }

// The targets of measureHTTP and measureHalf.
const (
	respond = iota
	native
	ours
)

// measureHTTP compares a signed webhook with the fastest that Caddy can respond and with a native
// handler.
func measureHTTP(ctx context.Context, b *bench) (section, error) {
	first := threeRequest
	first.response = "" // respond sends a different one
	servers, stop, err := b.serve(ctx, first, respondSite(), nativeSite(), edgeSite("FlowTrux Edge", threeSeed, ""))
	defer stop()
	if err != nil {
		return section{}, err
	}
	targets := make([]target, len(servers))
	for i, v := range servers {
		targets[i] = target{v.name, v, threeLoad}
		if i == respond {
			targets[i].load.response = respondText
		}
	}
	all, err := b.loadRounds(ctx, targets, b.rounds, time.Duration(b.seconds)*time.Second)
	if err != nil {
		return section{}, err
	}
	s := section{title: "A signed webhook, end to end", notes: []string{
		fmt.Sprintf("wrk with %d connections on loopback; a signed body of 1 KB, `lastNode`, 201 and a header; the workflow is transform → condition → "+
			"transform. Each target is its own process of the same binary. `respond` sends the same headers and as many bytes without looking at the "+
			"request; the native handler does all of the work in Go with gjson and sjson, and sends the same bytes. Medians of %d interleaved rounds of %d s. "+
			"All responses are compared byte for byte.",
			connections, b.rounds, b.seconds),
		"**wrk and the server share the cores of this machine**: the last two columns are its own CPU time per request and the cores that it keeps busy, " +
			"of which it has one thread for every two. The CPU time of the server is that of its process, including the kernel. Resident memory is the most " +
			"seen in any round, and what of it is anonymous and of files.",
	}, tables: []table{saturationTable(targets, all)}}
	half, err := b.measureHalf(ctx, targets, medianOf(all[ours], rate)/2)
	if err != nil {
		return section{}, err
	}
	s.tables = append(s.tables, half)
	return s, nil
}

func saturationTable(targets []target, all [][]round) table {
	t := table{title: "At saturation", marks: saturationMarks(all), head: []string{
		"target", "requests/s", "of respond", "CPU µs/request", "of respond", "of native", "p50 ms", "p99 ms", "of respond", "allocations/request",
		"resident MiB", "anonymous", "file", "wrk CPU µs/request", "wrk cores",
	}}
	for i, rounds := range all {
		m := mostMemory(rounds)
		t.add(targets[i].name,
			number(medianOf(rounds, rate)), times(ratios(rounds, all[respond], rate)),
			micros(medianOf(rounds, cpuTime)), times(ratios(rounds, all[respond], cpuTime)), times(ratios(rounds, all[native], cpuTime)),
			millis(medianOf(rounds, middle)), millis(medianOf(rounds, almostWorst)), times(ratios(rounds, all[respond], almostWorst)),
			number(medianOf(rounds, mallocs)),
			mebibytes(m.Resident), mebibytes(m.Anonymous), mebibytes(m.File),
			micros(medianOf(rounds, clientCPU)), number(medianOf(rounds, clientCores)))
	}
	return t
}

func saturationMarks(all [][]round) []mark {
	m := mostMemory(all[ours])
	return []mark{
		{goalRate, ratios(all[ours], all[respond], rate), fmt.Sprintf("%s of %s", number(medianOf(all[ours], rate)), number(medianOf(all[respond], rate)))},
		{goalCPU, ratios(all[ours], all[native], cpuTime), fmt.Sprintf("%s of %s µs; `respond` %s",
			micros(medianOf(all[ours], cpuTime)), micros(medianOf(all[native], cpuTime)), micros(medianOf(all[respond], cpuTime)))},
		{goalTail, ratios(all[ours], all[respond], almostWorst), fmt.Sprintf("%s of %s ms", millis(medianOf(all[ours], almostWorst)), millis(medianOf(all[respond], almostWorst)))},
		{goalMemoryLoad, float64(m.Resident) / (1 << 20), fmt.Sprintf("%s anonymous, %s of files; `respond` %s",
			mebibytes(m.Anonymous), mebibytes(m.File), mebibytes(mostMemory(all[respond]).Resident))},
	}
}

// mostMemory returns the memory of the round in which the most was resident.
func mostMemory(rounds []round) (most meter.Memory) {
	for _, r := range rounds {
		if r.memory.Resident > most.Resident {
			most = r.memory
		}
	}
	return most
}
