package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// recordQueue is how many executions wait to be recorded, and recordMemory the bytes of the
	// values that they hold meanwhile. One workflow has at most its share of both, see
	// journal.Share.
	recordQueue  = 1024
	recordMemory = 64 << 20
	// recordBatch is how many are recorded by one call to the journal, and recordBytes about how
	// much. The work for all of them is not much more than that for one may be.
	recordBatch = 128
	recordBytes = 4 << 20
	// recordPatience is how long an execution that did not succeed waits for its place in the
	// queue.
	recordPatience = time.Second
	// lastRecords is the least time that the recorder has at the end for what waits.
	lastRecords = 250 * time.Millisecond
)

// recorder records executions that were not in the journal while they ran, after their senders were
// answered. Workflows take turns. What it cannot record it counts.
type recorder struct {
	journal journal.Journal
	hurry   context.Context // ends when what still waits is given up
	giveUp  context.CancelFunc
	start   sync.Once // of the goroutine, with the first execution
	ended   chan struct{}
	missed  atomic.Uint64

	mu      sync.Mutex
	closed  bool
	queue   fairqueue.Queue[*recorded]
	arrived chan struct{} // has something when there is something new in the queue, or it is closed
	// closed when something has left the queue, and made anew; nil = nobody waits for that
	left  chan struct{}
	order uint64
	all   burden
	each  map[string]*burden // by workflow, of those that have one

	rate   int // of successes, a second
	second int64
	used   int // of rate, in this second
}

type recorded struct {
	run    *execution
	result *Result
	size   int64
}

func (x *recorded) workflow() string { return x.run.program.Plan.ID }

// newRecorder makes a recorder that records every success until limit is called.
func newRecorder(j journal.Journal) *recorder {
	r := &recorder{
		journal: j, ended: make(chan struct{}), arrived: make(chan struct{}, 1), each: make(map[string]*burden), rate: -1,
	}
	r.hurry, r.giveUp = context.WithCancel(context.Background())
	return r
}

// limit sets how many successes a second are recorded; the rest are counted as missed. Less than 0
// means all.
func (r *recorder) limit(rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
}

// wants tells whether another success is recorded now.
func (r *recorder) wants(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rate < 0 {
		return true
	}
	if s := now.Unix(); s != r.second {
		r.second, r.used = s, 0
	}
	r.used++
	return r.used <= r.rate
}

// take takes an execution that has ended over.
func (r *recorder) take(run *execution, result *Result) {
	if result.Status == Succeeded && !r.wants(time.Now()) {
		r.missed.Add(1)
		return
	}
	x := &recorded{run, result, min(run.memory.used.Load()+run.trace.Size(), journal.Share[int64](recordMemory))}
	if !r.enqueue(x) {
		r.missed.Add(1)
	}
}

// run records until close is called and the queue is empty or given up.
func (r *recorder) run() {
	defer close(r.ended)
	for {
		first, over := r.next()
		switch {
		case over:
			return
		case first == nil:
			<-r.arrived
		case r.hurry.Err() != nil:
			r.drop(first)
			return
		default:
			b := batch{left: recordEffort}
			for x := first; x != nil; x, _ = r.next() {
				b.add(r.hurry, x)
				if b.full() {
					break
				}
			}
			r.put(&b)
			r.done(b.from)
		}
	}
}

// drop gives up what waits, of which first has left the queue already.
func (r *recorder) drop(first *recorded) {
	var all []*recorded
	for x := first; x != nil; x, _ = r.next() {
		all = append(all, x)
	}
	r.missed.Add(uint64(len(all)))
	first.run.engine.config.Logger.Warn("the process ends before all executions were recorded",
		zap.Int("executions", len(all)))
	r.done(all)
}

// batch is what one call to the journal records.
type batch struct {
	from  []*recorded
	rows  []journal.Ended
	bytes int // about
	left  int // of the work
}

func (b *batch) full() bool {
	return len(b.rows) >= recordBatch || b.bytes >= recordBytes || b.left < 0
}

func (b *batch) add(ctx context.Context, x *recorded) {
	source := newEntry(x.run.program.Plan, x.run.id, x.run.event, nil)
	source.AcceptedAt = x.result.Started.UTC()
	e := newEffort(ctx)
	record := x.run.record(e, x.result)
	b.from = append(b.from, x)
	b.rows = append(b.rows, journal.Ended{Record: record, Source: source})
	b.bytes += len(source.Data) + len(source.Headers)
	for i := range record.Nodes {
		b.bytes += len(record.Nodes[i].Input.Text) + len(record.Nodes[i].Fixed.Text) + len(record.Nodes[i].Output.Text)
	}
	b.left -= recordEffort - e.left
}

func (r *recorder) put(b *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), journalWait)
	defer cancel()
	// At the end a journal that does not answer is waited for no longer than for what still waits.
	defer context.AfterFunc(r.hurry, func() { time.AfterFunc(lastRecords, cancel) })()
	if err := r.journal.Put(ctx, b.rows...); err != nil {
		r.missed.Add(uint64(len(b.rows)))
		b.from[0].run.engine.config.Logger.Warn("executions were not recorded",
			zap.Int("executions", len(b.rows)), zap.Error(err))
	}
}

// close records what waits until ctx ends, and a moment longer. What comes later, and what is left,
// is missed.
func (r *recorder) close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	if r.left != nil { // nobody gets a place any more
		close(r.left)
		r.left = nil
	}
	r.wake()
	r.mu.Unlock()
	r.start.Do(func() { close(r.ended) })
	defer r.giveUp()
	select {
	case <-r.ended:
		return
	case <-ctx.Done():
	}
	moment := time.NewTimer(lastRecords)
	defer moment.Stop()
	select {
	case <-r.ended:
	case <-moment.C:
		r.giveUp()
		<-r.ended
	}
}
