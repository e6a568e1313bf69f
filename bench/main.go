// Command bench measures FlowTrux Edge against alternatives on the same machine and prints tables
// with ratios:
//
//	call    a call of a guest, against a reused instance and a new one for each call
//	http    a signed webhook with three nodes, against `respond` and a native handler
//	nodes   one more node of each type in a workflow
//	scale   larger bodies, more workflows, idle connections, forEach, a second core
//	journal executions on disk, against the journal alone and a bare database; recording
//	attack  normal traffic while nodes use all the CPU or memory they can get
//	start   from the start of the process to the first correct response, and memory
//	size    the binary
//
// Rounds of different targets are interleaved and the median is reported, so that other load on the
// machine affects all targets alike. Machines differ and are shared: compare ratios, not absolute
// figures. A last table has the figures that must be reached; with -check, the exit status is 1 if
// one that was measured is not.
//
//	go -C bench run . [-only call,http,...] [-rounds 5] [-seconds 2] [-check] [-out RESULTS.md]
//
// It needs Linux, wrk and a clang with lld for wasm32; `make bench` installs them on Debian. It
// uses the loopback interface only, limits all load in time and count, and stops the processes that
// it has started, also when it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// options holds the flags of the command.
type options struct {
	only    string
	rounds  int
	seconds int
	check   bool
	out     string
}

// part is a group of measurements that can be selected by name.
type part struct {
	name string
	run  func(context.Context, *bench) (section, error)
}

var parts = []part{
	{"call", measureCalls},
	{"http", measureHTTP},
	{"nodes", measureNodes},
	{"scale", measureScale},
	{"journal", measureJournal},
	{"attack", measureAttacks},
	{"start", measureStart},
	{"size", measureSize},
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "parts to run, separated by commas: "+partNames()+" (default all)")
	flag.IntVar(&o.rounds, "rounds", 5, "number of interleaved rounds; the median is reported")
	flag.IntVar(&o.seconds, "seconds", 2, "seconds of load on each target in a round")
	flag.BoolVar(&o.check, "check", false, "fail if a figure is not reached")
	flag.StringVar(&o.out, "out", "RESULTS.md", "`file` for the results; empty for none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	chosen, err := o.parts()
	if err != nil {
		return err
	}
	b, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	var sections []section
	for _, p := range chosen {
		b.progress("measuring: %s", p.name)
		s, err := p.run(ctx, b)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		sections = append(sections, s)
	}
	reached, missed, ok := goalSection(sections)
	if ok {
		sections = append(sections, reached)
	}
	m, err := b.describe(ctx)
	if err != nil {
		return err
	}
	report := report{machine: m, command: o.command(), sections: sections}
	fmt.Print(report.String())
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(report.String()), 0o644); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
		b.progress("results written to %s", o.out)
	}
	if o.check {
		return errMissed(missed)
	}
	return nil
}

// partNames returns the names of all parts.
func partNames() string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// parts returns the selected parts in the order in which they run.
func (o options) parts() ([]part, error) {
	if o.rounds < 1 || o.rounds > 100 || o.seconds < 1 || o.seconds > 60 {
		return nil, fmt.Errorf("%d rounds of %d seconds: -rounds is 1 to 100, -seconds 1 to 60", o.rounds, o.seconds)
	}
	if o.only == "" {
		return parts, nil
	}
	var chosen []part
	names := strings.Split(o.only, ",")
	for _, p := range parts {
		if slices.Contains(names, p.name) {
			chosen = append(chosen, p)
		}
	}
	if len(chosen) != len(names) {
		return nil, fmt.Errorf("-only %s: the parts are %s, each at most once", o.only, partNames())
	}
	return chosen, nil
}

// command returns the command line for the results.
func (o options) command() string {
	c := fmt.Sprintf("go -C bench run . -rounds %d -seconds %d", o.rounds, o.seconds)
	if o.only != "" {
		c += " -only " + o.only
	}
	return c
}
