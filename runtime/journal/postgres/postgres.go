package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// Journal is a journal.Journal in a schema of a database.
type Journal struct {
	given   Options
	options Options // checked and complete, after Open
	limits  atomic.Pointer[Limits]
	pool    *pgxpool.Pool
	writes  *pgxpool.Pool // of the committer, and of what it waits for

	opening sync.Mutex // held by Open and Close
	opened  atomic.Bool
	ready   atomic.Bool   // the database has answered since Open
	started chan struct{} // closed then
	quit    chan struct{} // closed by Close
	work    sync.WaitGroup
	stop    context.CancelFunc // ends the calls of the background

	incarnation atomic.Int64              // of this machine; it changes if others have ended it
	proved      atomic.Pointer[time.Time] // when its lease was extended last
	seq         atomic.Int64              // of the last entry, step or key
	hours       sync.Map                  // of uint32: hours with tables; true: and functions
	commits     atomic.Uint64
	takenOver   atomic.Uint64          // machines that this one has ended
	fault       atomic.Pointer[string] // why it cannot write
	counters    counters
	durable     atomic.Pointer[journal.Durability]
	clock       atomic.Pointer[clockReading] // nil = it was not read yet
	wall        func() time.Time             // what this machine's clock shows
	size        atomic.Int64                 // of all tables, as it was read last
	evicted     atomic.Pointer[eviction]     // nil = there was none
	bounding    sync.Mutex                   // guards trimmed
	trimmed     time.Time                    // when records were deleted one by one
	retained    atomic.Pointer[string]       // why more is kept than should be; nil = it is not
	fleet       atomic.Pointer[string]       // nil = it is not known
	foreign     atomic.Pointer[error]        // the schema belongs to another one

	reading    reading
	operations chan *operation
	look       chan struct{} // tells poll that there is something to find
	returning  chan struct{} // tells giveBackAll that there is something to give back
	recount    atomic.Bool   // the usage has to be read again

	reconfigured atomic.Bool            // this machine may be able to run something else
	config       atomic.Pointer[string] // what Describe was told, as JSON; nil = nothing
	undescribed  atomic.Bool            // the row of this machine does not have it yet

	// These belong to the committer.
	usage      *usage
	recounting recounting
	documents  documents
	pause      backoff.Exponential // after a failure

	mu         sync.Mutex
	candidates map[string]*candidate // entries that may be claimed, by id
	lacks      map[digest]time.Time  // documents that this machine cannot run, and since when
	queue      fairqueue.Queue[*candidate]
	timers     map[*time.Timer]bool // of delayed releases
	ahead      ahead
	wake       chan struct{}   // closed and replaced when there is something to claim
	taken      map[string]bool // while they are read; nil = they are not
}

// New creates a journal. It does no input or output: mistakes in the options are errors of Open.
func New(o Options) *Journal {
	j := &Journal{
		given:      o,
		wall:       time.Now,
		quit:       make(chan struct{}),
		started:    make(chan struct{}),
		operations: make(chan *operation, maxBatch),
		candidates: make(map[string]*candidate),
		lacks:      make(map[digest]time.Time),
		timers:     make(map[*time.Timer]bool),
		wake:       make(chan struct{}),
		ahead:      ahead{lost: make(map[string]*lostClaim)},
		look:       make(chan struct{}, 1),
		returning:  make(chan struct{}, 1),
		recounting: recounting{inline: countInline},
		pause:      newPause(),
	}
	j.counters = newCounters(j.Now)
	j.limits.Store(o.Limits.withDefaults())
	return j
}

// Configure changes the limits. It is called whenever this machine has another configuration.
func (j *Journal) Configure(l Limits) {
	j.limits.Store(l.withDefaults())
	j.reconfigured.Store(true)
}

// Stats reads the statistics of all machines together.
func (j *Journal) Stats(ctx context.Context) (journal.Stats, error) {
	if err := j.checkReady(); err != nil {
		return journal.Stats{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, soonTime)
	defer cancel()
	s := journal.Stats{MaxBytes: j.limits.Load().MaxBytes, Bytes: j.size.Load(), DiskFree: -1, Writes: j.commits.Load()}
	if f := j.fault.Load(); f != nil {
		s.Fault = *f
	}
	var oldest *int64
	err := j.pool.QueryRow(ctx, j.sql(`select count(*) filter (where holder is null), count(*) filter (where holder is not null),
		min(accepted) filter (where holder is null) from {s}.pending`, 0)).Scan(&s.Pending, &s.Running, &oldest)
	if err != nil {
		return journal.Stats{}, j.unavailable(err)
	}
	if oldest != nil {
		s.Oldest = timeOf(*oldest)
	}
	// What is claimed ahead waits.
	ids, first := j.idsAhead()
	s.Pending, s.Running = s.Pending+len(ids), max(s.Running-len(ids), 0)
	if len(ids) > 0 && (s.Oldest.IsZero() || first.Before(s.Oldest)) {
		s.Oldest = first
	}
	return s, nil
}

// spawn runs a goroutine that Close waits for. It does nothing after Close.
func (j *Journal) spawn(run func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closing() {
		j.work.Go(run)
	}
}

// checkOpen returns journal.ErrClosed before Open and after Close.
func (j *Journal) checkOpen() error {
	if !j.opened.Load() || j.closing() {
		return journal.ErrClosed
	}
	return nil
}

// checkReady is checkOpen, and returns journal.ErrUnavailable until the database has answered.
func (j *Journal) checkReady() error {
	if err := j.checkOpen(); err != nil {
		return err
	}
	if foreign := j.foreign.Load(); foreign != nil {
		return *foreign
	}
	if j.ready.Load() {
		return nil
	}
	return fmt.Errorf("%w: %s", journal.ErrUnavailable, j.faultText())
}

func (j *Journal) faultText() string {
	if f := j.fault.Load(); f != nil {
		return *f
	}
	return "the database has not answered yet"
}

// note keeps why the journal cannot write.
func (j *Journal) note(err error) {
	text := j.describe(err).Error()
	j.fault.Store(&text)
}

// nanos and timeOf convert times to columns and back; 0 is the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// finite returns a time as it can be read: somebody may have written infinity.
func finite(column string) string {
	return "case when isfinite(" + column + ") then " + column + " else to_timestamp(0) end"
}

func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
