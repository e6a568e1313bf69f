//go:build unix

package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/flowtrux/edge/internal/crash"
)

// oneKey sends many requests with one key to all edges at the same time.
func (f *fleet) oneKey(ctx context.Context) ([]figure, error) {
	const requests, rounds = 100, 10
	if err := f.edges[0].Put(ctx, "wait", f.target.order("lastNode")); err != nil {
		return nil, err
	}
	if err := f.each(func(i int) error {
		return poll(ctx, func() error {
			_, err := f.keyed(ctx, i, "wait", "warm")
			return err
		})
	}); err != nil {
		return nil, err
	}
	var figures []figure
	for _, w := range []string{workflow, "wait"} {
		executions, different, calls := 0, 0, 0
		for round := range rounds {
			answers := make([]crash.Response, requests)
			errs := make([]error, requests)
			var all sync.WaitGroup
			for i := range requests {
				all.Go(func() { answers[i], errs[i] = f.keyed(ctx, i%edges, w, fmt.Sprintf("one-%d", round)) })
			}
			all.Wait()
			ids := make(map[string]bool)
			for i, a := range answers {
				if errs[i] != nil {
					return nil, errs[i]
				}
				ids[a.Header.Get("X-Execution-Id")] = true
				if a.Body != answers[0].Body {
					different++
				}
			}
			if err := f.edges[0].WaitDrained(ctx, patience); err != nil {
				return nil, err
			}
			executions += len(ids)
			n := f.target.nodeCalls(ids)
			calls += n[0] + n[1]
		}
		figures = append(figures,
			exactly(fmt.Sprintf("executions of %s, %d × %d requests, one key each", w, rounds, requests), rounds, executions),
			exactly("answers that differ", 0, different),
			exactly("calls of its two nodes", 2*rounds, calls))
	}
	return figures, nil
}

// keyed sends a webhook to an edge, which has to answer it with 200.
func (f *fleet) keyed(ctx context.Context, edge int, id, key string) (crash.Response, error) {
	a, err := f.edges[edge].Send(ctx, crash.Request{Workflow: id, Body: `{"order":"one"}`, Header: map[string]string{"Idempotency-Key": key}})
	if err == nil && a.Status != 200 {
		err = fmt.Errorf("%s answers %d %s", name(edge), a.Status, a.Body)
	}
	return a, err
}
