//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// figure is a measured value and its bound.
type figure struct {
	what     string
	baseline string // what it is compared with, in the same run; "" = nothing
	bound    string // "" = it is only told
	measured string
	ok       bool
}

func atMost(what string, limit, reached time.Duration) figure {
	return figure{what: what, bound: "≤ " + seconds(limit), measured: seconds(reached), ok: reached <= limit}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// exactly is a count that has to be n.
func exactly(what string, n, reached int) figure {
	return figure{what: what, bound: fmt.Sprint(n), measured: fmt.Sprint(reached), ok: n == reached}
}

// atLeast is a count that has to be n or more.
func atLeast(what string, n, reached int) figure {
	return figure{what: what, bound: fmt.Sprintf("≥ %d", n), measured: fmt.Sprint(reached), ok: reached >= n}
}

// measurement measures figures.
type measurement struct {
	name string
	do   func(context.Context) ([]figure, error)
}

// scale is how much is measured.
type scale struct {
	rounds, accept      int           // of kills
	failovers           int           //
	cut                 time.Duration // how long the network is cut
	pairs, seconds      int           // of two sides that take turns, and of each round of them
	executions, minutes int
	records             int
}

var (
	whole = scale{20, 50_000, 5, 30 * time.Second, 21, 3, 20_000, 10, 3_000_000}
	// quick shows that everything can be measured. Its figures say little.
	quick = scale{2, 3_000, 1, 5 * time.Second, 5, 1, 2_000, 1, 20_000}
)

// measurements are all that there are; next is a Caddy of another version, before one without
// tracing, if there is one.
func measurements(s scale, c, next caddy, before string) []measurement {
	inFleet := func(name string, traced bool, do func(context.Context, *fleet) ([]figure, error)) measurement {
		return measurement{name, func(ctx context.Context) (figures []figure, err error) {
			err = with(ctx, options{caddy: c, lease: lease, traced: traced}, func(f *fleet) error {
				figures, err = do(ctx, f)
				return err
			})
			return figures, err
		}}
	}
	return append([]measurement{
		inFleet("kill", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.kills(ctx, s.rounds, s.accept) }),
		inFleet("pause", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.pauses(ctx) }),
		inFleet("failover", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.failovers(ctx, s.failovers) }),
		inFleet("cut", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.cutOff(ctx, s.cut) }),
		inFleet("takeover", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.takeovers(ctx) }),
		inFleet("key", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.oneKey(ctx) }),
		inFleet("rolling", false, func(ctx context.Context, f *fleet) ([]figure, error) { return f.rolling(ctx, next) }),
		inFleet("trace", true, func(ctx context.Context, f *fleet) ([]figure, error) { return f.traces(ctx) }),
	}, commands(s, c.command[0], before)...)
}

// measure prints the figures of measurements, one after the other, and in the end those that are
// beyond their bounds. One that cannot be measured is one of them.
func measure(ctx context.Context, out io.Writer, all []measurement) error {
	t, began := table{out: out}, time.Now()
	t.row("", "what", "baseline", "bound", "measured", "")
	for i, m := range all {
		fmt.Fprintf(os.Stderr, "%s %d of %d: %s ...\n", time.Now().Format(time.TimeOnly), i+1, len(all), m.name)
		figures, err := m.do(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, f := range figures {
			t.figure(m.name, f)
		}
		if err != nil {
			t.figure(m.name, figure{what: "it could not be measured: " + err.Error(), bound: "measured"})
		}
	}
	if len(t.missed) == 0 {
		fmt.Fprintf(out, "\n%d of %d figures are within their bounds; it took %s\n", t.bounded, t.bounded, time.Since(began).Round(time.Second))
		return nil
	}
	return fmt.Errorf("%d of %d figures are not within their bounds:\n  %s", len(t.missed), t.bounded, strings.Join(t.missed, "\n  "))
}

// table prints figures, and remembers those that are beyond their bounds.
type table struct {
	out     io.Writer
	bounded int
	missed  []string
}

func (t *table) row(cells ...string) {
	for i, width := range []int{9, 74, 22, 8, 34} {
		cells[i] += strings.Repeat(" ", max(0, width-len([]rune(cells[i]))))
	}
	fmt.Fprintln(t.out, strings.TrimRight(strings.Join(cells, "  "), " "))
}

func (t *table) figure(name string, f figure) {
	verdict := ""
	if f.bound != "" {
		t.bounded++
		verdict = "ok"
		if !f.ok {
			verdict = "NO"
			t.missed = append(t.missed, strings.Join(slices.DeleteFunc([]string{
				name + ":", f.what, f.measured, "(" + f.bound + ")",
			}, func(s string) bool { return s == "" }), " "))
		}
	}
	t.row(name, f.what, f.baseline, f.bound, f.measured, verdict)
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
