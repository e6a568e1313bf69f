package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/store"
)

// follower is the state of a Follow.
type follower struct {
	*Engine
	apply  func(store.Batch) error
	report func(store.State, error)
	pauses backoff.Exponential

	cluster  uint64 // id of the cluster that was listed; 0 = the next attempt lists
	revision int64  // changes up to this revision were applied
}

// Follow implements store.Engine.
//
// It makes one attempt after another. An attempt lists the content if it is not known what was
// missed, and then watches from the revision after the last one that was applied. Any error ends
// the attempt.
func (e *Engine) Follow(ctx context.Context, apply func(store.Batch) error, report func(store.State, error)) error {
	f := &follower{Engine: e, apply: apply, report: report, pauses: newPauses(e.config.MaxPause)}
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
			// The revisions after ours were compacted, which is normal for a watch that was quiet
			// for long. There is nothing to report.
			f.cluster = 0
		} else {
			report(state, err)
		}
		if state == store.Failed {
			f.disconnect()
		}
		if err := backoff.Sleep(ctx, f.pauseAfter(state)); err != nil {
			return err
		}
	}
}

// attempt follows the store until an error occurs.
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

// checkIdentity makes the attempt list if the store is not the one that was followed, or has gone
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

// The pauses between attempts; see Config.MaxPause.
const (
	// firstPause is the pause after an attempt that worked.
	firstPause = 500 * time.Millisecond
	// pauseJitter is the random part of a pause.
	pauseJitter = 0.5
	// operatorPauses is the length, in longest pauses, of a pause in which the operator has to act.
	operatorPauses = 6
)

func newPauses(longest time.Duration) backoff.Exponential {
	return backoff.Exponential{First: min(firstPause, longest), Max: longest, Jitter: pauseJitter}
}

// pauseAfter returns the next pause, after an attempt that left the store in a state.
func (f *follower) pauseAfter(state store.State) time.Duration {
	next := f.pauses.Next()
	if state == store.Failed {
		return backoff.Jitter(operatorPauses*f.config.MaxPause, pauseJitter)
	}
	return next
}
