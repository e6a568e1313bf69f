package main

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// measureJournal measures the cost of storing accepted executions on disk.
func measureJournal(ctx context.Context, b *bench) (section, error) {
	s := section{title: "On disk", notes: []string{
		fmt.Sprintf("All files are on the same disk. %d writers or connections; medians of %d interleaved rounds of %d s. A bare commit puts 1 KB into "+
			"bbolt, in groups with one fsync each: the upper bound of disk and database. A life cycle is all that the journal alone does for an execution with "+
			"one node: accept, claim, one checkpoint, finish. Either each writer does all of it, or %d separate workers claim and finish, as in a "+
			"server.", connections, b.rounds, b.seconds, executorWorkers),
	}}
	for _, measure := range []func(context.Context, *bench) (table, error){measureAccept, measureHistory, measureBacklog} {
		t, err := measure(ctx, b)
		if err != nil {
			return section{}, err
		}
		s.tables = append(s.tables, t)
	}
	return s, nil
}

// journalAlone lists the measurements of the journal without a server. The first one is the upper
// bound, the last two are life cycles of executions.
var journalAlone = []struct {
	name string
	rate func(*bench, context.Context, time.Duration) (float64, error)
}{
	{"bare commit", (*bench).bareCommits},
	{"journal: accept", (*bench).accepts},
	{"journal: life cycles", (*bench).cycles},
	{"journal: life cycles, separate workers", (*bench).cyclesApart},
}

const minimalPath = "/api/webhooks/minimal"

// diskSite returns a site with the flowtrux handler and a journal on disk. journal holds further
// options of the journal.
func diskSite(name string, seed map[string]string, journal string) site {
	return edgeSite(name, seed, "journal bbolt {\n"+journal+"\n}")
}

// acceptRound is a round on a server that accepts and runs executions with one node.
type acceptRound struct {
	round
	ended float64 // executions per second, from the first request until the last one has ended
}

// measureAccept compares durable webhooks with the journal alone, and the journal with a bare
// database.
func measureAccept(ctx context.Context, b *bench) (table, error) {
	right := request{path: minimalPath, body: kilobyte, status: 201}
	servers, stop, err := b.serve(ctx, right, respondSite(),
		diskSite("minimal", map[string]string{"workflows/minimal.json": workflow.Minimal(), "secrets/minimal": secret}, ""))
	defer stop()
	if err != nil {
		return table{}, err
	}
	l := load{path: minimalPath, body: kilobyte}
	respond, minimal := target{servers[0].name, servers[0], l}, target{servers[1].name, servers[1], l}
	d := time.Duration(b.seconds) * time.Second
	alone := make([][]float64, len(journalAlone))
	var responded []round
	var accepted []acceptRound
	for i := range b.rounds {
		for k, a := range journalAlone {
			r, err := a.rate(b, ctx, d)
			if err != nil {
				return table{}, fmt.Errorf("%s: %w", a.name, err)
			}
			b.progress("round %d of %d: %s: %.0f per second", i+1, b.rounds, a.name, r)
			alone[k] = append(alone[k], r)
		}
		r, err := b.loadRound(ctx, respond, d)
		if err != nil {
			return table{}, respond.server.failed(err)
		}
		responded = append(responded, r)
		a, err := b.acceptRound(ctx, minimal, d)
		if err != nil {
			return table{}, minimal.server.failed(err)
		}
		accepted = append(accepted, a)
		b.progress("round %d of %d: respond %.0f, minimal %.0f accepted, %.0f finished per second", i+1, b.rounds, r.rate, a.rate, a.ended)
	}
	return acceptTable(alone, responded, accepted), nil
}

// acceptTable makes a table from rounds; alone holds those of journalAlone.
func acceptTable(alone [][]float64, responded []round, accepted []acceptRound) table {
	inner := func(figure func(round) time.Duration) func(acceptRound) time.Duration {
		return func(r acceptRound) time.Duration { return figure(r.round) }
	}
	var sent, ended, responses []float64
	for i, a := range accepted {
		sent, ended, responses = append(sent, a.rate), append(ended, a.ended), append(responses, responded[i].rate)
	}
	same := func(f float64) float64 { return f }
	of := func(rates, to []float64) string { return times(ratios(rates, to, same)) }
	bare, cycles, apart := alone[0], alone[len(alone)-2], alone[len(alone)-1]
	t := table{
		title: "Accepting and running executions with one node. The rate of finished executions and the CPU time include the work after the last response",
		head:  []string{"what", "per second", "of bare commit", "of life cycles", "of respond", "CPU µs each", "p50 ms", "p99 ms"},
		marks: []mark{{goalMinimal, ratios(ended, apart, same), number(median(ended)) + " of " + number(median(apart))}},
	}
	for k, a := range journalAlone {
		t.add(a.name, number(median(alone[k])), of(alone[k], bare), "-", "-", "-", "-", "-")
	}
	t.add("Caddy respond", number(median(responses)), "-", "-", "-", micros(medianOf(responded, cpuTime)),
		millis(medianOf(responded, middle)), millis(medianOf(responded, almostWorst)))
	t.add("`minimal`: accepted", number(median(sent)), "-", "-", of(sent, responses), "-", millis(medianOf(accepted, inner(middle))), millis(medianOf(accepted, inner(almostWorst))))
	t.add("`minimal`: finished", number(median(ended)), "-", of(ended, cycles)+", "+of(ended, apart), of(ended, responses), micros(medianOf(accepted, inner(cpuTime))), "-", "-")
	return t
}

// acceptRound loads a server and waits until all accepted executions have ended.
func (b *bench) acceptRound(ctx context.Context, t target, d time.Duration) (a acceptRound, err error) {
	cpu, err := t.server.cpu()
	if err != nil {
		return a, err
	}
	began := time.Now()
	if a.figure, err = b.wrkLoad(ctx, t.server.url, t.load, d); err != nil {
		return a, err
	}
	if err := t.server.drained(ctx); err != nil {
		return a, err
	}
	a.ended = float64(a.requests) / time.Since(began).Seconds()
	after, err := t.server.cpu()
	a.cpu = (after - cpu) / time.Duration(a.requests)
	return a, err
}
