package etcd

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/runtime/store"
)

// follower is one Follow.
type follower struct {
	*Engine
	apply  func(store.Batch) error
	report func(store.State, error)
	pause  pause

	cluster  uint64 // id of the cluster that was listed; 0 = the next attempt lists
	revision int64  // what changed up to it was applied
}

// Follow implements store.Engine.
//
// One attempt after the other is made. An attempt lists, when it is not known what was missed, and
// watches from the revision after the last one that was applied. Whatever goes wrong ends the
// attempt.
func (e *Engine) Follow(ctx context.Context, apply func(store.Batch) error, report func(store.State, error)) error {
	f := &follower{Engine: e, apply: apply, report: report, pause: pause{longest: e.config.MaxPause}}
	for {
		err := f.attempt(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, store.ErrClosed) {
			return err
		}
		state := stateOf(err)
		if errors.Is(err, rpctypes.ErrCompacted) {
			// The revisions after ours are gone: normal for a watch that was quiet for long. There
			// is no trouble to tell.
			f.cluster = 0
		} else {
			report(state, err)
		}
		if state == store.Failed {
			f.disconnect()
			f.pause.lengthen()
		}
		if err := f.pause.wait(ctx); err != nil {
			return err
		}
	}
}

// attempt follows the store until something goes wrong.
func (f *follower) attempt(ctx context.Context) error {
	client, err := f.connect(ctx)
	if err != nil {
		return err
	}
	if err := f.checkIdentity(ctx, client); err != nil {
		return err
	}
	if f.cluster == 0 {
		if err := f.list(ctx, client); err != nil {
			return err
		}
	}
	return f.watch(ctx, client)
}

// checkIdentity makes the attempt list when the store is not the one that was followed, or has gone
// back in time.
func (f *follower) checkIdentity(ctx context.Context, client *clientv3.Client) error {
	if f.cluster == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r, err := client.Get(ctx, f.config.Prefix, clientv3.WithCountOnly())
	if err != nil {
		return failure("asking for the revision", err)
	}
	if r.Header.GetClusterId() != f.cluster || r.Header.GetRevision() < f.revision {
		f.cluster = 0
	}
	return nil
}

// pause is the time between attempts.
type pause struct {
	longest time.Duration
	next    time.Duration
	mending bool // the next one is for the operator
}

const (
	// shortestPause is the first pause after an attempt that went well.
	shortestPause = 500 * time.Millisecond
	// mendingPauses is how many of the longest pauses one is as long as in which the operator has
	// to act.
	mendingPauses = 6
)

// reset makes the next pause a short one.
func (p *pause) reset() { p.next = 0 }

// lengthen makes the next pause one in which the operator has to act.
func (p *pause) lengthen() { p.mending = true }

// take is the next pause. See Config.MaxPause.
func (p *pause) take() time.Duration {
	d := min(max(p.next, shortestPause), p.longest)
	if p.next = 2 * d; p.mending {
		d, p.mending = mendingPauses*p.longest, false
	}
	return d - rand.N(d/2+1)
}

// wait waits for the next pause to pass, or returns ctx's error.
func (p *pause) wait(ctx context.Context) error {
	timer := time.NewTimer(p.take())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
