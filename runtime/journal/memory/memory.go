// Package memory is the journal that keeps nothing: what it holds lives in this process and is gone
// with it. It is for tests, for trying things out and for machines whose senders repeat what was
// not done. It writes no files and holds no goroutine.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// DefaultMaxPending is how many entries a Journal holds when it is not told otherwise.
	DefaultMaxPending = 100_000
	// DefaultMaxBytes is how much it holds when it is not told otherwise.
	DefaultMaxBytes = 1 << 30
	// MaxRecords is how many records a Journal keeps: the newest, as far as MaxRecordBytes are
	// enough for them.
	MaxRecords     = 10_000
	MaxRecordBytes = 256 << 20
	// Retention is how long after its acceptance an execution that has ended is shown.
	Retention = 72 * time.Hour
)

// Options of a Journal.
type Options struct {
	// MaxPending is the most entries that have not ended, claimed or not; 0 or less means
	// DefaultMaxPending.
	MaxPending int
	// MaxBytes is the most bytes of events and steps of such entries, and of responses that are
	// kept for duplicates: a quarter of it is for those. 0 or less means DefaultMaxBytes. Records
	// come on top of it.
	MaxBytes int64
	// AcceptLoss says that it is fine to lose entries with the process. Without it Accept and
	// Adopt, which promise the contrary, return journal.ErrVolatile.
	AcceptLoss bool
}

func (o Options) keptBytes() int64 { return o.MaxBytes / 4 }
func (o Options) workBytes() int64 { return o.MaxBytes - o.keptBytes() }

// Journal is a journal.Journal in memory.
type Journal struct {
	options Options
	closed  chan struct{}

	mu      sync.Mutex
	items   map[string]*item       // all that have not ended, by id
	queue   fairqueue.Queue[*item] // those that can be claimed
	wake    chan struct{}          // closed and replaced when there is something to claim
	order   uint64                 // of the last entry that was accepted
	work    work
	keys    keys
	records records
	writes  uint64
	shut    bool
}

// item is an entry that has not ended. It is in the queue, or it waits for its timer, or it has a
// holder.
type item struct {
	entry     *journal.Entry
	order     uint64
	steps     []journal.Step
	bytes     int64 // that are counted
	holder    *lease
	place     *fairqueue.Element[*item] // in the queue
	timer     *time.Timer
	cancelled bool
}

// New makes a Journal.
func New(o Options) *Journal {
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return &Journal{
		options: o,
		closed:  make(chan struct{}),
		wake:    make(chan struct{}),
		items:   make(map[string]*item),
		work:    work{byWorkflow: make(map[string]amount)},
		keys:    newKeys(o.keptBytes()),
		records: records{byID: make(map[string]journal.Ended)},
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
	j.enqueue(it)
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
	_, held := j.items[e.ID]
	_, ended := j.records.byID[e.ID]
	switch {
	case j.shut:
		return nil, journal.ErrClosed
	case !j.options.AcceptLoss:
		return nil, journal.ErrVolatile
	case held || ended:
		return nil, journal.ErrExists
	}
	var r journal.Reservation
	if e.Key != nil {
		r = journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key}
		if err := j.keys.taken(r); err != nil {
			return nil, err
		}
	}
	bytes := entryBytes(e)
	if err := j.work.mayAdd(j.options, e.Workflow, 1, bytes); err != nil {
		return nil, err
	}
	if e.Key != nil {
		j.keys.set(r)
	}
	j.work.change(e.Workflow, 1, bytes)
	j.order++
	it := &item{entry: e, order: j.order, steps: slices.Clone(e.Steps), bytes: bytes}
	j.items[e.ID] = it
	j.writes++
	return it, nil
}

// Claim waits for an entry.
func (j *Journal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, wake, err := j.take(except)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-wake:
		case <-j.closed:
			return nil, journal.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take leases the next item, or returns what tells of another one.
func (j *Journal) take(except []string) (journal.Lease, <-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return nil, nil, journal.ErrClosed
	}
	it, ok := j.queue.Next(except)
	if !ok {
		return nil, j.wake, nil
	}
	it.place = nil
	return j.lease(it), nil, nil
}

// lease hands an item out. The caller holds the lock.
func (j *Journal) lease(it *item) *lease {
	e := *it.entry
	e.Steps, e.Key = slices.Clone(it.steps), nil
	it.holder = &lease{journal: j, item: it, entry: &e}
	return it.holder
}

// enqueue lets an item be claimed. The caller holds the lock.
func (j *Journal) enqueue(it *item) {
	it.place = j.queue.Add(it.entry.Workflow, it.order, it)
	close(j.wake)
	j.wake = make(chan struct{})
}

// Stats counts. It looks at each pending entry.
func (j *Journal) Stats(context.Context) (journal.Stats, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shut {
		return journal.Stats{}, journal.ErrClosed
	}
	s := journal.Stats{DiskFree: -1, Writes: j.writes}
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

// Close ends claims and leases. What is pending is lost.
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
