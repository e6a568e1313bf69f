package executor

import (
	"errors"
	"sync"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/runtime/journal"
)

// maxRetried limits the ended reservations, with their responses, that wait until the journal can
// be written. Nothing new is reserved until then, so there are about as many as executions ran when
// the journal failed.
const maxRetried = 1024

// settleRetrier retries journal writes that end reservations. A key that it has to give up stays
// reserved until it expires or the process ends. It is safe for concurrent use.
type settleRetrier struct {
	mu      sync.Mutex
	pending []*Reservation
	active  bool           // the retrying goroutine runs; it ends once pending is empty
	done    sync.WaitGroup // of that goroutine
}

// add takes over an ended reservation whose write failed.
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

// run retries every retryPause until none is left, and a last time when the executor ends.
func (s *settleRetrier) run(x *Executor) {
	for ended := false; !ended; {
		ended = backoff.Sleep(x.aborted, retryPause) != nil
		if !s.retryAll(x) {
			return
		}
	}
}

// retryAll retries each once and reports whether any are left.
func (s *settleRetrier) retryAll(x *Executor) bool {
	s.mu.Lock()
	pending := s.pending
	s.pending = nil
	s.mu.Unlock()
	for len(pending) > 0 {
		if err := pending[0].journalEnd(); err != nil && !errors.Is(err, journal.ErrClosed) {
			break // it would fail for the others, too
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
