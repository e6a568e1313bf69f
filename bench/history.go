package main

import (
	"context"
	"fmt"
	"time"
)

// history is a limit on recording executions that succeed while a sender waits.
type history struct {
	name string
	rate int // history_rate
}

// histories are the measured limits; the first one is the base of the ratios.
var histories = []history{{"nothing is recorded", 0}, {"history_rate 200, the default", 200}, {"everything is recorded", 1_000_000}}

// historyFigure holds the results of a round in an open loop.
type historyFigure struct {
	cpu      time.Duration // of the server, per request
	recorded float64       // executions per second
	short    float64       // executions within history_rate that were not recorded
}

// measureHistory measures the cost of recording executions that senders wait for.
func measureHistory(ctx context.Context, b *bench) (table, error) {
	var sites []site
	for _, h := range histories {
		sites = append(sites, diskSite(h.name, threeSeed, fmt.Sprintf("history_rate %d", h.rate)))
	}
	servers, stop, err := b.serve(ctx, threeRequest, sites...)
	defer stop()
	if err != nil {
		return table{}, err
	}
	var targets []target
	for _, v := range servers {
		targets = append(targets, target{v.name, v, threeLoad})
	}
	d := time.Duration(b.seconds) * time.Second
	full, err := b.loadRounds(ctx, targets, b.rounds, d)
	if err != nil {
		return table{}, err
	}
	half := medianOf(full[0], rate) / 2
	calm := make([][]historyFigure, len(servers))
	for i := range b.rounds {
		for j, v := range servers {
			f, err := v.historyRound(ctx, half, d, histories[j].rate)
			if err != nil {
				return table{}, v.failed(err)
			}
			b.progress("round %d of %d: %s: %.0f requests/s, %s µs each, %.0f recorded/s", i+1, b.rounds, v.name, half, micros(f.cpu), f.recorded)
			calm[j] = append(calm[j], f)
		}
	}
	t := table{
		title: fmt.Sprintf("Recording executions with three nodes that senders wait for: at saturation, and in an open loop at half of it, %.0f requests/s", half),
		head:  []string{"what", "requests/s", "of nothing", "CPU µs/request", "p99 ms", "half: CPU µs/request", "of nothing", "half: recorded/s", "half: missing from history_rate"},
	}
	cpu := func(f historyFigure) time.Duration { return f.cpu }
	for j, h := range histories {
		short := 0.0
		for _, f := range calm[j] {
			short += f.short
		}
		t.add(h.name, number(medianOf(full[j], rate)), times(ratios(full[j], full[0], rate)),
			micros(medianOf(full[j], cpuTime)), millis(medianOf(full[j], almostWorst)),
			micros(medianOf(calm[j], cpu)), times(ratios(calm[j], calm[0], cpu)),
			number(medianOf(calm[j], func(f historyFigure) float64 { return f.recorded })), number(short))
	}
	return t, nil
}

// historyRound sends requests in an open loop and counts the recorded executions.
func (v *server) historyRound(ctx context.Context, perSecond float64, d time.Duration, historyRate int) (f historyFigure, err error) {
	before, err := v.journal(ctx)
	if err != nil {
		return f, err
	}
	cpu, err := v.cpu()
	if err != nil {
		return f, err
	}
	l := openLoad{address: v.address, request: threeRequest, rate: perSecond, time: d}
	if _, err := l.run(ctx); err != nil {
		return f, err
	}
	after, err := v.cpu()
	if err != nil {
		return f, err
	}
	f.cpu = (after - cpu) / time.Duration(l.count())
	now, err := v.journal(ctx)
	if err != nil {
		return f, err
	}
	recorded := float64(l.count()) - float64(now.NotRecorded-before.NotRecorded)
	f.recorded = recorded / d.Seconds()
	f.short = max(0, min(float64(l.count()), float64(historyRate)*d.Seconds())-recorded)
	return f, nil
}
