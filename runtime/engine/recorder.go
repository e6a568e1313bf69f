package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/journal"
)

const (
	// recordQueue is how many executions wait to be recorded. They hold their values in memory meanwhile.
	recordQueue = 1024
	// recordBatch is how many are recorded by one call to the journal.
	recordBatch = 128
	// recordPatience is how long an execution that did not succeed waits for its place in the queue.
	recordPatience = time.Second
)

// recorder records executions that were not in the journal while they ran, after their senders were answered. What it
// cannot record it counts.
type recorder struct {
	journal journal.Journal
	queue   chan recorded
	start   sync.Once // of the goroutine, with the first execution
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
}

// newRecorder makes a recorder that records every success until limit is called.
func newRecorder(j journal.Journal) *recorder {
	return &recorder{journal: j, queue: make(chan recorded, recordQueue), ended: make(chan struct{}), rate: -1}
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
	x := recorded{run, result}
	r.open.RLock()
	defer r.open.RUnlock()
	if r.closed || result.Status == Succeeded && !r.wants(time.Now()) {
		r.missed.Add(1)
		return
	}
	r.start.Do(func() { go r.run() })
	if result.Status == Succeeded {
		select {
		case r.queue <- x:
		default:
			r.missed.Add(1)
		}
		return
	}
	patience := time.NewTimer(recordPatience)
	defer patience.Stop()
	select {
	case r.queue <- x:
	case <-patience.C:
		r.missed.Add(1)
	}
}

// run records until close is called and the queue is empty.
func (r *recorder) run() {
	defer close(r.ended)
	for first := range r.queue {
		batch := []recorded{first}
		for len(batch) < recordBatch && len(r.queue) > 0 {
			batch = append(batch, <-r.queue)
		}
		r.put(batch)
	}
}

func (r *recorder) put(batch []recorded) {
	rows := make([]journal.Ended, 0, len(batch))
	for _, b := range batch {
		source := newEntry(b.run.program.Plan, b.run.id, b.run.event, nil)
		source.AcceptedAt = b.result.Started.UTC()
		rows = append(rows, journal.Ended{Record: b.run.record(b.result), Source: source})
	}
	ctx, cancel := context.WithTimeout(context.Background(), journalWait)
	defer cancel()
	if err := r.journal.Put(ctx, rows...); err != nil {
		r.missed.Add(uint64(len(rows)))
		batch[0].run.engine.config.Logger.Warn("executions were not recorded", zap.Int("executions", len(rows)), zap.Error(err))
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
