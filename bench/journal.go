package main

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/bench/workflow"
)

// measureJournal shows what it costs that accepted executions are on disk.
func measureJournal(ctx context.Context, b *bench) (section, error) {
	s := section{title: "On disk", notes: []string{
		fmt.Sprintf("All files are on the same disk. %d writers or connections; medians of %d interleaved rounds of %d s. A bare commit puts 1 KB into "+
			"bbolt, in groups with one fsync each: what the disk and the database allow. A whole life of an execution is what the journal alone does for "+
			"one of one node: accepted, claimed, one checkpoint, finished; either each writer does it all, or %d workers claim and finish apart from the "+
			"writers, as in a server.", connections, b.rounds, b.seconds, executorWorkers),
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

// journalAlone is what is measured of the journal without a server around it; the first is the
// bound of all, the last two are whole lives of executions.
var journalAlone = []struct {
	name string
	rate func(*bench, context.Context, time.Duration) (float64, error)
}{
	{"bare commit", (*bench).bareCommits},
	{"journal: accept", (*bench).accepts},
	{"journal: whole lives", (*bench).lives},
	{"journal: whole lives, workers apart", (*bench).flows},
}

const minimalPath = "/api/webhooks/minimal"

// diskSite is a site with our handler and a journal on disk, with more options of the journal.
func diskSite(name string, seed map[string]string, journal string) site {
	s := edgeSite(name, seed, "")
	s.app = "journal bbolt {\n" + journal + "\n}"
	return s
}

// acceptRound is one round on a server that accepts executions of one node and runs them.
type acceptRound struct {
	round
	ended float64 // executions a second, from the first request until the last has ended
}

// measureAccept compares durable webhooks with what the journal does alone, and that with a bare
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
	respond, ours := target{servers[0].name, servers[0], l}, target{servers[1].name, servers[1], l}
	d := time.Duration(b.seconds) * time.Second
	alone := make([][]float64, len(journalAlone))
	var answered []round
	var accepted []acceptRound
	for i := range b.rounds {
		for k, a := range journalAlone {
			r, err := a.rate(b, ctx, d)
			if err != nil {
				return table{}, fmt.Errorf("%s: %w", a.name, err)
			}
			b.progress("round %d of %d: %s: %.0f a second", i+1, b.rounds, a.name, r)
			alone[k] = append(alone[k], r)
		}
		r, err := b.loadRound(ctx, respond, d)
		if err != nil {
			return table{}, respond.server.failed(err)
		}
		answered = append(answered, r)
		a, err := b.acceptRound(ctx, ours, d)
		if err != nil {
			return table{}, ours.server.failed(err)
		}
		accepted = append(accepted, a)
		b.progress("round %d of %d: respond %.0f, minimal %.0f answered, %.0f ended a second", i+1, b.rounds, r.rate, a.rate, a.ended)
	}
	return acceptTable(alone, answered, accepted), nil
}

// acceptTable makes the table of rounds; alone are those of journalAlone.
func acceptTable(alone [][]float64, answered []round, accepted []acceptRound) table {
	ended := medianOf(accepted, func(r acceptRound) float64 { return r.ended })
	inner := func(figure func(round) time.Duration) func(acceptRound) time.Duration {
		return func(r acceptRound) time.Duration { return figure(r.round) }
	}
	t := table{title: "Accepting and running executions of one node. Ended counts until the last has ended, and so does the CPU time",
		head: []string{"what", "a second", "of bare commit", "of whole lives", "of respond", "CPU µs each", "p50 ms", "p99 ms"}}
	for k, a := range journalAlone {
		t.add(a.name, number(median(alone[k])), ratio(median(alone[k]), median(alone[0])), "-", "-", "-", "-", "-")
	}
	respond, sent := medianOf(answered, rate), medianOf(accepted, func(r acceptRound) float64 { return r.rate })
	life, flow := median(alone[len(alone)-2]), median(alone[len(alone)-1])
	t.add("Caddy respond", number(respond), "-", "-", "-", micros(medianOf(answered, cpuTime)),
		millis(medianOf(answered, middle)), millis(medianOf(answered, almostWorst)))
	t.add("`minimal`: answered", number(sent), "-", "-", ratio(sent, respond), "-", millis(medianOf(accepted, inner(middle))), millis(medianOf(accepted, inner(almostWorst))))
	t.add("`minimal`: ended", number(ended), "-", ratio(ended, life)+", "+ratio(ended, flow), ratio(ended, respond), micros(medianOf(accepted, inner(cpuTime))), "-", "-")
	return t
}

// acceptRound loads a server and waits until all that it has accepted has ended.
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
