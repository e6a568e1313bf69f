//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// figure is a measured value and its bound.
type figure struct {
	what    string
	bound   string
	reached string
	ok      bool
}

func atMost(what string, limit, reached time.Duration) figure {
	return figure{what, "≤ " + seconds(limit), seconds(reached), reached <= limit}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// exactly is a count that has to be n.
func exactly(what string, n, reached int) figure {
	return figure{what, fmt.Sprint(n), fmt.Sprint(reached), n == reached}
}

// measurement measures figures in a fleet of its own.
type measurement struct {
	name   string
	traced bool
	do     func(context.Context, *fleet) ([]figure, error)
}

// measurements are all that there are; next is a Caddy of another version.
func measurements(next caddy) []measurement {
	return []measurement{
		{"kill", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.kills(ctx, 20, 50_000) }},
		{"pause", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.pauses(ctx) }},
		{"failover", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.failovers(ctx, 5) }},
		{"cut", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.cutOff(ctx, 30*time.Second) }},
		{"takeover", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.takeovers(ctx) }},
		{"key", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.oneKey(ctx) }},
		{"rolling", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.rolling(ctx, next) }},
		{"trace", true, func(ctx context.Context, f *fleet) ([]figure, error) { return f.traces(ctx) }},
	}
}

// errMissed is that a figure is beyond its bound.
var errMissed = errors.New("a figure is beyond its bound")

// measure prints the figures of measurements, each in a new fleet.
func measure(ctx context.Context, out io.Writer, c caddy, all []measurement) error {
	const row = "%-9s %-62s %12s %12s  %s\n"
	fmt.Fprintf(out, row, "", "", "bound", "measured", "")
	var missed error
	for _, m := range all {
		if err := with(ctx, options{caddy: c, lease: lease, traced: m.traced}, func(f *fleet) error {
			figures, err := m.do(ctx, f)
			for _, figure := range figures {
				verdict := "ok"
				if !figure.ok {
					verdict, missed = "MISSED", errMissed
				}
				fmt.Fprintf(out, row, m.name, figure.what, figure.bound, figure.reached, verdict)
			}
			return err
		}); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return missed
}

// promises are the figures that are the same for each load.
func (o outcome) promises() []figure {
	return []figure{
		exactly("accepted executions that were lost", 0, len(o.lost)+len(o.missing)+len(o.given)),
		exactly("webhooks that ran twice", 0, len(o.extra)+o.accepted-len(o.ids)),
		exactly("nodes with a checkpoint that ran again", 0, len(o.late)),
	}
}

// lease is that of the journal.
const lease = 5 * time.Second
