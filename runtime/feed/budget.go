package feed

import (
	"sync/atomic"
	"time"
)

// What is published of executions while somebody reads. One of a few nodes takes some microseconds
// and a kilobyte, for each reader.
const (
	executionRate = 50 // executions a second, and as many at once
	eventRate     = 1000
	eventBurst    = 4000 // some executions of the largest plans

	// maxAnnounced limits the pending executions that are remembered because they were published.
	maxAnnounced = 1024
)

// budget decides which executions are published in detail. The lock of the feed guards it.
type budget struct {
	executions, events bucket

	expected map[string]struct{} // executions that are being accepted, see Expect
	// announced are executions that were published when they were accepted: the rest of them is
	// published, too.
	announced map[string]struct{}
	order     []string // of announced, the oldest first; some may be gone from it
	// the number of those expected and announced; it is also read without the lock
	waiting atomic.Int64
}

func newBudget() budget {
	return budget{
		executions: bucket{rate: executionRate, size: executionRate},
		events:     bucket{rate: eventRate, size: eventBurst},
		expected:   make(map[string]struct{}),
		announced:  make(map[string]struct{}),
	}
}

// take reports whether an execution with so many events is published.
func (b *budget) take(now time.Time, events int) bool {
	b.executions.fill(now)
	b.events.fill(now)
	cost := min(float64(events), eventBurst)
	if b.executions.left < 1 || b.events.left < cost {
		return false
	}
	b.executions.left--
	b.events.left -= cost
	return true
}

// announce remembers a pending execution that was published.
func (b *budget) announce(id string) {
	b.announced[id] = struct{}{}
	b.order = append(b.order, id)
	for len(b.order) > maxAnnounced {
		delete(b.announced, b.order[0])
		b.order = b.order[1:]
	}
	b.count()
}

// begin reports whether an execution was announced, and forgets it.
func (b *budget) begin(id string) bool {
	delete(b.expected, id)
	_, ok := b.announced[id]
	delete(b.announced, id)
	b.count()
	return ok
}

// forget forgets all executions that were announced.
func (b *budget) forget() {
	clear(b.announced)
	b.order = nil
	b.count()
}

// count updates waiting.
func (b *budget) count() { b.waiting.Store(int64(len(b.expected) + len(b.announced))) }

// bucket is a token bucket: so many tokens a second, and at most size of them at once.
type bucket struct {
	rate, size float64
	left       float64
	at         time.Time // when left was right; zero = the bucket is full
}

func (b *bucket) fill(now time.Time) {
	switch since := now.Sub(b.at).Seconds(); {
	case b.at.IsZero():
		b.left = b.size
	case since <= 0:
		return
	default:
		b.left = min(b.size, b.left+since*b.rate)
	}
	b.at = now
}
