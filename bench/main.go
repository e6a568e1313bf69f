// Command bench measures FlowTrux Edge beside what it is compared with, in one go on one machine,
// and prints tables with ratios:
//
//	call    a call of a guest: pristine, beside an instance that is reused without a reset and one made for the call
//	http    a signed webhook of three nodes, beside Caddy's `respond` and the same job as a native handler
//	scale   more nodes, larger bodies, more workflows
//	journal executions that are kept on disk, beside the journal alone and a bare database; a backlog; recording
//	attack  normal traffic beside nodes that take all they get
//	start   from the start of the process to the first right answer
//
// Rounds of all that is compared are interleaved and medians count, so that what else the machine
// does hits all alike. Machines differ and are shared: read the ratios.
//
//	go run ./bench [-only call,http,scale,journal,attack,start] [-rounds 5] [-seconds 5] [-out bench/RESULTS.md]
//
// It needs Linux, wrk and a clang with lld that knows wasm32; `make bench` installs them on Debian.
// It talks to loopback only, all load has a bound in time and count, and it ends the processes that
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

// options are the command's flags.
type options struct {
	only    string
	rounds  int
	seconds int
	out     string
}

// part is one of the things that can be measured.
type part struct {
	name string
	run  func(context.Context, *bench) (section, error)
}

var parts = []part{
	{"call", measureCalls},
	{"http", measureHTTP},
	{"scale", measureScale},
	{"journal", measureJournal},
	{"attack", measureAttacks},
	{"start", measureStart},
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "parts to run, separated by commas: call, http, scale, journal, attack, start (all)")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds; the median counts")
	flag.IntVar(&o.seconds, "seconds", 5, "seconds of load on one target in one round")
	flag.StringVar(&o.out, "out", "bench/RESULTS.md", "the file for the results; \"\" = none")
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
	m, err := b.describe(ctx)
	if err != nil {
		return err
	}
	report := report{machine: m, command: o.command(), sections: sections}
	fmt.Print(report.String())
	if o.out == "" {
		return nil
	}
	if err := os.WriteFile(o.out, []byte(report.String()), 0o644); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	b.progress("written to %s", o.out)
	return nil
}

// parts are the chosen ones, in their own order.
func (o options) parts() ([]part, error) {
	if o.rounds < 1 || o.rounds > 100 || o.seconds < 1 || o.seconds > 60 {
		return nil, fmt.Errorf("%d rounds of %d seconds: there are 1 to 100 rounds of 1 to 60 seconds", o.rounds, o.seconds)
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
		return nil, fmt.Errorf("-only %s: there are call, http, scale, journal, attack and start, each once", o.only)
	}
	return chosen, nil
}

// command is what was typed, for the results.
func (o options) command() string {
	c := fmt.Sprintf("go run ./bench -rounds %d -seconds %d", o.rounds, o.seconds)
	if o.only != "" {
		c += " -only " + o.only
	}
	return c
}
