package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// step is one command that a newcomer types.
type step struct {
	name string
	run  func(context.Context, *machine) error
}

var steps = []step{
	{"run", tryRun},
	{"test", func(ctx context.Context, m *machine) error { return m.do(ctx, "make", "test") }},
	{"examples", func(ctx context.Context, m *machine) error { return m.do(ctx, "make", "examples") }},
}

func names() []string {
	var list []string
	for _, s := range steps {
		list = append(list, s.name)
	}
	return list
}

// try creates the machine and runs the steps in order, up to the first that fails. If all pass, it
// prints the time that each took.
func try(ctx context.Context, o options) (err error) {
	for _, name := range o.steps {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("unknown step %q; the steps are %s", name, strings.Join(names(), ", "))
		}
	}
	var summary strings.Builder
	took := func(what string, began time.Time) {
		fmt.Fprintf(&summary, "  %-10s %s\n", what, time.Since(began).Round(time.Second))
	}
	began := time.Now()
	m, err := newMachine(ctx, o)
	if err != nil {
		return err
	}
	defer m.remove(&err)
	took("machine", began)
	for _, s := range steps {
		if !slices.Contains(o.steps, s.name) {
			continue
		}
		fmt.Printf("\n== make %s\n", s.name)
		began := time.Now()
		if err := s.run(ctx, m); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return fmt.Errorf("make %s, after %s: %w", s.name, time.Since(began).Round(time.Second), err)
		}
		took(s.name, began)
	}
	fmt.Printf("\nEverything works on a fresh machine:\n%s", summary.String())
	return nil
}
