//go:build unix

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/flowtrux/edge/internal/crash"
)

// held are executions that run on the first edge, in a call of their first node.
type held struct {
	ids map[string]bool
	n   int // of them run on the first edge
}

// holdSome starts executions at the first edge while the target holds all calls.
func (f *fleet) holdSome(ctx context.Context, round string) (h held, err error) {
	const some = 16
	f.target.hold(0)
	h.ids = make(map[string]bool)
	for i := range some {
		a, err := f.edges[0].Send(ctx, crash.Request{
			Workflow: workflow, Body: `{"order":"held"}`, Header: map[string]string{"Idempotency-Key": fmt.Sprintf("%s-%d", round, i)},
		})
		if err != nil || a.Status != 200 {
			return h, fmt.Errorf("a webhook is not accepted: %+v, %w", a, err)
		}
		h.ids[a.Header.Get("X-Execution-Id")] = true
	}
	err = poll(ctx, func() error {
		if n := f.target.count(h.ids, 0, 1); n < some {
			return fmt.Errorf("%d executions call the target", n)
		}
		return nil
	})
	if err != nil {
		return h, err
	}
	var s status
	if err := f.edges[0].AdminRequest(ctx, "GET", "status", nil, &s); err != nil {
		return h, err
	}
	for _, m := range s.Machines {
		if m.Name == name(0) {
			h.n = m.Claims
		}
	}
	if h.n == 0 {
		return h, fmt.Errorf("%s has no executions: %+v", name(0), s.Machines)
	}
	return h, nil
}

// awaitTakeover waits until other machines have called the target again.
func (f *fleet) awaitTakeover(ctx context.Context, h held) error {
	return poll(ctx, func() error {
		if n := f.target.count(h.ids, 0, 2); n < h.n {
			return fmt.Errorf("%d of %d executions are taken over", n, h.n)
		}
		return nil
	})
}

// takeovers measures how long the executions of an edge wait that has died, or that drains.
func (f *fleet) takeovers(ctx context.Context) ([]figure, error) {
	const rounds = 3
	var died, drained time.Duration
	var all saw
	for round := range 2 * rounds {
		h, err := f.holdSome(ctx, fmt.Sprint(round))
		if err != nil {
			return nil, err
		}
		began := time.Now()
		longest := &died
		if round%2 == 0 {
			f.edges[0].Kill()
		} else {
			longest = &drained
			if err := f.edges[0].Process().Signal(syscall.SIGTERM); err != nil {
				return nil, err
			}
		}
		if err := f.awaitTakeover(ctx, h); err != nil {
			return nil, err
		}
		took := time.Since(began)
		if round%2 == 1 {
			took -= crash.Grace // meanwhile its executions may end there
		}
		*longest = max(*longest, took)
		f.target.release()
		f.edges[0].Process().End(syscall.SIGTERM)
		if err := f.restart(ctx, 0); err != nil {
			return nil, err
		}
		all.add(saw{accepted: len(h.ids), ids: h.ids})
	}
	o, err := f.settle(ctx, all)
	return append([]figure{
		atMost(fmt.Sprintf("until executions of a dead edge run elsewhere, lease %s", f.lease), f.lease+2*time.Second, died),
		atMost(fmt.Sprintf("until those of an edge that drains do, after its grace period of %s", crash.Grace), time.Second, drained),
	}, o.promises()...), err
}

// pauses stops an edge for three leases and wakes it. Others have ended its executions meanwhile;
// what it has done itself is refused, so it does not go on to the second node.
func (f *fleet) pauses(ctx context.Context) ([]figure, error) {
	h, err := f.holdSome(ctx, "pause")
	if err != nil {
		return nil, err
	}
	defer f.target.release()
	stopped := f.edges[0].Process()
	if err := stopped.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := f.awaitTakeover(ctx, h); err != nil {
		return nil, err
	}
	f.target.release()
	if err := wait(ctx, 3*f.lease-time.Since(began)); err != nil {
		return nil, err
	}
	ended := f.target.nodeCalls(h.ids)
	if err := stopped.Signal(syscall.SIGCONT); err != nil {
		return nil, err
	}
	err = poll(ctx, func() error { // until it has given up what it ran
		var s struct{ Executions struct{ InUse int } }
		err := f.edges[0].AdminRequest(ctx, "GET", "status", nil, &s)
		if err == nil && s.Executions.InUse > 0 {
			err = fmt.Errorf("%d executions still run there", s.Executions.InUse)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	woken := f.target.nodeCalls(h.ids)
	if err := f.awaitEdge(ctx, 0); err != nil {
		return nil, err
	}
	o, err := f.settle(ctx, saw{accepted: len(h.ids), ids: h.ids})
	return append([]figure{
		atLeast("executions of an edge that was stopped for 3 leases", 1, h.n),
		exactly("second nodes called before it woke", len(h.ids), ended[1]),
		exactly("nodes that it called after it woke", 0, woken[0]-ended[0]+woken[1]-ended[1]),
	}, o.promises()...), err
}
