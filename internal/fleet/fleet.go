//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// caddy is how a Caddy with this module is started.
type caddy struct {
	command []string
	env     []string // added to the environment
	code    string   // the directory of compiled nodes
}

// options configure a fleet.
type options struct {
	caddy  caddy
	dir    string // has the logs, and the data of etcd and edges
	lease  time.Duration
	traced bool // edges send spans
}

const (
	edges    = 3
	members  = 3
	workflow = "order"
)

// fleet is a whole installation as processes on loopback.
type fleet struct {
	options
	target   *target
	spans    *collector // nil = the fleet is not traced
	etcd     []*member
	database *database
	edges    []*crash.Server
	balancer *balancer
}

// start starts everything, and waits until all edges serve the workflow. After an error everything
// has ended.
func start(ctx context.Context, o options) (f *fleet, err error) {
	f = &fleet{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.stop())
		}
	}()
	if f.target, err = startTarget(); err != nil {
		return f, err
	}
	if o.traced {
		if f.spans, err = startCollector(); err != nil {
			return f, err
		}
	}
	if f.etcd, err = newMembers(members, o.dir); err != nil {
		return f, err
	}
	for _, m := range f.etcd {
		if err := m.start(); err != nil {
			return f, err
		}
	}
	if f.database, err = startDatabase(); err != nil {
		return f, err
	}
	for _, m := range f.etcd {
		if err := m.await(ctx); err != nil {
			return f, err
		}
	}
	for i := range edges {
		if err := f.addEdge(name(i)); err != nil {
			return f, err
		}
	}
	// The first one alone makes the schema and the nodes' machine code, and the others use them.
	if err := f.edges[0].Start(ctx); err != nil {
		return f, err
	}
	if err := f.edges[0].Put(ctx, workflow, f.target.order("minimal")); err != nil {
		return f, f.edges[0].WithLog(err)
	}
	if err := f.each(func(i int) error {
		if i > 0 {
			if err := f.edges[i].Start(ctx); err != nil {
				return err
			}
		}
		return f.awaitEdge(ctx, i)
	}); err != nil {
		return f, err
	}
	var sites []string
	for _, e := range f.edges {
		sites = append(sites, e.Site())
	}
	f.balancer, err = startBalancer(ctx, o.caddy, o.dir, sites)
	return f, err
}

func name(edge int) string { return fmt.Sprintf("edge-%d", edge+1) }

// addEdge configures an edge. It does not start it.
func (f *fleet) addEdge(name string) error {
	dir := filepath.Join(f.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var store []string
	for _, m := range f.etcd {
		store = append(store, m.client)
	}
	env, tracing, site := f.caddy.env, "", ""
	if f.spans != nil {
		// The delay is in milliseconds.
		env = append(slices.Clip(env), "OTEL_EXPORTER_OTLP_ENDPOINT="+f.spans.url, "OTEL_BSP_SCHEDULE_DELAY=20")
		tracing, site = "\ntracing", "tracing" // Caddy's takes the sender's trace
	}
	e, err := crash.New(crash.Config{
		Command: f.caddy.command, Env: env, Code: f.caddy.code, Dir: dir, Logs: dir,
		StoreIn: "etcd " + strings.Join(store, " "),
		Kept:    "postgres " + f.database.url(),
		Journal: fmt.Sprintf("lease %s\nmax_pending 1000000", f.lease),
		Options: fmt.Sprintf("machine %s\negress {\n allow %s\n}%s", name, f.target.address, tracing),
		Site:    site,
	})
	if err != nil {
		return err
	}
	f.edges = append(f.edges, e)
	return nil
}

// each calls do for all edges at the same time.
func (f *fleet) each(do func(edge int) error) error {
	errs := make([]error, len(f.edges))
	var all sync.WaitGroup
	for i := range f.edges {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// status is a part of the status of an edge.
type status struct {
	Durability string
	Ready      bool
	Preparing  []string
	Workflows  struct{ Serving int }
	Troubles   []struct{ Reason string }
	Machines   []struct {
		Name    string
		Version string
		Claims  int
	}
}

// awaitEdge waits until an edge serves the workflow and has reached the journal.
func (f *fleet) awaitEdge(ctx context.Context, edge int) error {
	return poll(ctx, func() error {
		var s status
		if err := f.edges[edge].AdminRequest(ctx, "GET", "status", nil, &s); err != nil {
			return fmt.Errorf("%s: %w", name(edge), err)
		}
		if !s.Ready || len(s.Preparing) > 0 || s.Workflows.Serving == 0 || len(s.Machines) == 0 {
			return f.edges[edge].WithLog(fmt.Errorf("%s is not ready: %+v", name(edge), s))
		}
		return nil
	})
}

// restart starts an edge that has ended, and waits until it serves.
func (f *fleet) restart(ctx context.Context, edge int) error {
	if err := f.edges[edge].Start(ctx); err != nil {
		return err
	}
	return f.awaitEdge(ctx, edge)
}

// stop ends all processes.
func (f *fleet) stop() (err error) {
	if f.balancer != nil {
		f.balancer.stop()
	}
	for _, e := range f.edges {
		e.Kill()
	}
	for _, m := range f.etcd {
		m.end(syscall.SIGKILL)
	}
	if f.database != nil {
		err = errors.Join(err, f.database.stop())
	}
	if f.spans != nil {
		err = errors.Join(err, f.spans.stop())
	}
	if f.target != nil {
		err = errors.Join(err, f.target.stop())
	}
	return err
}
