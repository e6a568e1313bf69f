// Package memory is the journal that keeps nothing: entries live in this process and are gone with it. It is for tests, for
// trying things out and for machines whose senders repeat what was not done. It writes no files and holds no goroutine.
package memory

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// DefaultMaxPending is how many entries a Journal holds when it is not told otherwise.
const DefaultMaxPending = 100_000

// Journal is a journal.Journal in memory. Entries that were never claimed come out in the order they were accepted.
type Journal struct {
	max    int
	ready  chan struct{} // one token for each item in the queue; never full, as the queue holds at most max
	closed chan struct{}

	mu    sync.Mutex
	items map[string]*item // all that have not ended, by id
	queue list.List        // of *item: those that can be claimed
	shut  bool
}

// item is an entry that has not ended. It is in the queue, or it waits for its timer, or it has a holder.
type item struct {
	entry  *journal.Entry
	steps  []journal.Step
	holder *lease
	timer  *time.Timer
}

// New makes a Journal that holds at most maxPending entries that have not ended, claimed or not; 0 or less means
// DefaultMaxPending.
func New(maxPending int) *Journal {
	if maxPending <= 0 {
		maxPending = DefaultMaxPending
	}
	return &Journal{
		max:    maxPending,
		ready:  make(chan struct{}, maxPending),
		closed: make(chan struct{}),
		items:  make(map[string]*item),
	}
}

// Open does nothing: the journal works as soon as it is made.
func (j *Journal) Open(context.Context) error { return nil }

// Accept keeps e until it ends or the process does.
func (j *Journal) Accept(_ context.Context, e *journal.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	it, err := j.add(e)
	if err != nil {
		return err
	}
	j.queue.PushBack(it)
	j.ready <- struct{}{}
	return nil
}

// Adopt keeps e and leases it to the caller.
func (j *Journal) Adopt(_ context.Context, e *journal.Entry) (journal.Lease, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	it, err := j.add(e)
	if err != nil {
		return nil, err
	}
	return j.lease(it), nil
}

// add makes an item of e. The caller holds the lock.
func (j *Journal) add(e *journal.Entry) (*item, error) {
	switch _, held := j.items[e.ID]; {
	case j.shut:
		return nil, journal.ErrClosed
	case held:
		return nil, journal.ErrExists
	case len(j.items) >= j.max:
		return nil, journal.ErrFull
	}
	it := &item{entry: e, steps: slices.Clone(e.Steps)}
	j.items[e.ID] = it
	return it, nil
}

// Claim waits for an entry.
func (j *Journal) Claim(ctx context.Context) (journal.Lease, error) {
	select {
	case <-j.ready:
	case <-j.closed:
		return nil, journal.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return nil, journal.ErrClosed
	}
	return j.lease(j.queue.Remove(j.queue.Front()).(*item)), nil
}

// lease hands an item out. The caller holds the lock.
func (j *Journal) lease(it *item) *lease {
	e := *it.entry
	e.Steps = slices.Clone(it.steps)
	it.holder = &lease{journal: j, item: it, entry: &e}
	return it.holder
}

// requeue lets an item be claimed before all others. The caller holds the lock.
func (j *Journal) requeue(it *item) {
	j.queue.PushFront(it)
	j.ready <- struct{}{}
}

// Stats counts. It looks at each pending entry.
func (j *Journal) Stats(context.Context) (journal.Stats, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var s journal.Stats
	for _, it := range j.items {
		if it.holder != nil {
			s.Running++
			continue
		}
		s.Pending++
		if s.Oldest.IsZero() || it.entry.AcceptedAt.Before(s.Oldest) {
			s.Oldest = it.entry.AcceptedAt
		}
	}
	return s, nil
}

// Durability is journal.Memory.
func (j *Journal) Durability() journal.Durability { return journal.Memory }

// Close ends claims and refuses entries. What is pending is lost; what is leased can still be finished.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return nil
	}
	j.shut = true
	close(j.closed)
	for _, it := range j.items {
		if it.timer != nil {
			it.timer.Stop()
		}
	}
	return nil
}
