package record

import (
	"time"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/journal"
)

// load is the size of the executions that wait or are being recorded.
type load struct {
	executions int
	bytes      int64
}

// enqueue adds an execution to the queue and reports whether there was room. An execution that did
// not succeed may wait for room.
func (r *Recorder) enqueue(e *entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	var late <-chan time.Time
	for !r.closed {
		if r.fits(e) {
			r.add(e)
			return true
		}
		if e.result.Status == engine.Succeeded {
			return false
		}
		if late == nil {
			timer := time.NewTimer(queuePatience)
			defer timer.Stop()
			late = timer.C
		}
		if !r.waitForRoom(late) {
			return false
		}
	}
	return false
}

// waitForRoom waits until an execution has left the queue. It returns false if late came first. The
// caller holds the lock, which is released meanwhile.
func (r *Recorder) waitForRoom(late <-chan time.Time) bool {
	if r.left == nil {
		r.left = make(chan struct{})
	}
	left := r.left
	r.mu.Unlock()
	defer r.mu.Lock()
	select {
	case <-left:
		return true
	case <-late:
		return false
	}
}

// fits reports whether the queue has room for an execution. The caller holds the lock.
func (r *Recorder) fits(e *entry) bool {
	own := load{}
	if l := r.each[e.workflow()]; l != nil {
		own = *l
	}
	return r.all.executions < maxQueued && r.all.bytes+e.size <= maxQueuedBytes &&
		own.executions < journal.Share(maxQueued) && own.bytes+e.size <= journal.Share[int64](maxQueuedBytes)
}

// add adds an execution to the queue. The caller holds the lock.
func (r *Recorder) add(e *entry) {
	own := r.each[e.workflow()]
	if own == nil {
		own = new(load)
		r.each[e.workflow()] = own
	}
	for _, l := range []*load{&r.all, own} {
		l.executions++
		l.bytes += e.size
	}
	r.order++
	r.queue.Add(e.workflow(), r.order, e)
	r.start.Do(func() { go r.run() })
	r.wake()
}

// wake wakes run. The caller holds the lock.
func (r *Recorder) wake() {
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// next returns the next execution, or nil if there is none now. over means that no more will come.
func (r *Recorder) next() (e *entry, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, _ = r.queue.Next(nil)
	return e, e == nil && r.closed
}

// done releases the places of executions that were recorded or given up.
func (r *Recorder) done(all []*entry) {
	for _, e := range all {
		if e.then != nil {
			e.then()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range all {
		own := r.each[e.workflow()]
		for _, l := range []*load{&r.all, own} {
			l.executions--
			l.bytes -= e.size
		}
		if own.executions == 0 {
			delete(r.each, e.workflow())
		}
	}
	if r.left != nil {
		close(r.left)
		r.left = nil
	}
}
