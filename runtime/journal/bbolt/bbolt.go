// Package bbolt is the journal on this machine's disk: one file of go.etcd.io/bbolt, which belongs
// to one process at a time. What was accepted survives the process, the machine's crash and the
// loss of power.
//
// What the file may hold is bounded by Limits, and what one workflow may have of it by its share;
// see accounts and quota.
//
// One goroutine writes. It takes what waits, up to a bound, into one transaction and answers all of
// it after one commit, so that many writers share an fsync and a lone one does not wait for others.
// Reads are short transactions beside it; no transaction is held while something waits. Claims are
// kept in memory: nobody else can have any.
//
// A write that fails closes the file. Until it could be opened again, which is tried with growing
// waits, all writes are refused with journal.ErrUnavailable; after a failed fsync nobody knows what
// is on disk, so it is read again. So does a file that shows damage. Before bbolt opens a file, its
// pages are checked: bbolt trusts them, and ends the process by what it does not understand.
//
// # The file
//
//	meta           "format" → what and which version this file is
//	live/<id>      what is listed of an entry that has not ended
//	runs/<id>      its deaths, and whether it runs or was cancelled
//	steps/<id><node>
//	keys/<hash>    an idempotency key: expiry, digest, execution, which of kept is its response
//	expiry/<time><hash>   the same keys in the order they expire: the workflow
//	kept/<number>  a response that is kept for duplicates: key, workflow, response; the oldest is the first
//	keptby/<workflow><number>   the same responses by workflow
//	held/<hash>    those whose execution is not in the journal: the end of the process frees them
//	long/<number><piece>   values from 4 KiB on, in pieces; in their places stands the number
//	parts/<hour>/  by the hour in the execution's id, so that retention drops whole buckets:
//	  src/<id>     the event that it runs from, exactly
//	  doc/<sha256> workflow documents, once an hour each
//	  rec/<id>     the record
//	  long/<number><piece>
//
// An earlier version had no kept, keptby and long: responses stood in their keys, keys said nothing
// of their workflow, and long values were whole. What it has written is read as it is; its
// responses are entered in kept when the file is opened. That version refuses the file afterwards.
package bbolt

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// Limits are what may be changed while the journal is open. Values that are 0 or less mean the
// defaults.
type Limits struct {
	MaxPending int // entries that have not ended; DefaultMaxPending
	// what the file may hold; ended records go, the oldest first, to stay below; DefaultMaxBytes
	MaxBytes int64
	// how long after its acceptance an execution that has ended is kept; DefaultRetention
	Retention time.Duration
	// bytes of the disk that stay free: below it nothing new is taken; DefaultMinFree
	MinFree int64
}

// Defaults of Limits.
const (
	DefaultMaxPending = 100_000
	DefaultMaxBytes   = 4 << 30
	DefaultRetention  = 72 * time.Hour
	DefaultMinFree    = 512 << 20
)

func (l Limits) withDefaults() *Limits {
	if l.MaxPending <= 0 {
		l.MaxPending = DefaultMaxPending
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.Retention <= 0 {
		l.Retention = DefaultRetention
	}
	if l.MinFree <= 0 {
		l.MinFree = DefaultMinFree
	}
	return &l
}

// DefaultLockWait is how long Open waits for another process to give the file up.
const DefaultLockWait = 5 * time.Second

// Journal is a journal.Journal in a file.
type Journal struct {
	path     string
	lockWait time.Duration
	limits   atomic.Pointer[Limits]
	now      func() time.Time

	ops    chan *op
	broken chan error    // damage that somebody has seen who reads
	quit   chan struct{} // closed by Close
	done   chan struct{} // closed when the writing goroutine has ended

	accounts *accounts  // of the file that is open; see there
	opening  sync.Mutex // one Open or Close at a time
	opened   atomic.Bool

	file  sync.RWMutex // held for reading by each reading transaction, and to swap db
	db    *opened      // nil while the file is closed
	fault error        // why, when that is not as it should be

	mu     sync.Mutex
	shut   bool
	live   map[string]*item
	queue  fairqueue.Queue[*item] // those that can be claimed
	order  uint64                 // of the last of live
	hours  map[uint32]int         // how many of live are of an hour
	wake   chan struct{}          // closed and replaced when there is something to claim
	seq    int64                  // of the last step
	rate   rate
	used   atomic.Int64 // bytes
	free   atomic.Int64 // bytes of the disk, -1 = not known
	writes atomic.Uint64
}

// New makes the journal of a file. It touches nothing before Open. lockWait 0 or less means
// DefaultLockWait.
func New(path string, limits Limits, lockWait time.Duration) *Journal {
	if lockWait <= 0 {
		lockWait = DefaultLockWait
	}
	j := &Journal{
		path:     filepath.Clean(path),
		lockWait: lockWait,
		now:      time.Now,
		ops:      make(chan *op, maxBatch),
		broken:   make(chan error, 1),
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
		live:     make(map[string]*item),
		hours:    make(map[uint32]int),
		wake:     make(chan struct{}),
	}
	j.Configure(limits)
	return j
}

// Configure changes the limits. What is held already is never lost to them, but for ended records.
func (j *Journal) Configure(l Limits) { j.limits.Store(l.withDefaults()) }

// Open opens the file, or makes it when there is none, and takes up what is pending.
// journal.ErrInUse says that another process has it, journal.ErrForeign that it is something else
// or damaged; it is left as it is then.
func (j *Journal) Open(context.Context) error {
	j.opening.Lock()
	defer j.opening.Unlock()
	switch {
	case j.closing():
		return journal.ErrClosed
	case j.opened.Load():
		return nil
	}
	if err := j.openFile(true); err != nil {
		return err
	}
	j.opened.Store(true)
	go j.write()
	return nil
}

// closing tells whether Close was called.
func (j *Journal) closing() bool {
	select {
	case <-j.quit:
		return true
	default:
		return false
	}
}

// Close ends claims, refuses what waits to be written, and lets the file go. It waits for the
// commit that is under way.
func (j *Journal) Close() error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.closing() {
		return nil
	}
	j.mu.Lock()
	j.shut = true
	for _, it := range j.live {
		it.stopTimer()
	}
	j.mu.Unlock()
	close(j.quit)
	if !j.opened.Load() {
		close(j.done)
		return nil
	}
	<-j.done
	return j.closeFile(nil)
}

// Durability is journal.Disk.
func (j *Journal) Durability() journal.Durability { return journal.Disk }

// Stats tells what is held. It looks at each entry that has not ended.
func (j *Journal) Stats(context.Context) (journal.Stats, error) {
	if err := j.usable(); err != nil {
		return journal.Stats{}, err
	}
	s := journal.Stats{
		Bytes: j.used.Load(), MaxBytes: j.limits.Load().MaxBytes, DiskFree: j.free.Load(), Writes: j.writes.Load(),
	}
	j.file.RLock()
	if j.fault != nil {
		s.Fault = j.fault.Error()
	}
	j.file.RUnlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	s.WriteRate = j.rate.perSecond(j.now())
	for _, it := range j.live {
		if it.holder != nil {
			s.Running++
			continue
		}
		s.Pending++
		if s.Oldest.IsZero() || it.accepted.Before(s.Oldest) {
			s.Oldest = it.accepted
		}
	}
	return s, nil
}

// usable is journal.ErrClosed before Open and after Close.
func (j *Journal) usable() error {
	if !j.opened.Load() || j.closing() {
		return journal.ErrClosed
	}
	return nil
}
