package engine

import (
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// burden is what waits or is being recorded.
type burden struct {
	executions int
	bytes      int64
}

// enqueue puts an execution into the queue. One that did not succeed may wait for its place.
func (r *recorder) enqueue(x *recorded) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	var late <-chan time.Time
	for !r.closed {
		if r.fits(x) {
			r.add(x)
			return true
		}
		if x.result.Status == Succeeded {
			return false
		}
		if late == nil {
			timer := time.NewTimer(recordPatience)
			defer timer.Stop()
			late = timer.C
		}
		if r.left == nil {
			r.left = make(chan struct{})
		}
		left := r.left
		r.mu.Unlock()
		select {
		case <-left:
			r.mu.Lock()
		case <-late:
			r.mu.Lock()
			return false
		}
	}
	return false
}

// fits tells whether there is a place for an execution. The caller holds the lock.
func (r *recorder) fits(x *recorded) bool {
	own := burden{}
	if b := r.each[x.workflow()]; b != nil {
		own = *b
	}
	return r.all.executions < recordQueue && r.all.bytes+x.size <= recordMemory &&
		own.executions < journal.Share(recordQueue) && own.bytes+x.size <= journal.Share[int64](recordMemory)
}

// add puts an execution into the queue. The caller holds the lock.
func (r *recorder) add(x *recorded) {
	own := r.each[x.workflow()]
	if own == nil {
		own = new(burden)
		r.each[x.workflow()] = own
	}
	for _, b := range []*burden{&r.all, own} {
		b.executions++
		b.bytes += x.size
	}
	r.order++
	r.queue.Add(x.workflow(), r.order, x)
	r.start.Do(func() { go r.run() })
	r.wake()
}

// wake tells run that there is something new. The caller holds the lock.
func (r *recorder) wake() {
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// next is the next execution; nil = there is none for now. over is true when there will not be any.
func (r *recorder) next() (x *recorded, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, _ = r.queue.Next(nil)
	return x, x == nil && r.closed
}

// done lets go of executions.
func (r *recorder) done(all []*recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range all {
		own := r.each[x.workflow()]
		for _, b := range []*burden{&r.all, own} {
			b.executions--
			b.bytes -= x.size
		}
		if own.executions == 0 {
			delete(r.each, x.workflow())
		}
	}
	if r.left != nil {
		close(r.left)
		r.left = nil
	}
}
