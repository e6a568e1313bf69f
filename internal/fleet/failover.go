//go:build unix

package main

import (
	"context"
	"errors"
	"time"
)

// failovers kills the primary under load and promotes its standby, again and again.
func (f *fleet) failovers(ctx context.Context, rounds int) ([]figure, error) {
	load := f.load(ctx, 32)
	defer load.end()
	var all saw
	var longest time.Duration
	for range rounds {
		if err := load.await(ctx, 1000); err != nil {
			return nil, err
		}
		all.add(load.sofar())
		if err := f.database.kill(); err != nil {
			return nil, err
		}
		if err := load.awaitRefusal(ctx); err != nil {
			return nil, err
		}
		if err := f.database.promote(); err != nil {
			return nil, err
		}
		promoted := time.Now()
		if err := poll(ctx, func() error {
			load.mu.Lock()
			defer load.mu.Unlock()
			if load.saw.last.Before(promoted) {
				return errors.New("nothing is accepted")
			}
			longest = max(longest, load.saw.last.Sub(promoted))
			return nil
		}); err != nil {
			return nil, err
		}
		if err := f.database.replicate(); err != nil {
			return nil, err
		}
	}
	load.end()
	all.add(load.sofar())
	o, err := f.settle(ctx, all)
	other := 0
	for what, n := range o.refused {
		if what != refusedForNow {
			other += n
		}
	}
	return append([]figure{
		exactly("times the primary was killed and its standby promoted", rounds, rounds),
		atMost("from a promotion to the next acceptance", 10*time.Second, longest),
		exactly("responses but "+refusedForNow, 0, other),
	}, o.promises()...), err
}
