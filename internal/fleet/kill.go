//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// kills kills an edge at random while 32 senders load all, again and again.
func (f *fleet) kills(ctx context.Context, rounds, accept int) ([]figure, error) {
	load := f.load(ctx, 32)
	defer load.end()
	each := (accept + rounds - 1) / rounds
	var all saw
	for range rounds {
		if err := load.await(ctx, each+rand.N(each/4)); err != nil {
			return nil, err
		}
		victim := rand.N(edges)
		f.edges[victim].Kill()
		all.add(load.sofar())
		if err := load.await(ctx, each/10); err != nil { // meanwhile the others take all
			return nil, err
		}
		if err := f.restart(ctx, victim); err != nil {
			return nil, err
		}
	}
	load.end()
	all.add(load.sofar())
	o, err := f.settle(ctx, all)
	accepted := atLeast(fmt.Sprintf("accepted, 32 senders, %d × kill -9 of an edge", rounds), accept, o.accepted)
	return append([]figure{accepted}, o.promises()...), err
}

// await waits until so many webhooks were accepted since sofar.
func (s *senders) await(ctx context.Context, accepted int) error {
	return poll(ctx, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.saw.accepted < accepted {
			return fmt.Errorf("%d of %d webhooks are accepted, senders see %v", s.saw.accepted, accepted, s.saw.refused)
		}
		return nil
	})
}
