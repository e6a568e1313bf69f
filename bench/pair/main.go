// Command pair compares the cost of a webhook between two builds of the server. They run side by
// side and take turns, so that other load on the machine affects both. The webhook runs the
// workflow with three nodes (transform, condition, transform) with a body of 1 KB over 32
// connections, and all responses are checked. It prints user and system time, objects and bytes
// allocated, each per request, and the requests per second.
//
//	go -C bench run ./pair -before old/caddy [-after ../bin/caddy] [-pairs 20] [-seconds 3] [-streams 50] [-option tracing]
//
// With -streams, so many pages of a console follow events of the second server while it is loaded.
// The two may be the same build then.
//
// The interval is the 90 % confidence interval of the median of the pairs' ratios. If it is wider
// than the difference to show, use more pairs or a quieter machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/flowtrux/edge/bench/meter"
	"github.com/flowtrux/edge/bench/stats"
	"github.com/flowtrux/edge/bench/workflow"
	"github.com/flowtrux/edge/internal/crash"
)

type options struct {
	before, after  string
	pairs, seconds int
	streams        int
	option         string
	rows           bool
}

func main() {
	var o options
	flag.StringVar(&o.before, "before", "", "the `binary` to compare with")
	flag.StringVar(&o.after, "after", "../bin/caddy", "the `binary` to measure")
	flag.IntVar(&o.pairs, "pairs", 20, "number of pairs of rounds, at least 5")
	flag.IntVar(&o.seconds, "seconds", 3, "seconds of each round, at least 1")
	flag.IntVar(&o.streams, "streams", 0, "number of streams of events on the server that is measured")
	flag.StringVar(&o.option, "option", "", "a `line` of the global block flowtrux for the server that is measured")
	flag.BoolVar(&o.rows, "rows", false, "print rows for make fleet-test: what, baseline, bound, result and whether it is reached")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := compare(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pair:", err)
		os.Exit(1)
	}
}

// cost holds the resources used per request.
type cost struct {
	time, objects, bytes float64 // time in µs
	perSecond            float64 // requests
}

func compare(ctx context.Context, o options) error {
	if o.before == "" || o.pairs < 5 || o.seconds < 1 {
		return errors.New("-before is required, -pairs is at least 5, -seconds at least 1")
	}
	dir, err := os.MkdirTemp("", "pair-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var servers [2]*crash.Server
	for i, caddy := range []string{o.before, o.after} {
		own := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		c := crash.Config{Command: []string{caddy}, Dir: own, Logs: own}
		if i == 1 {
			c.Options = o.option
		}
		if o.streams > 0 { // both pay for the handlers in front of the webhooks
			c.Site = console
		}
		if servers[i], err = crash.New(c); err != nil {
			return err
		}
		defer servers[i].Kill()
		if err := servers[i].Start(ctx); err != nil {
			return err
		}
		if err := servers[i].Put(ctx, "three", workflow.Three("")); err != nil {
			return err
		}
		// Warm up.
		if _, err := round(ctx, servers[i], 2*time.Second, 0); err != nil {
			return err
		}
	}
	var costs [2][]cost
	for n := range o.pairs {
		first := n % 2 // the second one finds a warmer machine
		for _, i := range []int{first, 1 - first} {
			c, err := round(ctx, servers[i], time.Duration(o.seconds)*time.Second, i*o.streams)
			if err != nil {
				return servers[i].WithLog(err)
			}
			costs[i] = append(costs[i], c)
		}
		fmt.Fprintf(os.Stderr, "pair %d of %d: %.1f and %.1f µs per request\n", n+1, o.pairs, costs[0][n].time, costs[1][n].time)
	}
	if o.rows {
		printRows(o, costs)
		return nil
	}
	fmt.Printf("%-16s %10s %10s %8s   %s\n", "per request", "before", "after", "ratio", "90 % interval of the median")
	for _, f := range []struct {
		name string
		of   func(cost) float64
	}{
		{"µs of CPU", func(c cost) float64 { return c.time }},
		{"objects", func(c cost) float64 { return c.objects }},
		{"bytes", func(c cost) float64 { return c.bytes }},
		{"(per second)", func(c cost) float64 { return c.perSecond }},
	} {
		before, after, ratios := sides(costs, f.of)
		low, high := stats.Interval(ratios)
		fmt.Printf("%-16s %10.1f %10.1f %8.3f   %.3f to %.3f\n", f.name, stats.Median(before), stats.Median(after), stats.Median(ratios), low, high)
	}
	return nil
}

// sides returns a part of the costs, and the ratio of each pair.
func sides(costs [2][]cost, of func(cost) float64) (before, after, ratios []float64) {
	for n := range costs[0] {
		b, a := of(costs[0][n]), of(costs[1][n])
		before, after, ratios = append(before, b), append(after, a), append(ratios, a/b)
	}
	return before, after, ratios
}

// round loads the server, while so many streams of events are open, and returns the cost of a
// request.
func round(ctx context.Context, s *crash.Server, d time.Duration, streams int) (cost, error) {
	if streams > 0 {
		end, err := openStreams(ctx, s.Site(), streams)
		if err != nil {
			return cost{}, err
		}
		defer func() { fmt.Fprintf(os.Stderr, "%d streams have sent %d KiB\n", streams, end()>>10) }()
	}
	before, err := meter.CPU(s.PID())
	if err != nil {
		return cost{}, err
	}
	objects, bytes, err := allocated(ctx, s)
	if err != nil {
		return cost{}, err
	}
	n, err := load(ctx, s.Site(), d)
	if err != nil {
		return cost{}, err
	}
	after, err := meter.CPU(s.PID())
	if err != nil {
		return cost{}, err
	}
	objectsAfter, bytesAfter, err := allocated(ctx, s)
	if err != nil {
		return cost{}, err
	}
	return cost{
		time:    float64((after - before).Nanoseconds()) / 1e3 / float64(n),
		objects: (objectsAfter - objects) / float64(n), bytes: (bytesAfter - bytes) / float64(n),
		perSecond: float64(n) / d.Seconds(),
	}, nil
}

// allocated reads from the server's metrics what it has allocated since its start.
func allocated(ctx context.Context, s *crash.Server) (objects, bytes float64, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Admin()+"/metrics", http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	for name, into := range map[string]*float64{"go_memstats_mallocs_total": &objects, "go_memstats_alloc_bytes_total": &bytes} {
		found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
		if found == nil {
			return 0, 0, fmt.Errorf("the server has no metric %s", name)
		}
		if *into, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
			return 0, 0, err
		}
	}
	return objects, bytes, nil
}
