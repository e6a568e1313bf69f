// Command demo is `make run`: it starts a Caddy with the examples, sends it a signed webhook in
// each response mode, prints what went over the wire, and lets it serve until it is interrupted,
// with its console.
//
// It knows what any sender knows: an id, a secret, and how to sign. The server writes only to files
// below -state.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// readyWait bounds the start of the server, on a slow machine that compiles the nodes for the first
// time.
const readyWait = 2 * time.Minute

// options are the command's flags.
type options struct {
	caddy  string
	config string
	site   string
	state  string
	once   bool
}

func main() {
	var o options
	flag.StringVar(&o.caddy, "caddy", "bin/caddy", "the server to start (make build)")
	flag.StringVar(&o.config, "config", "Caddyfile.example", "its Caddyfile")
	flag.StringVar(&o.site, "site", defaultSite, "where the site in the Caddyfile is reached")
	flag.StringVar(&o.state, "state", ".run", "folder for everything that the server keeps, and for its log")
	flag.BoolVar(&o.once, "once", false, "stop after the webhooks instead of serving on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	s, err := startServer(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	p := newPrinter(os.Stdout)
	p.line("starting Caddy; its log is %s", s.logFile)
	if ready, err := s.waitReady(ctx, readyWait); !ready {
		return err
	}
	for _, w := range webhooks {
		if err := w.show(ctx, p, o.site); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", w.id, err)
		}
	}
	if o.once {
		return nil
	}
	c, err := startConsole(ctx, s)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	p.invite(s, c.url)
	select {
	case <-ctx.Done():
	case <-s.done:
		return s.died()
	}
	return nil
}
