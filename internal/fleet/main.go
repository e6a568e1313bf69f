//go:build unix

// Command fleet runs several machines as processes of this one, on loopback: three etcd members,
// PostgreSQL with a synchronous standby, three edges that share a journal, a Caddy that balances,
// and a target that counts who has called it. Then it takes parts away from them.
//
//	go run ./internal/fleet -caddy bin/caddy            # a demonstration
//	go run ./internal/fleet -caddy bin/caddy -figures   # figures, with their bounds
//
// Figures that need no fleet are measured by the benchmarks and tests of this source, so that it
// has to run at the top of it, and needs promtool. It needs etcd and PostgreSQL. All processes end
// with it, and their data is removed.
package main

import (
	"cmp"
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
	"time"

	"github.com/flowtrux/edge/internal/compiled"
)

// limit is the time limit of the whole run.
const limit = 3 * time.Hour

func main() {
	binary := flag.String("caddy", "bin/caddy", "the Caddy binary, with this module")
	senders := flag.Int("senders", 16, "the number of senders")
	phase := flag.Duration("phase", 5*time.Second, "how long senders send after each event")
	figures := flag.Bool("figures", false, "measure figures instead, and compare them with their bounds")
	next := flag.String("next", "", "another build of Caddy, maybe of another version, for them; none = the same")
	before := flag.String("before", "", "a build without tracing, to compare the cost of a webhook with; none = this is not compared")
	only := flag.String("only", "", "the names of the only figures to measure, with commas between them")
	less := flag.Bool("quick", false, "measure little: it shows that everything can be measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %s", limit))
	var err error
	if *figures {
		err = measureAll(ctx, [3]string{*binary, cmp.Or(*next, *binary), *before}, *only, *less)
	} else {
		err = demonstrate(ctx, *binary, *senders, *phase)
	}
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// demonstrate is `make fleet`.
func demonstrate(ctx context.Context, binary string, senders int, phase time.Duration) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	fmt.Println("starting 3 etcd members, PostgreSQL with a standby, 3 edges and a balancer ...")
	return with(ctx, options{caddy: caddy{command: []string{binary}}, lease: lease}, func(f *fleet) error {
		s := show{fleet: f, out: os.Stdout, senders: senders, phase: phase}
		_, err := s.run(ctx)
		return err
	})
}

// measureAll is `make fleet-test`. builds are the one to measure, the next one and the one before.
func measureAll(ctx context.Context, builds [3]string, only string, less bool) error {
	for i, file := range builds {
		if file == "" {
			continue
		}
		path, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		builds[i] = path
	}
	s := whole
	if less {
		s = quick
	}
	all := measurements(s, caddy{command: builds[:1]}, caddy{command: builds[1:2]}, builds[2])
	if only != "" {
		var chosen []measurement
		for name := range strings.SplitSeq(only, ",") {
			i := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
			if i < 0 {
				return fmt.Errorf("there are no figures %q", name)
			}
			chosen = append(chosen, all[i])
		}
		all = chosen
	}
	return measure(ctx, os.Stdout, all)
}

// with calls do with a new fleet, and ends the fleet. Its directory stays, for the logs in it, if
// there is an error other than an interrupt.
func with(ctx context.Context, o options, do func(*fleet) error) (err error) {
	if o.caddy.code, err = compiled.Dir(); err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp("", "fleet-"); err != nil {
		return err
	}
	f, err := start(ctx, o)
	if err == nil {
		err = do(f)
		err = errors.Join(err, f.stop())
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w\nthe logs are in %s", err, o.dir)
	}
	return errors.Join(err, os.RemoveAll(o.dir))
}
