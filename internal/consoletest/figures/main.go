// Command figures measures the console in a real browser on a real server, and prints each figure
// beside its bound. It fails if one is missed.
//
//	go -C internal/consoletest run ./figures [-run part-of-a-name]
//
// Times are the least of several rounds, since other work of the machine only adds to them. Rates
// are ratios of two that take turns. All of it takes some minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/flowtrux/edge/internal/compiled/builtin"
	"github.com/flowtrux/edge/internal/consoletest"
)

// figure is what was measured.
type figure struct {
	what     string
	bound    string
	measured string
	ok       bool
}

// atMost makes a figure of a duration.
func atMost(what string, bound, measured time.Duration) figure {
	return figure{what, "≤ " + bound.String(), measured.Round(100 * time.Microsecond).String(), measured <= bound}
}

// bench is what the measurements share.
type bench struct {
	consoletest.T
	browser *consoletest.Browser
	caddy   string
	out     func(figure)
}

// measurements are the parts, in the order in which they run.
var measurements = []struct {
	name string
	run  func(*bench)
}{
	{"sizes", sizes}, {"paint", paint}, {"graph", graph}, {"execution", execution}, {"reload", reload}, {"webhooks", webhooks},
}

func main() {
	part := flag.String("run", "", "only measurements whose name has this `text`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *part)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, part string) error {
	dir, err := os.MkdirTemp("", "figures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	caddy := filepath.Join(dir, "caddy")
	if err := errors.Join(consoletest.Build(ctx, caddy), builtin.Compile(ctx)); err != nil {
		return err
	}
	var all []figure
	for _, m := range measurements {
		if !strings.Contains(m.name, part) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", m.name)
		// A browser of its own: what one measurement leaves does not slow down the next.
		browser, stop, err := consoletest.StartBrowser(ctx)
		if err != nil {
			return err
		}
		err = consoletest.Run(ctx, m.name, func(t consoletest.T) {
			m.run(&bench{t, browser, caddy, func(f figure) { all = append(all, f) }})
		})
		stop()
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return report(all)
}

// report prints the table.
func report(all []figure) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	missed := 0
	fmt.Fprintln(w, "\twhat\tbound\tmeasured")
	for _, f := range all {
		mark := "ok"
		if !f.ok {
			mark = "MISSED"
			missed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", mark, f.what, f.bound, f.measured)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d figures miss their bounds", missed, len(all))
	}
	return nil
}

// least returns the smallest of some durations.
func least(values []time.Duration) time.Duration { return slices.Min(values) }

// median returns the middle of some values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// milliseconds converts a time of the browser.
func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// open opens the server's console in a new tab.
func (b *bench) open(s *consoletest.Server) *consoletest.Page {
	p := b.browser.Open(b)
	p.SignIn(s.Console(), consoletest.User, consoletest.Password)
	p.Sees(consoletest.Heading("Workflows"))
	return p
}
