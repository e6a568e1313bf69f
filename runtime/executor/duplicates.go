package executor

import (
	"context"
	"errors"
	"sync"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

// maxDuplicates limits the duplicates that wait for running executions.
const maxDuplicates = 1024

// ErrNotInFlight means that an execution does not run here: it has just ended, or it runs on
// another machine that shares the journal. To get its key, ask the journal again.
var ErrNotInFlight = errors.New("the execution does not run here")

// inflight holds the executions that hold an idempotency key here, for the duplicates that wait for
// them. It is safe for concurrent use.
type inflight struct {
	mu      sync.Mutex
	byID    map[string]*keyHolder
	waiting int
}

// keyHolder is an execution that holds an idempotency key. The fields after ended are set before it
// is closed.
type keyHolder struct {
	ended    chan struct{}
	response []byte // for duplicates; nil = the execution ended without one
	// the response is only for duplicates that wait already: the key is released, but not yet in
	// the journal
	stale bool
}

// end ends the wait of duplicates and gives them the response.
func (k *keyHolder) end(response []byte, stale bool) {
	k.response, k.stale = response, stale
	close(k.ended)
}

func (k *keyHolder) hasEnded() bool {
	select {
	case <-k.ended:
		return true
	default:
		return false
	}
}

func (f *inflight) add(id string) *keyHolder {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = make(map[string]*keyHolder)
	}
	k := &keyHolder{ended: make(chan struct{})}
	f.byID[id] = k
	return k
}

func (f *inflight) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byID, id)
}

// Waiter is the place of a duplicate that waits for an execution.
type Waiter struct {
	inflight *inflight
	holder   *keyHolder
}

// JoinInFlight adds a duplicate of an execution that holds an idempotency key here. The caller must
// call Wait. The error is ErrNotInFlight, or slots.ErrServerBusy if too many wait already. It is
// journal.ErrUnavailable if the execution has ended and its key is free once the journal can be
// written.
func (x *Executor) JoinInFlight(id string) (*Waiter, error) {
	f := &x.inflight
	f.mu.Lock()
	defer f.mu.Unlock()
	switch k := f.byID[id]; {
	case k == nil:
		return nil, ErrNotInFlight
	case k.hasEnded() && k.stale:
		return nil, journal.ErrUnavailable
	case f.waiting >= maxDuplicates:
		return nil, slots.NewBusyError(slots.ErrServerBusy, "as many as may wait for executions of earlier requests", maxDuplicates)
	default:
		f.waiting++
		return &Waiter{f, k}, nil
	}
}

// Wait waits for the end of the execution and returns the response for its duplicates, or nil if
// there is none. It holds no slot. The error is ctx's.
func (w *Waiter) Wait(ctx context.Context) (response []byte, err error) {
	defer func() {
		w.inflight.mu.Lock()
		defer w.inflight.mu.Unlock()
		w.inflight.waiting--
	}()
	select {
	case <-w.holder.ended:
		return w.holder.response, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// WaitingDuplicates returns the number of duplicates that wait for running executions.
func (x *Executor) WaitingDuplicates() int {
	x.inflight.mu.Lock()
	defer x.inflight.mu.Unlock()
	return x.inflight.waiting
}
