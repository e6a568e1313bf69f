//go:build unix

package main

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// rolling restarts the edges one after the other under load, with another build and back.
func (f *fleet) rolling(ctx context.Context, next caddy) ([]figure, error) {
	load := f.load(ctx, 32)
	defer load.end()
	var all saw
	restarts := 0
	versions := make(map[string]bool)
	for _, c := range []caddy{next, f.caddy} {
		for i, e := range f.edges {
			if err := load.await(ctx, 500); err != nil {
				return nil, err
			}
			all.add(load.sofar())
			if err := e.Stop(); err != nil {
				return nil, err
			}
			e.Use(c.command)
			if err := f.restart(ctx, i); err != nil {
				return nil, err
			}
			restarts++
			var s status
			if err := e.AdminRequest(ctx, "GET", "status", nil, &s); err != nil {
				return nil, err
			}
			for _, m := range s.Machines {
				versions[m.Version] = true
			}
		}
	}
	load.end()
	all.add(load.sofar())
	o, err := f.settle(ctx, all)
	failed := 0
	for _, n := range o.refused {
		failed += n
	}
	return append([]figure{
		exactly("restarts with another build, 32 senders; "+strings.Join(slices.Sorted(maps.Keys(versions)), ", "), 2*edges, restarts),
		exactly("requests that failed at the balancer: "+o.refusals(), 0, failed),
	}, o.promises()...), err
}
