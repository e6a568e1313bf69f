// Package memory is a journal without durability: what it holds lives in this process and ends with
// it. It is for tests, for trying things out, and for machines whose senders repeat requests that
// were not carried out. It writes no files and starts no goroutine.
//
// The package is a stable API. The texts of errors may change.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/counts"
)

const (
	// DefaultMaxPending is the default of Options.MaxPending.
	DefaultMaxPending = 100_000
	// DefaultMaxBytes is the default of Options.MaxBytes.
	DefaultMaxBytes = 1 << 30
	// MaxRecords is the most records that a Journal holds: the newest, as far as they fit into
	// MaxRecordBytes.
	MaxRecords = 10_000
	// MaxRecordBytes is the most bytes that the records of a Journal take, with their events and
	// the documents that they were run from. They stay in the heap for as long as they are kept,
	// and between two collections of garbage a process may take twice its heap.
	MaxRecordBytes = 32 << 20
	// Retention is how long after its acceptance the record of an ended execution is shown.
	Retention = 72 * time.Hour
)

// Options of a Journal.
type Options struct {
	// MaxPending is the most entries that have not ended, claimed or not. 0 or less means
	// DefaultMaxPending.
	MaxPending int
	// MaxBytes is the most bytes of events and steps of such entries, and of stored responses,
	// which may take a quarter of it. Records have a bound of their own, MaxRecordBytes. 0 or less
	// means DefaultMaxBytes.
	MaxBytes int64
	// AcceptLoss permits the loss of entries with the process. Without it Accept and Adopt, which
	// promise durability, return journal.ErrVolatile.
	AcceptLoss bool
}

func (o Options) responseBytes() int64 { return o.MaxBytes / 4 }
func (o Options) workBytes() int64     { return o.MaxBytes - o.responseBytes() }

// Journal is a journal.Journal in memory.
type Journal struct {
	options Options
	done    chan struct{}

	mu      sync.Mutex
	live    map[string]*liveEntry       // entries that have not ended, by id
	queue   fairqueue.Queue[*liveEntry] // those that can be claimed
	wake    chan struct{}               // closed and replaced when there is something to claim
	order   uint64                      // of the last accepted entry
	usage   usage
	keys    keys
	records records
	counts  *counts.Table
	writes  uint64
	closed  bool
}

// liveEntry is an entry that has not ended. It is in the queue, or waits for its timer, or has a
// holder.
type liveEntry struct {
	entry     *journal.Entry
	order     uint64
	steps     []journal.Step
	began     time.Time // of the first run
	bytes     int64     // as counted in usage
	holder    *lease
	queued    *fairqueue.Element[*liveEntry] // in the queue
	timer     *time.Timer
	cancelled bool
}

// New creates a Journal.
func New(o Options) *Journal {
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return &Journal{
		options: o,
		done:    make(chan struct{}),
		wake:    make(chan struct{}),
		live:    make(map[string]*liveEntry),
		usage:   usage{byWorkflow: make(map[string]amount)},
		keys:    newKeys(o.responseBytes()),
		records: records{byID: make(map[string]*stored), documents: make(map[document]int)},
		counts:  counts.New(time.Now, false),
	}
}

// Open does nothing: the journal works from the start.
func (j *Journal) Open(context.Context) error { return nil }

// Accept stores e until it ends or the process does.
func (j *Journal) Accept(_ context.Context, e *journal.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	live, err := j.add(e)
	if err != nil {
		return err
	}
	j.enqueue(live)
	return nil
}

// Adopt stores e and leases it to the caller.
func (j *Journal) Adopt(_ context.Context, e *journal.Entry) (journal.Lease, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	live, err := j.add(e)
	if err != nil {
		return nil, err
	}
	live.began = e.Began
	return j.lease(live), nil
}

// add adds an entry. The caller holds the lock.
func (j *Journal) add(e *journal.Entry) (*liveEntry, error) {
	_, held := j.live[e.ID]
	_, ended := j.records.byID[e.ID]
	switch {
	case j.closed:
		return nil, journal.ErrClosed
	case !j.options.AcceptLoss:
		return nil, journal.ErrVolatile
	case held || ended:
		return nil, journal.ErrExists
	}
	var r journal.Reservation
	if e.Key != nil {
		r = journal.Reservation{ID: e.ID, Workflow: e.Workflow, Key: *e.Key}
		if err := j.keys.check(r); err != nil {
			return nil, err
		}
	}
	bytes := entryBytes(e)
	if err := j.usage.check(j.options, e.Workflow, 1, bytes); err != nil {
		return nil, err
	}
	if e.Key != nil {
		j.keys.set(r)
	}
	j.usage.add(e.Workflow, 1, bytes)
	j.order++
	live := &liveEntry{entry: e, order: j.order, steps: slices.Clone(e.Steps), bytes: bytes}
	j.live[e.ID] = live
	j.writes++
	return live, nil
}

// Claim waits for an entry.
func (j *Journal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, wake, err := j.leaseNext(except)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-wake:
		case <-j.done:
			return nil, journal.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// leaseNext leases the next entry. If there is none, it returns a channel that is closed when one
// is added.
func (j *Journal) leaseNext(except []string) (journal.Lease, <-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, nil, journal.ErrClosed
	}
	live, ok := j.queue.Next(except)
	if !ok {
		return nil, j.wake, nil
	}
	live.queued = nil
	return j.lease(live), nil, nil
}

// lease leases an entry. The caller holds the lock.
func (j *Journal) lease(live *liveEntry) *lease {
	e := *live.entry
	e.Steps, e.Key, e.Began = slices.Clone(live.steps), nil, live.began
	live.holder = &lease{journal: j, live: live, entry: &e}
	return live.holder
}

// enqueue makes an entry available to claims. The caller holds the lock.
func (j *Journal) enqueue(live *liveEntry) {
	live.queued = j.queue.Add(live.entry.Workflow, live.order, live)
	close(j.wake)
	j.wake = make(chan struct{})
}

// Stats reads the statistics. It looks at each entry that has not ended.
func (j *Journal) Stats(context.Context) (journal.Stats, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.Stats{}, journal.ErrClosed
	}
	s := journal.Stats{DiskFree: -1, Writes: j.writes}
	for _, live := range j.live {
		if live.holder != nil {
			s.Running++
			continue
		}
		s.Pending++
		if s.Oldest.IsZero() || live.entry.AcceptedAt.Before(s.Oldest) {
			s.Oldest = live.entry.AcceptedAt
		}
	}
	return s, nil
}

// Durability is journal.Memory.
func (j *Journal) Durability() journal.Durability { return journal.Memory }

// Close ends claims and leases. Pending entries are lost.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	close(j.done)
	for _, live := range j.live {
		if live.timer != nil {
			live.timer.Stop()
		}
	}
	return nil
}
