package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/slots"
)

// maxWaiting is how many duplicates may wait at a time for executions that run.
const maxWaiting = 1024

// ErrNotHere means that an execution does not run here: it has just ended, or it runs on another
// machine that shares the journal. Who wants its key asks the journal again.
var ErrNotHere = errors.New("the execution does not run here")

// flights are the executions that hold an idempotency key here, by id, for the duplicates that wait
// for them. It is safe for concurrent use.
type flights struct {
	mu      sync.Mutex
	byID    map[string]*flight
	waiting int
}

// flight is one of them. What follows landed is set before it is closed.
type flight struct {
	landed   chan struct{}
	response []byte // what duplicates are answered; nil = it ended without an answer
	// the response is only for those who have waited: the key goes back, and the journal does not
	// know yet
	stale bool
}

// land ends the wait of duplicates.
func (f *flight) land(response []byte, stale bool) {
	f.response, f.stale = response, stale
	close(f.landed)
}

func (f *flight) hasLanded() bool {
	select {
	case <-f.landed:
		return true
	default:
		return false
	}
}

func (f *flights) add(id string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = make(map[string]*flight)
	}
	begun := &flight{landed: make(chan struct{})}
	f.byID[id] = begun
	return begun
}

func (f *flights) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byID, id)
}

// Seat is the place of a duplicate that waits for an execution.
type Seat struct {
	flights *flights
	flight  *flight
}

// Join takes a place among those who wait for an execution that holds an idempotency key here; Wait
// gives it back and must be called. The error is ErrNotHere, ErrServerBusy when too many wait
// already, or journal.ErrUnavailable when the execution has ended and its key is free as soon as
// the journal can be written.
func (x *Executor) Join(id string) (*Seat, error) {
	f := &x.flights
	f.mu.Lock()
	defer f.mu.Unlock()
	switch it := f.byID[id]; {
	case it == nil:
		return nil, ErrNotHere
	case it.hasLanded() && it.stale:
		return nil, journal.ErrUnavailable
	case f.waiting >= maxWaiting:
		return nil, slots.NewBusyError(slots.ErrServerBusy, "as many as may wait for executions of earlier requests", maxWaiting)
	default:
		f.waiting++
		return &Seat{f, it}, nil
	}
}

// Wait waits for the end of the execution and returns what its duplicates are answered, nil when it
// has ended without an answer. It holds no slot. The error is ctx's.
func (s *Seat) Wait(ctx context.Context) (response []byte, err error) {
	defer func() {
		s.flights.mu.Lock()
		defer s.flights.mu.Unlock()
		s.flights.waiting--
	}()
	select {
	case <-s.flight.landed:
		return s.flight.response, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Waiting is how many duplicates wait for executions that run.
func (x *Executor) Waiting() int {
	x.flights.mu.Lock()
	defer x.flights.mu.Unlock()
	return x.flights.waiting
}
