package executor

import (
	"errors"
	"sync"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// maxRetried is how many ended reservations wait for a journal that cannot be written. They hold
// their responses meanwhile. Nothing new is reserved until it can, so there are about as many as
// executions ran when it failed.
const maxRetried = 1024

// settleRetrier retries what the journal did not take of the ends of reservations. A key that it
// has to give up stays reserved until its time is over or the process ends. It is safe for
// concurrent use.
type settleRetrier struct {
	mu      sync.Mutex
	pending []*Reservation
	active  bool           // the goroutine that retries runs; it ends with pending
	done    sync.WaitGroup // of that goroutine
}

// add takes over a reservation that has ended.
func (s *settleRetrier) add(r *Reservation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == maxRetried {
		r.executor.inflight.remove(r.key.ID)
		return
	}
	s.pending = append(s.pending, r)
	if !s.active {
		s.active = true
		s.done.Go(func() { s.run(r.executor) })
	}
}

// run retries every retryPause until nothing is left, and a last time when the executor ends.
func (s *settleRetrier) run(x *Executor) {
	for ended := false; !ended; {
		ended = backoff.Sleep(x.aborted, retryPause) != nil
		if !s.retryAll(x) {
			return
		}
	}
}

// retryAll tries each once and reports whether any are left.
func (s *settleRetrier) retryAll(x *Executor) bool {
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	for len(pending) > 0 {
		if err := pending[0].journalEnd(); err != nil && !errors.Is(err, journal.ErrClosed) {
			break // it fails for the others, too
		}
		x.inflight.remove(pending[0].key.ID)
		pending = pending[1:]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(pending, s.pending...)
	s.active = len(s.pending) > 0
	return s.active
}
