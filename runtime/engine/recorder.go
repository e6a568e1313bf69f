package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// recordQueue is how many executions wait to be recorded, and recordMemory the bytes of the values that they hold
	// meanwhile.
	recordQueue  = 1024
	recordMemory = 64 << 20
	// recordBatch is how many are recorded by one call to the journal, and recordBytes about how much.
	recordBatch = 128
	recordBytes = 4 << 20
	// recordPatience is how long an execution that did not succeed waits for its place in the queue.
	recordPatience = time.Second
)

// recorder records executions that were not in the journal while they ran, after their senders were answered. What it
// cannot record it counts.
type recorder struct {
	journal journal.Journal
	queue   chan recorded
	memory  *semaphore.Weighted // what waits in the queue, in bytes
	start   sync.Once           // of the goroutine, with the first execution
	ended   chan struct{}
	missed  atomic.Uint64

	open   sync.RWMutex // held for reading while something is put into the queue
	closed bool

	mu     sync.Mutex
	rate   int // of successes, a second
	second int64
	used   int // of rate, in this second
}

type recorded struct {
	run    *execution
	result *Result
	size   int64
}

// newRecorder makes a recorder that records every success until limit is called.
func newRecorder(j journal.Journal) *recorder {
	return &recorder{
		journal: j, queue: make(chan recorded, recordQueue), memory: semaphore.NewWeighted(recordMemory),
		ended: make(chan struct{}), rate: -1,
	}
}

// limit sets how many successes a second are recorded; the rest are counted as missed. Less than 0 means all.
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
	r.open.RLock()
	defer r.open.RUnlock()
	if r.closed || result.Status == Succeeded && !r.wants(time.Now()) {
		r.missed.Add(1)
		return
	}
	r.start.Do(func() { go r.run() })
	x := recorded{run, result, min(run.memory.used.Load()+run.notes.size(), recordMemory)}
	if !r.enqueue(x) {
		r.missed.Add(1)
	}
}

// enqueue puts an execution into the queue. One that did not succeed may wait for its place.
func (r *recorder) enqueue(x recorded) bool {
	if r.memory.TryAcquire(x.size) {
		select {
		case r.queue <- x:
			return true
		default:
			r.memory.Release(x.size)
		}
	}
	if x.result.Status == Succeeded {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordPatience)
	defer cancel()
	if r.memory.Acquire(ctx, x.size) != nil {
		return false
	}
	select {
	case r.queue <- x:
		return true
	case <-ctx.Done():
		r.memory.Release(x.size)
		return false
	}
}

// run records until close is called and the queue is empty.
func (r *recorder) run() {
	defer close(r.ended)
	for first := range r.queue {
		var b batch
		b.add(first)
		for len(b.rows) < recordBatch && b.bytes < recordBytes && len(r.queue) > 0 {
			b.add(<-r.queue)
		}
		r.put(&b)
		r.memory.Release(b.held)
	}
}

// batch is what one call to the journal records.
type batch struct {
	rows  []journal.Ended
	bytes int // about
	held  int64
	log   *zap.Logger
}

func (b *batch) add(x recorded) {
	source := newEntry(x.run.program.Plan, x.run.id, x.run.event, nil)
	source.AcceptedAt = x.result.Started.UTC()
	record := x.run.record(x.result)
	b.rows = append(b.rows, journal.Ended{Record: record, Source: source})
	b.bytes += len(source.Data) + len(source.Headers)
	for i := range record.Nodes {
		b.bytes += len(record.Nodes[i].Input.Text) + len(record.Nodes[i].Fixed.Text) + len(record.Nodes[i].Output.Text)
	}
	b.held += x.size
	b.log = x.run.engine.config.Logger
}

func (r *recorder) put(b *batch) {
	ctx, cancel := context.WithTimeout(context.Background(), journalWait)
	defer cancel()
	if err := r.journal.Put(ctx, b.rows...); err != nil {
		r.missed.Add(uint64(len(b.rows)))
		b.log.Warn("executions were not recorded", zap.Int("executions", len(b.rows)), zap.Error(err))
	}
}

// close records what waits. What comes later is missed.
func (r *recorder) close() {
	r.open.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.open.Unlock()
	r.start.Do(func() { close(r.ended) })
	<-r.ended
}
