// Command bench measures a Caddy with FlowTrux Edge end to end: what a signed webhook that runs three nodes costs
// beside Caddy's own `respond`, in interleaved rounds of one run on the same server. Machines differ and are shared:
// read the ratios.
//
//	go run ./bench [-caddy bin/caddy] [-rounds 5] [-requests 2000] [-connections 8]
//
// It talks to loopback only and ends the server it has started. CPU time is read from /proc, so it needs Linux.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

// options are the command's flags.
type options struct {
	caddy       string
	rounds      int
	requests    int
	connections int
}

func main() {
	var o options
	flag.StringVar(&o.caddy, "caddy", "bin/caddy", "the server to measure (make build)")
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds; the median counts")
	flag.IntVar(&o.requests, "requests", 2000, "requests of one target in one round")
	flag.IntVar(&o.connections, "connections", 8, "connections in parallel")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	s, err := startServer(o.caddy)
	if err != nil {
		return err
	}
	defer s.stop()

	targets := []target{
		{name: "caddy respond", url: s.url + "/respond"},
		{name: "3 nodes, lastNode", url: s.url + "/api/webhooks/three", sign: true},
		{name: "3 nodes, minimal", url: s.url + "/api/webhooks/accepted", sign: true},
	}
	for _, t := range targets { // connections, code paths and caches warm
		if _, err := s.measure(t, o.connections, min(o.requests, 50)); err != nil {
			return err
		}
	}
	figures := make([][]figure, len(targets))
	for r := range o.rounds {
		for i, t := range targets {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", r+1, o.rounds, t.name)
			f, err := s.measure(t, o.connections, o.requests)
			if err != nil {
				return err
			}
			figures[i] = append(figures[i], f)
		}
	}
	base := median(figures[0])
	fmt.Printf("%-20s %12s %8s %12s %8s %10s %10s\n", "target", "requests/s", "ratio", "CPU/request", "ratio", "p50", "p99")
	for i, t := range targets {
		m := median(figures[i])
		fmt.Printf("%-20s %12.0f %8.2f %12s %8.1f %10s %10s\n", t.name, m.rate, m.rate/base.rate,
			short(m.cpu), float64(m.cpu)/float64(base.cpu), short(m.p50), short(m.p99))
	}
	return nil
}

func short(d time.Duration) string { return d.Round(time.Microsecond).String() }

// median takes each figure's median on its own.
func median(all []figure) figure {
	mid := func(value func(figure) float64) float64 {
		v := make([]float64, 0, len(all))
		for _, f := range all {
			v = append(v, value(f))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return figure{
		rate: mid(func(f figure) float64 { return f.rate }),
		cpu:  time.Duration(mid(func(f figure) float64 { return float64(f.cpu) })),
		p50:  time.Duration(mid(func(f figure) float64 { return float64(f.p50) })),
		p99:  time.Duration(mid(func(f figure) float64 { return float64(f.p99) })),
	}
}
