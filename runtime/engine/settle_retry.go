package engine

import (
	"errors"
	"sync"

	"github.com/flowtrux/edge/runtime/journal"
)

// maxMending is how many ends of keys wait for a journal that cannot be written. They hold their
// responses meanwhile. While it cannot, nothing new is reserved, so there are about as many as
// executions ran when it failed.
const maxMending = 1024

// mender repeats what the journal did not take of the ends of keys. A key that it has to let go of
// stays reserved until its time is over or the process ends. It is safe for concurrent use.
type mender struct {
	mu     sync.Mutex
	list   []*Held
	active bool           // the goroutine that repeats runs; it ends with the list
	ended  sync.WaitGroup // of that goroutine
}

// take takes over a key that has ended.
func (m *mender) take(h *Held) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.list) == maxMending {
		h.executor.flights.remove(h.key.ID)
		return
	}
	m.list = append(m.list, h)
	if !m.active {
		m.active = true
		m.ended.Go(func() { m.mend(h.executor) })
	}
}

// mend tries every claimRetry until nothing is left, and a last time when the executor ends.
func (m *mender) mend(x *Executor) {
	for goesOn := true; goesOn; {
		goesOn = sleep(x.hard, claimRetry)
		if !m.round(x) {
			return
		}
	}
}

// round tries each once and tells whether any are left.
func (m *mender) round(x *Executor) bool {
	m.mu.Lock()
	list := m.list
	m.list = nil
	m.mu.Unlock()
	for len(list) > 0 {
		if err := list[0].tell(); err != nil && !errors.Is(err, journal.ErrClosed) {
			break // it fails for the others, too
		}
		x.flights.remove(list[0].key.ID)
		list = list[1:]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(list, m.list...)
	m.active = len(m.list) > 0
	return m.active
}
