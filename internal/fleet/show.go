//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"
)

// show is a demonstration: senders send webhooks while parts of the fleet die.
type show struct {
	*fleet
	out     io.Writer
	senders int
	phase   time.Duration // after each event
	began   time.Time
	load    *senders
	all     saw
}

// step is an event, and what it is for the reader.
type step struct {
	what string
	do   func(context.Context) error
}

// run shows everything and returns what became of the webhooks.
func (s *show) run(ctx context.Context) (outcome, error) {
	s.topology()
	s.load = s.fleet.load(ctx, s.senders)
	defer s.load.end()
	fmt.Fprintf(s.out, "\n%d senders send webhooks to the balancer. What is not accepted, they send again\nwith the same idempotency key.\n\n", s.senders)
	fmt.Fprintf(s.out, "%7s  %-45s %8s %7s  %s\n", "second", "what happens", "accepted", "longest", "sent again because of")
	s.began = time.Now()
	for _, e := range s.steps() {
		at := time.Since(s.began)
		if err := e.do(ctx); err != nil {
			return outcome{}, fmt.Errorf("%s: %w", e.what, err)
		}
		if err := s.goOn(ctx); err != nil {
			return outcome{}, fmt.Errorf("after %s: %w", e.what, err)
		}
		s.row(at, e.what, s.load.sofar())
	}
	at := time.Since(s.began)
	s.load.end()
	s.row(at, "the senders end", s.load.sofar())
	o, err := s.settle(ctx, s.all)
	if err != nil {
		return o, err
	}
	s.summary(o)
	return o, o.kept()
}

func (s *show) steps() []step {
	return []step{
		{"all is well", func(context.Context) error { return nil }},
		{"kill -9 of edge-2", func(context.Context) error { s.edges[1].Kill(); return nil }},
		{"edge-2 starts again", func(ctx context.Context) error { return s.restart(ctx, 1) }},
		{"kill -9 of etcd-1", func(context.Context) error { s.etcd[0].end(syscall.SIGKILL); return nil }},
		{"etcd-1 starts again", func(ctx context.Context) error {
			if err := s.etcd[0].start(); err != nil {
				return err
			}
			return s.etcd[0].await(ctx)
		}},
		{"the PostgreSQL primary crashes", func(ctx context.Context) error {
			if err := s.database.kill(); err != nil {
				return err
			}
			return s.load.awaitRefusal(ctx)
		}},
		{"its synchronous standby is promoted", func(context.Context) error { return s.database.promote() }},
		{"a new standby follows", func(context.Context) error { return s.database.replicate() }},
	}
}

// goOn lets the senders send. After the primary died there is nothing to wait for: the next step
// promotes its standby.
func (s *show) goOn(ctx context.Context) error {
	if s.database.primary == nil {
		return nil
	}
	if err := wait(ctx, s.phase); err != nil {
		return err
	}
	from := time.Now()
	return poll(ctx, func() error {
		s.load.mu.Lock()
		defer s.load.mu.Unlock()
		if s.load.saw.accepted == 0 || s.load.saw.last.Before(from) {
			return fmt.Errorf("nothing is accepted; senders see %v", s.load.saw.refused)
		}
		return nil
	})
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (s *show) topology() {
	var etcd, sites []string
	for _, m := range s.etcd {
		etcd = append(etcd, strings.TrimPrefix(m.client, "http://"))
	}
	for _, e := range s.edges {
		sites = append(sites, e.Site())
	}
	for _, row := range [][2]string{
		{"balancer", s.balancer.site},
		{"edges", strings.Join(sites, "  ")},
		{"etcd", strings.Join(etcd, "  ")},
		{"PostgreSQL", address(s.database.primary) + " primary  " + address(s.database.standby) + " synchronous standby"},
		{"target", s.target.address + " counts the calls of the workflow's two nodes"},
		{"logs", s.dir + " while it runs"},
	} {
		fmt.Fprintf(s.out, "%-10s  %s\n", row[0], row[1])
	}
}

// row prints what senders saw.
func (s *show) row(at time.Duration, what string, saw saw) {
	s.all.add(saw)
	fmt.Fprintf(s.out, "%7.1f  %-45s %8d %6.2fs  %s\n", at.Seconds(), what, saw.accepted, saw.longest.Seconds(), saw.refusals())
}

// refusals tells what senders got instead of an acceptance.
func (s saw) refusals() string {
	if len(s.refused) == 0 {
		return "-"
	}
	var all []string
	for _, what := range slices.Sorted(maps.Keys(s.refused)) {
		all = append(all, fmt.Sprintf("%s (%d×)", what, s.refused[what]))
	}
	return strings.Join(all, ", ")
}

func (s *show) summary(o outcome) {
	fmt.Fprintln(s.out)
	for _, row := range []struct {
		n          int
		what, note string
	}{
		{o.accepted, "webhooks were accepted", ""},
		{o.executions - len(o.lost), "executions succeeded", ""},
		{o.ambiguous, "webhooks were sent again after they had begun", "they got the first one's answer"},
		{o.again, "calls of nodes were repeated", "they had no checkpoint when their edge died"},
		{len(o.late), "nodes with a checkpoint ran again", ""},
		{len(o.lost) + len(o.missing), "accepted executions were lost", ""},
		{len(o.extra), "webhooks ran twice", ""},
	} {
		line := fmt.Sprintf("%8d  %s", row.n, row.what)
		if row.note != "" && row.n > 0 {
			line = fmt.Sprintf("%-58s %s", line, row.note)
		}
		fmt.Fprintln(s.out, line)
	}
}
