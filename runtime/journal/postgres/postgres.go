package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// Journal is a journal.Journal in a schema of a database.
type Journal struct {
	given   Options
	options Options // checked and complete, after Open
	pool    *pgxpool.Pool

	opening sync.Mutex // held by Open and Close
	opened  atomic.Bool
	quit    chan struct{} // closed by Close
	work    sync.WaitGroup
	stop    context.CancelFunc // ends the calls of the background

	incarnation atomic.Int64              // of this machine; it changes if another machine has ended it
	proved      atomic.Pointer[time.Time] // when its lease was extended last
	seq         atomic.Int64              // of the last entry, step or key
	hours       sync.Map                  // of uint32: hours whose tables are there
	writes      atomic.Uint64
	fault       atomic.Pointer[string] // why it cannot write

	operations chan *operation
	look       chan struct{} // tells poll that there is something to find
	recount    atomic.Bool   // the usage has to be read again
	usage      *usage        // belongs to the committer, as documents
	documents  documents

	mu         sync.Mutex
	candidates map[string]*candidate // entries that may be claimed, by id
	queue      fairqueue.Queue[*candidate]
	timers     map[*time.Timer]bool // of delayed releases
	ahead      ahead
	wake       chan struct{}   // closed and replaced when there is something to claim
	cursors    map[int64]int64 // by incarnation: the last entry that was read
	taken      map[string]bool // by claims, while candidates are read; nil = they are not
}

// New creates a journal. It does no input or output: mistakes in the options are errors of Open.
func New(o Options) *Journal {
	return &Journal{
		given:      o,
		quit:       make(chan struct{}),
		operations: make(chan *operation, maxBatch),
		candidates: make(map[string]*candidate),
		timers:     make(map[*time.Timer]bool),
		wake:       make(chan struct{}),
		cursors:    make(map[int64]int64),
		ahead:      ahead{lost: make(map[string]*lostClaim)},
		look:       make(chan struct{}, 1),
	}
}

// Open connects, creates or migrates the schema, and announces this machine. It returns
// journal.ErrForeign for a schema of something else or of a newer version.
func (j *Journal) Open(ctx context.Context) (err error) {
	j.opening.Lock()
	defer j.opening.Unlock()
	switch {
	case j.closing():
		return journal.ErrClosed
	case j.opened.Load():
		return nil
	}
	if j.options, err = j.given.withDefaults(); err != nil {
		return err
	}
	if j.pool, err = newPool(j.options); err != nil {
		return err
	}
	if err := j.begin(ctx); err != nil {
		err = j.describe(err)
		j.pool.Close()
		return err
	}
	background, stop := context.WithCancel(context.Background())
	j.stop = stop
	j.opened.Store(true)
	j.work.Go(func() { j.commitAll(background) })
	j.work.Go(func() { j.maintain(background) })
	j.work.Go(func() { j.poll(background) })
	j.work.Go(func() { j.giveBackAll(background) })
	return nil
}

// begin does what Open needs the database for.
func (j *Journal) begin(ctx context.Context) error {
	if err := j.migrate(ctx); err != nil {
		return err
	}
	if err := j.ensureHour(ctx, hourAt(time.Now())); err != nil {
		return err
	}
	if err := j.announce(ctx); err != nil {
		return err
	}
	if err := j.readUsage(ctx); err != nil {
		return err
	}
	return j.readCandidates(ctx)
}

func (j *Journal) closing() bool {
	select {
	case <-j.quit:
		return true
	default:
		return false
	}
}

// closeTime is how long Close tries to hand back the claims.
const closeTime = 2 * time.Second

// Close ends claims and hands back what this machine holds. If the database is away, the machine's
// lease lapses instead.
func (j *Journal) Close() error {
	j.opening.Lock()
	defer j.opening.Unlock()
	if j.closing() {
		return nil
	}
	close(j.quit)
	if !j.opened.Load() {
		return nil
	}
	j.stop()
	j.work.Wait()
	j.mu.Lock()
	for t := range j.timers {
		t.Stop()
	}
	j.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	// What is not handed back is taken over when the lease has lapsed.
	_ = j.endMachine(ctx, j.incarnation.Load(), handedBack)
	j.pool.Close()
	return nil
}

// Durability is journal.Disk.
func (j *Journal) Durability() journal.Durability { return journal.Disk }

// Stats reads the statistics of all machines together.
func (j *Journal) Stats(ctx context.Context) (journal.Stats, error) {
	if err := j.checkOpen(); err != nil {
		return journal.Stats{}, err
	}
	s := journal.Stats{MaxBytes: j.options.MaxBytes, DiskFree: -1, Writes: j.writes.Load()}
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

// checkOpen returns journal.ErrClosed before Open and after Close.
func (j *Journal) checkOpen() error {
	if !j.opened.Load() || j.closing() {
		return journal.ErrClosed
	}
	return nil
}

// nanos and timeOf convert times to columns and back; 0 is the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
