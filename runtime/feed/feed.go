package feed

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultBytes is the default limit of the events in a ring.
	DefaultBytes = 4 << 20
	// eventBytes is what an event takes in addition to its JSON.
	eventBytes = 80

	// linger is how long events are collected after the last reader has gone. Clients that ask for
	// page after page, or reconnect, lose nothing meanwhile.
	linger = 10 * time.Second

	// flushEvery is the pause between two events that sum up several: see Admit and Changed.
	flushEvery = 250 * time.Millisecond
)

// ErrClosed is the error of reading a closed feed.
var ErrClosed = errors.New("the feed is closed")

// Feed holds the latest events. It is safe for concurrent use. The methods that publish do nothing
// on a nil Feed, and return at once while nobody reads.
type Feed struct {
	maxBytes int
	epoch    string // differs in each process
	// watched means that somebody reads, or has read within linger.
	watched atomic.Bool
	// full means that no execution is admitted until the next flush, which is scheduled.
	full    atomic.Bool
	leftOut atomic.Int64 // executions that the next flush sums up

	mu      sync.Mutex
	events  []Event // the oldest first
	next    uint64  // number of the next event
	bytes   int     // of events
	readers int
	lapse   *time.Timer   // ends watched; nil = it is not scheduled
	wake    chan struct{} // closed when there is something to read; nil = nobody waits
	closed  bool

	budget  budget
	changes changes     // that wait for the next flush
	flush   *time.Timer // nil = no flush is scheduled
}

// New returns an empty feed. maxBytes limits the events in its ring; 0 or less means DefaultBytes.
func New(maxBytes int) *Feed {
	if maxBytes <= 0 {
		maxBytes = DefaultBytes
	}
	return &Feed{maxBytes: maxBytes, epoch: strings.ToLower(rand.Text()[:12]), next: 1, budget: newBudget()}
}

// Watched reports whether somebody reads. Events that are published otherwise are dropped, so
// nothing has to be done for them.
func (f *Feed) Watched() bool { return f != nil && f.watched.Load() }

// Close ends all reading. Nothing is published any more.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.empty()
	f.wakeReaders()
}

// Restart drops all events. Each reader is told to reset: what it shows may be different, and no
// event says how.
func (f *Feed) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restart()
}

// restart is Restart. The lock is held.
func (f *Feed) restart() {
	f.next++ // in place of what is not known, so that no cursor from before is valid
	f.events, f.bytes = nil, 0
	f.changes = changes{}
	f.leftOut.Store(0)
	f.wakeReaders()
}

// empty ends watching. The lock is held.
func (f *Feed) empty() {
	f.watched.Store(false)
	f.restart()
	f.budget.forget()
	for _, t := range []*time.Timer{f.lapse, f.flush} {
		if t != nil {
			t.Stop()
		}
	}
	f.lapse, f.flush = nil, nil
	f.full.Store(false)
}

// enter adds a reader. The lock is held.
func (f *Feed) enter() {
	f.readers++
	if f.lapse != nil {
		f.lapse.Stop()
		f.lapse = nil
	}
	f.watched.Store(!f.closed)
}

// leave removes a reader. Without one, watching ends a while later. The lock is held.
func (f *Feed) leave() {
	if f.readers--; f.readers > 0 || f.closed {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(linger, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.lapse == timer { // otherwise somebody reads again
			f.empty()
		}
	})
	f.lapse = timer
}

// wakeReaders wakes the readers that wait. The lock is held.
func (f *Feed) wakeReaders() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// add adds an event to the ring, and drops the oldest ones that no longer fit. The lock is held.
func (f *Feed) add(event []byte) {
	f.events = append(f.events, Event{Cursor{f.epoch, f.next}.String(), event})
	f.next++
	f.bytes += len(event) + eventBytes
	for f.bytes > f.maxBytes {
		f.bytes -= len(f.events[0].JSON) + eventBytes
		f.events[0] = Event{} // so that the array does not retain it
		f.events = f.events[1:]
	}
	f.wakeReaders()
}

// end returns the position of the last event. The lock is held.
func (f *Feed) end() Cursor { return Cursor{f.epoch, f.next - 1} }

// has reports whether all events after c are in the ring. The lock is held.
func (f *Feed) has(c Cursor) bool {
	first := f.next - uint64(len(f.events))
	return c.epoch == f.epoch && c.seq < f.next && c.seq+1 >= first
}
