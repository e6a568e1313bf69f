// Package bbolt is a journal on the disk of this machine: one go.etcd.io/bbolt file, which belongs
// to one process at a time. Accepted executions survive the end of the process, a crash of the
// machine and the loss of power.
//
// Limits bound what the file may hold, and a share of them what one workflow may have of it; see
// usage and quota.
//
// One goroutine writes. It takes the queued operations, up to a bound, into one transaction, and
// answers all of them after one commit. Many writers share an fsync, and a single one does not wait
// for others. Reads are short transactions that run at the same time; no transaction is open while
// something waits. Claims are in memory: no other process can have any.
//
// A write that fails closes the file. All writes fail with journal.ErrUnavailable until it is open
// again, which is tried with growing pauses. After a failed fsync the state of the disk is unknown,
// so the file is read again. Damage that a reader finds has the same effect. The pages of a file
// are verified before bbolt opens it: bbolt trusts them, and a damaged one can end the process.
//
// # The file
//
//	meta           "format" → the kind and version of the file; "seal" → see Seal
//	live/<id>      the row of an entry that has not ended
//	runs/<id>      its deaths, whether it runs or was cancelled, and when its first run began
//	steps/<id><node>
//	keys/<hash>    an idempotency key: expiry, digest, execution, number of its stored response
//	expiry/<time><hash>   the same keys in the order they expire: the workflow
//	kept/<number>  a stored response: key, workflow, response; the oldest is the first
//	keptby/<workflow><number>   the same responses by workflow
//	held/<hash>    keys whose execution is not in the journal: the end of the process frees them
//	long/<number><piece>   values of 4 KiB and more, in pieces; a reference takes their place
//	counts/<key>   counters by the hour, see journal.Counting
//	moves/<name>   how far the import of a move has come
//	parts/<hour>/  by the hour in the execution's id, so that retention drops whole buckets:
//	  src/<id>     the event that an execution is run from, exactly
//	  doc/<sha256> workflow documents, each once an hour
//	  rec/<id>     the record
//	  long/<number><piece>
//
// An earlier version had no kept, keptby and long: responses were in their keys, keys did not name
// their workflow, and long values were whole. Its files are read as they are; their responses are
// added to kept when the file is opened. That version rejects the file afterwards. Versions without
// counts or moves ignore them. A sealed file has a format of its own, so that versions that know no
// seals reject it.
//
// # Compatibility
//
// The package is a stable API, and files are readable by later versions. The texts of errors and
// the names of buckets may change.
package bbolt

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/internal/counts"
)

