package main

import (
	"context"
	"fmt"
	"time"
)

// openRound holds the results of a round in an open loop.
type openRound struct {
	p50, p99, worst time.Duration
	late            time.Duration // 99 % of requests were sent at most so late
	cpu             time.Duration // of the server, per request
}

// The figures of rounds in an open loop, for medianOf.
func openMiddle(r openRound) time.Duration { return r.p50 }
func openTail(r openRound) time.Duration   { return r.p99 }
func openWorst(r openRound) time.Duration  { return r.worst }
func openLate(r openRound) time.Duration   { return r.late }
func openCPU(r openRound) time.Duration    { return r.cpu }

// openRound sends requests to a server in an open loop.
func (t target) openRound(ctx context.Context, perSecond float64, d time.Duration) (r openRound, err error) {
	if _, err := t.server.runtime(ctx, true); err != nil { // earlier garbage does not count
		return r, err
	}
	before, err := t.server.cpu()
	if err != nil {
		return r, err
	}
	l := openLoad{
		address: t.server.address, rate: perSecond, time: d,
		request: request{path: t.load.path, body: t.load.body, status: 201, response: t.load.response},
	}
	sent, err := l.run(ctx)
	if err != nil {
		return r, err
	}
	after, err := t.server.cpu()
	if err != nil {
		return r, err
	}
	took := sent.sorted()
	return openRound{
		p50: quantile(took, 0.5), p99: quantile(took, 0.99), worst: took[len(took)-1], late: quantile(sent.late, 0.99),
		cpu: (after - before) / time.Duration(len(took)),
	}, nil
}

// measureHalf sends as many requests a second to all targets: half of what ours can take.
func (b *bench) measureHalf(ctx context.Context, targets []target, perSecond float64) (table, error) {
	d := time.Duration(b.seconds) * time.Second
	all := make([][]openRound, len(targets))
	for i := range b.rounds {
		for j := range targets {
			if i%2 == 1 {
				j = len(targets) - 1 - j
			}
			r, err := targets[j].openRound(ctx, perSecond, d)
			if err != nil {
				return table{}, targets[j].server.failed(err)
			}
			b.progress("round %d of %d: %s: %.0f requests/s, p99 %s ms, sent late %s ms", i+1, b.rounds, targets[j].name, perSecond, millis(r.p99), millis(r.late))
			all[j] = append(all[j], r)
		}
	}
	t := table{
		title: fmt.Sprintf("At %.0f requests/s, half of what FlowTrux Edge can take, in an open loop: each request is sent when it is due, independent of "+
			"responses, and its latency counts from then. Sent late is the sender's own part of it: 99 %% of requests with a free connection were sent within that time", perSecond),
		marks: []mark{{goalHalfTail, ratios(all[ours], all[respond], openTail), fmt.Sprintf("%s of %s ms, sent late %s and %s",
			millis(medianOf(all[ours], openTail)), millis(medianOf(all[respond], openTail)), millis(medianOf(all[ours], openLate)), millis(medianOf(all[respond], openLate)))}},
		head: []string{"target", "p50 ms", "p99 ms", "of respond", "worst ms", "sent late ms", "CPU µs/request", "of native"},
	}
	for j, rounds := range all {
		t.add(targets[j].name, millis(medianOf(rounds, openMiddle)), millis(medianOf(rounds, openTail)), times(ratios(rounds, all[respond], openTail)),
			millis(medianOf(rounds, openWorst)), millis(medianOf(rounds, openLate)), micros(medianOf(rounds, openCPU)), times(ratios(rounds, all[native], openCPU)))
	}
	return t, nil
}
