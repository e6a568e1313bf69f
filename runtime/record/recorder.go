package record

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// maxQueued limits the executions that wait to be recorded, and maxQueuedBytes the bytes of
	// their values. One workflow has at most its share of both, see journal.Share.
	maxQueued      = 1024
	maxQueuedBytes = 64 << 20
	// maxBatch limits the executions that one call to the journal records, and maxBatchBytes,
	// approximately, their bytes. The work for a batch is not much more than the limit for one
	// record.
	maxBatch      = 128
	maxBatchBytes = 4 << 20
	// pause is the least time between two batches, unless the later one is full. Executions gather
	// meanwhile: one call to a journal on disk is one commit, whatever is in it.
	pause = 100 * time.Millisecond
	// queuePatience is how long an execution that did not succeed waits for room in the queue.
	queuePatience = time.Second
	// minFlush is the least time that Close gives to waiting executions.
	minFlush = 250 * time.Millisecond
	// putTimeout bounds one call to the journal.
	putTimeout = 10 * time.Second
)

// Recorder records executions that were not in the journal while they ran, after their senders have
// received a response. Workflows take turns. It counts the executions that it cannot record. It is
// safe for concurrent use.
type Recorder struct {
	journal journal.Journal
	hurry   context.Context // ends when waiting executions are given up
	giveUp  context.CancelFunc
	start   sync.Once // starts the goroutine, with the first execution
	ended   chan struct{}
	missed  atomic.Uint64

	mu      sync.Mutex
	closed  bool
	queue   fairqueue.Queue[*entry]
	arrived chan struct{} // signals a new execution in the queue, or closed
	// closed when an execution has left the queue; nil = none waits for room
	left  chan struct{}
	order uint64
	all   load
	each  map[string]*load // by workflow; only workflows with executions in the queue

	rate int       // successes to record per second; less than 0 = all
	used time.Time // places of successes are used up to this time
}

// entry is an execution that waits to be recorded.
type entry struct {
	run    *engine.Execution
	result *engine.Result
	size   int64
	then   func() // see Add; nil = nothing
}

func (e *entry) workflow() string { return e.run.Program().Plan.ID }

// NewRecorder returns a recorder that records every success until Limit is called.
func NewRecorder(j journal.Journal) *Recorder {
	r := &Recorder{
		journal: j, ended: make(chan struct{}), arrived: make(chan struct{}, 1), each: make(map[string]*load), rate: -1,
	}
	r.hurry, r.giveUp = context.WithCancel(context.Background())
	return r
}

// Limit limits the successes recorded per second. The others count as missed. Less than 0 means no
// limit.
func (r *Recorder) Limit(rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
}

// Missed returns the number of executions that were not recorded.
func (r *Recorder) Missed() uint64 { return r.missed.Load() }

// wants reports whether another success may be recorded now.
func (r *Recorder) wants(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rate < 0 {
		return true
	}
	if r.rate == 0 {
		return false
	}
	// There is a place every so often, and those of a second may wait for a burst. Under steady
	// load the work of recording is spread: all of it at the start of each second would hold up
	// the requests of that moment.
	// The clock may have been set back.
	if ago := now.Sub(r.used); ago > time.Second || ago < -time.Second {
		r.used = now.Add(-time.Second)
	}
	next := r.used.Add(time.Second / time.Duration(r.rate))
	if next.After(now) {
		return false
	}
	r.used = next
	return true
}

// Add takes over an ended execution. It returns once the execution is in the queue, or will not be
// recorded. Unless then is nil, it is called when the record is stored, or when it is clear that it
// will not be.
func (r *Recorder) Add(run *engine.Execution, result *engine.Result, then func()) {
	if result.Status != engine.Succeeded || r.wants(result.Started.Add(result.Duration)) {
		run.CompleteEvent()
		if r.enqueue(&entry{run, result, min(run.Size(), journal.Share[int64](maxQueuedBytes)), then}) {
			return
		}
	}
	r.missed.Add(1)
	if then != nil {
		then()
	}
}

// run records executions until Close is called and the queue is empty or given up.
func (r *Recorder) run() {
	defer close(r.ended)
	var last time.Time // when the batch before was recorded
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
			b := r.gather(first, last.Add(pause))
			r.put(b)
			r.done(b.from)
			last = time.Now()
		}
	}
}

// gather makes a batch of first and of the executions that come before the given time, until it is
// full or no more will come. Each is worked on when it comes.
func (r *Recorder) gather(first *entry, until time.Time) *batch {
	b := &batch{left: maxEffort}
	late := time.NewTimer(time.Until(until))
	defer late.Stop()
	for e, over := first, false; !over; e, over = r.next() {
		if e == nil {
			select {
			case <-r.arrived:
				continue
			case <-late.C:
				return b
			}
		}
		if b.add(r.hurry, e); b.full() {
			return b
		}
	}
	return b
}

// drop gives up the waiting executions and first, which has left the queue already.
func (r *Recorder) drop(first *entry) {
	var all []*entry
	for e := first; e != nil; e, _ = r.next() {
		all = append(all, e)
	}
	r.missed.Add(uint64(len(all)))
	first.run.Engine().Logger().Warn("the process ends before all executions were recorded",
		zap.Int("executions", len(all)))
	r.done(all)
}

// batch holds the executions that one call to the journal records.
type batch struct {
	from  []*entry
	rows  []journal.Ended
	bytes int // approximate
	left  int // of the work
}

func (b *batch) full() bool {
	return len(b.rows) >= maxBatch || b.bytes >= maxBatchBytes || b.left < 0
}

func (b *batch) add(ctx context.Context, e *entry) {
	source := Source(e.run.Program().Plan, e.run.ID(), e.run.Event())
	source.AcceptedAt = e.result.Started.UTC()
	effort := newEffort(ctx)
	record := within(effort, e.run, e.result)
	b.from = append(b.from, e)
	b.rows = append(b.rows, journal.Ended{Record: record, Source: source})
	b.bytes += len(source.Data) + len(source.Headers)
	for i := range record.Nodes {
		b.bytes += len(record.Nodes[i].Input.Text) + len(record.Nodes[i].Fixed.Text) + len(record.Nodes[i].Output.Text)
	}
	b.left -= maxEffort - effort.left
}

func (r *Recorder) put(b *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	// After Close, a call that does not return gets no more time than the executions that still
	// wait.
	defer context.AfterFunc(r.hurry, func() { time.AfterFunc(minFlush, cancel) })()
	if err := r.journal.Put(ctx, b.rows...); err != nil {
		r.missed.Add(uint64(len(b.rows)))
		b.from[0].run.Engine().Logger().Warn("executions were not recorded",
			zap.Int("executions", len(b.rows)), zap.Error(err))
	}
}

// Close records the waiting executions until ctx ends, and for minFlush more. Executions that are
// left, or added later, count as missed.
func (r *Recorder) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	if r.left != nil { // the queue takes no more executions
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
	moment := time.NewTimer(minFlush)
	defer moment.Stop()
	select {
	case <-r.ended:
	case <-moment.C:
		r.giveUp()
		<-r.ended
	}
}