// Limits can be changed while the journal is open. Values of 0 or less mean the defaults. (The
// limits of executions are those of package engine.)
type Limits struct {
	MaxPending int // entries that have not ended; default DefaultMaxPending
	// The size up to which the file is used. Records of ended executions are evicted, the oldest
	// first, to stay below it. Default: DefaultMaxBytes.
	MaxBytes int64
	// How long records of ended executions are stored after the acceptance. Default:
	// DefaultRetention.
	Retention time.Duration
	// Bytes of the disk that stay free: with less, nothing new is accepted. Default:
	// DefaultMinFree.
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

// DefaultLockWait is how long Open waits for another process to release the file.
const DefaultLockWait = 5 * time.Second

// Journal is a journal.Journal in a file.
type Journal struct {
	path     string
	lockWait time.Duration
	limits   atomic.Pointer[Limits]
	now      func() time.Time

	requests chan *request
	damage   chan error    // damage that a reader has found
	quit     chan struct{} // closed by Close
	done     chan struct{} // closed when the writing goroutine has ended

	counts     *counts.Table // written to the file every few seconds
	countSaver countSaver

	usage   *usage     // of the open file; see there
	opening sync.Mutex // held by Open and Close
	opened  atomic.Bool

	file  sync.RWMutex // held for reading by each reading transaction, and to swap db
	db    *database    // nil while the file is closed
	fault error        // why it is closed; nil if that is intended

	mu       sync.Mutex
	closed   bool
	live     map[string]*liveEntry
	kept     int                         // bytes of entries that wait in memory for their claim
	queue    fairqueue.Queue[*liveEntry] // those that can be claimed
	order    uint64                      // of the last one in live
	hours    map[uint32]int              // the number of live entries of each hour
	unmarked map[*lease]struct{}         // those whose entries run, which is not in the file yet
	marking  bool                        // markUnmarked is scheduled
	wake     chan struct{}               // closed and replaced when there is something to claim
	seq      int64                       // of the last step
	rate     writeRate
	used     atomic.Int64 // bytes
	diskFree atomic.Int64 // bytes of the disk, -1 = not known
	writes   atomic.Uint64
}

// New creates the journal of a file. It does no input or output. lockWait 0 or less means
// DefaultLockWait.
func New(path string, limits Limits, lockWait time.Duration) *Journal {
	if lockWait <= 0 {
		lockWait = DefaultLockWait
	}
	j := &Journal{
		path:     filepath.Clean(path),
		lockWait: lockWait,
		now:      time.Now,
		requests: make(chan *request, maxBatch),
		damage:   make(chan error, 1),
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
		live:     make(map[string]*liveEntry),
		hours:    make(map[uint32]int),
		unmarked: make(map[*lease]struct{}),
		wake:     make(chan struct{}),
	}
	j.counts = counts.New(func() time.Time { return j.now() }, true)
	j.Configure(limits)
	return j
}

// Configure changes the limits. Only records of ended executions and stored responses are evicted
// to meet them.
func (j *Journal) Configure(l Limits) { j.limits.Store(l.withDefaults()) }

// Open opens the file, or creates it, and makes pending entries available. It returns
// journal.ErrInUse if another process has the file, and journal.ErrForeign if the file is something
// else or damaged; it then stays as it is.
func (j *Journal) Open(context.Context) error {
	j.opening.Lock()
	defer j.opening.Unlock()
	switch {
	case j.closing():
		return journal.ErrClosed
	case j.opened.Load():
		return nil
	}
	if err := j.openFile(atStart); err != nil {
		return err
	}
	j.opened.Store(true)
	go j.write()
	return nil
}

// closing reports whether Close was called.
func (j *Journal) closing() bool {
	select {
	case <-j.quit:
		return true
	default:
		return false
	}
}

// Close ends claims, rejects queued writes and closes the file. It waits for a commit that is under
// way.
func (j *Journal) Close() error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.closing() {
		return nil
	}
	j.mu.Lock()
	j.closed = true
	for _, live := range j.live {
		live.stopTimer()
	}
	j.mu.Unlock()
	close(j.quit)
	if !j.opened.Load() {
		close(j.done)
		return nil
	}
	<-j.done
	// The file may be closed already, after a failed write.
	_ = j.saveLastCounts()
	return j.closeFile(nil)
}

// Durability is journal.Disk.
func (j *Journal) Durability() journal.Durability { return journal.Disk }

// Stats reads the statistics. It looks at each entry that has not ended.
func (j *Journal) Stats(context.Context) (journal.Stats, error) {
	if err := j.checkOpen(); err != nil {
		return journal.Stats{}, err
	}
	s := journal.Stats{
		Bytes: j.used.Load(), MaxBytes: j.limits.Load().MaxBytes, DiskFree: j.diskFree.Load(), Writes: j.writes.Load(),
	}
	j.file.RLock()
	if j.fault != nil {
		s.Fault = j.fault.Error()
	}
	j.file.RUnlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	s.WriteRate = j.rate.perSecond(j.now())
	for _, live := range j.live {
		if live.holder != nil {
			s.Running++
			continue
		}
		s.Pending++
		if s.Oldest.IsZero() || live.accepted.Before(s.Oldest) {
			s.Oldest = live.accepted
		}
	}
	return s, nil
}

// checkOpen returns journal.ErrClosed before Open and after Close.
func (j *Journal) checkOpen() error {
	if !j.opened.Load() || j.closing() {
		return journal.ErrClosed
	}
	return nil
}
