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
	// maxQueued is how many executions wait to be recorded, and maxQueuedBytes the bytes of the
	// values that they hold meanwhile. One workflow has at most its share of both, see
	// journal.Share.
	maxQueued      = 1024
	maxQueuedBytes = 64 << 20
	// maxBatch is how many executions are recorded by one call to the journal, and maxBatchBytes
	// about how many bytes. The work for all of them is not much more than that for one may be.
	maxBatch      = 128
	maxBatchBytes = 4 << 20
	// queuePatience is how long an execution that did not succeed waits for its place in the queue.
	queuePatience = time.Second
	// minFlush is the least time that the recorder has at the end for what waits.
	minFlush = 250 * time.Millisecond
	// putTimeout bounds one call to the journal.
	putTimeout = 10 * time.Second
)

// Recorder records executions that were not in the journal while they ran, after their senders have
// got a response. Workflows take turns. It counts the executions that it cannot record. It is safe
// for concurrent use.
type Recorder struct {
	journal journal.Journal
	hurry   context.Context // ends when what still waits is given up
	giveUp  context.CancelFunc
	start   sync.Once // of the goroutine, with the first execution
	ended   chan struct{}
	missed  atomic.Uint64

	mu      sync.Mutex
	closed  bool
	queue   fairqueue.Queue[*entry]
	arrived chan struct{} // has something when there is something new in the queue, or it is closed
	// closed when something has left the queue, and made anew; nil = nothing waits for that
	left  chan struct{}
	order uint64
	all   load
	each  map[string]*load // by workflow, of those that have one

	rate   int // of successes, a second
	second int64
	used   int // of rate, in this second
}

// entry is an execution that is to be recorded.
type entry struct {
	run    *engine.Execution
	result *engine.Result
	size   int64
}

func (e *entry) workflow() string { return e.run.Program().Plan.ID }

// NewRecorder makes a recorder that records every success until Limit is called.
func NewRecorder(j journal.Journal) *Recorder {
	r := &Recorder{
		journal: j, ended: make(chan struct{}), arrived: make(chan struct{}, 1), each: make(map[string]*load), rate: -1,
	}
	r.hurry, r.giveUp = context.WithCancel(context.Background())
	return r
}

// Limit sets how many successes a second are recorded; the others are counted as missed. Less than
// 0 means all.
func (r *Recorder) Limit(rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
}

// Missed returns how many executions were not recorded.
func (r *Recorder) Missed() uint64 { return r.missed.Load() }

// wants reports whether another success is recorded now.
func (r *Recorder) wants(now time.Time) bool {
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

// Add takes over an execution that has ended. It returns when the execution has a place in the
// queue, or is not recorded.
func (r *Recorder) Add(run *engine.Execution, result *engine.Result) {
	if result.Status == engine.Succeeded && !r.wants(time.Now()) {
		r.missed.Add(1)
		return
	}
	e := &entry{run, result, min(run.Size(), journal.Share[int64](maxQueuedBytes))}
	if !r.enqueue(e) {
		r.missed.Add(1)
	}
}

// run records until Close is called and the queue is empty or given up.
func (r *Recorder) run() {
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
			b := batch{left: maxEffort}
			for e := first; e != nil; e, _ = r.next() {
				b.add(r.hurry, e)
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

// batch is what one call to the journal records.
type batch struct {
	from  []*entry
	rows  []journal.Ended
	bytes int // about
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
	// At the end a journal that does not return is waited for no longer than for what still waits.
	defer context.AfterFunc(r.hurry, func() { time.AfterFunc(minFlush, cancel) })()
	if err := r.journal.Put(ctx, b.rows...); err != nil {
		r.missed.Add(uint64(len(b.rows)))
		b.from[0].run.Engine().Logger().Warn("executions were not recorded",
			zap.Int("executions", len(b.rows)), zap.Error(err))
	}
}

// Close records what waits until ctx ends, and a moment longer. What comes later, and what is left,
// is missed.
func (r *Recorder) Close(ctx context.Context) {
	r.mu.Lock()
	r.closed = true
	if r.left != nil { // nothing gets a place any more
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
