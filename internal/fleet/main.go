//go:build unix

// Command fleet runs several machines as processes of this one, on loopback: three etcd members,
// PostgreSQL with a synchronous standby, three edges that share a journal, a Caddy that balances,
// and a target that counts who has called it. Then it takes parts away from them.
//
//	go run ./internal/fleet -caddy bin/caddy            # a demonstration
//	go run ./internal/fleet -caddy bin/caddy -figures   # figures, with their bounds
//
// It needs etcd and PostgreSQL. All processes end with it, and their data is removed.
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
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/compiled"
)

// limit is the time limit of the whole run.
const limit = time.Hour

func main() {
	binary := flag.String("caddy", "bin/caddy", "the Caddy binary, with this module")
	senders := flag.Int("senders", 16, "the number of senders")
	phase := flag.Duration("phase", 5*time.Second, "how long senders send after each event")
	figures := flag.Bool("figures", false, "measure figures instead, and compare them with their bounds")
	next := flag.String("next", "", "another build of Caddy, maybe of another version, for them; none = the same")
	only := flag.String("only", "", "the name of the only figures to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not finished within %s", limit))
	var err error
	if *figures {
		err = measureAll(ctx, *binary, cmp.Or(*next, *binary), *only)
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

// measureAll is `make fleet-test`.
func measureAll(ctx context.Context, binary, next, only string) error {
	var both [2]caddy
	for i, file := range []string{binary, next} {
		path, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		both[i].command = []string{path}
	}
	all := measurements(both[1])
	if only != "" {
		all = slices.DeleteFunc(all, func(m measurement) bool { return m.name != only })
	}
	if len(all) == 0 {
		return fmt.Errorf("there are no figures %q", only)
	}
	return measure(ctx, os.Stdout, both[0], all)
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
