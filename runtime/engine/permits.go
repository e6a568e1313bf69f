package engine

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// permits hands out the slots of a server and, within them, of each workflow.
//
// Who has to wait stands in the line of his workflow first and, when that has room for him, in the one line of the server; so an
// execution that a workflow's own limit holds back keeps nobody else waiting, and who waits longest in a line is
// served first. There is no goroutine for a waiter: whoever gives a slot back hands it on.
//
// Waiters are not counted here. Each of them is a request whose body counts, or a worker; both are bounded elsewhere.
type permits struct {
	mu        sync.Mutex
	size      int
	taken     int
	line      list.List            // of *waiter, at stageServer
	workflows map[string]*workflow // those with slots taken or waiters
	spare     []*workflow          // to be used again, at most maxSpare
}

// maxSpare is how many states of workflows are kept for those that come next: most run for a moment and come again.
const maxSpare = 64

// workflow is the state of one workflow's slots. Waiters at stageServer have theirs already.
type workflow struct {
	limit int // 0 = none
	taken int
	line  list.List // of *waiter, at stageWorkflow
}

// waiter is somebody who waits for a slot.
type waiter struct {
	workflow *workflow
	stage    stage
	at       *list.Element
	granted  chan struct{} // closed at stageGranted
}

// stage is what a waiter waits for.
type stage uint8

const (
	stageWorkflow stage = iota // a slot of the workflow
	stageServer                // a slot of the server
	stageGranted               // nothing any more
)

func newPermits(size int) *permits {
	return &permits{size: size, workflows: make(map[string]*workflow)}
}

// acquire takes a slot for the workflow called id, of which at most limit may run at the same time (0 = no limit). The
// latest limit counts, also for those who wait already.
//
// It waits for the time given, or, when patient, for that time in the workflow's line and without limit in the
// server's. The error tells where it stood: ErrWorkflowBusy, ErrServerBusy; or it is ctx's.
func (p *permits) acquire(ctx context.Context, id string, limit int, wait time.Duration, patient bool) error {
	w := p.enter(id, limit)
	if w == nil {
		return nil
	}
	select {
	case <-w.granted:
		return nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for expired := timer.C; ; {
		select {
		case <-w.granted:
			return nil
		case <-expired:
			if patient && p.passed(w) {
				expired = nil
				continue
			}
			return p.leave(id, w)
		case <-ctx.Done():
			if p.leave(id, w) == nil {
				return nil
			}
			return ctx.Err()
		}
	}
}

// enter takes a slot and returns nil, or puts a new waiter where it belongs.
func (p *permits) enter(id string, limit int) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.workflows[id]
	if f == nil {
		f = p.fresh()
		p.workflows[id] = f
	}
	f.limit = limit
	if f.line.Len() == 0 && f.hasRoom() && p.line.Len() == 0 && p.taken < p.size {
		f.taken++
		p.taken++
		return nil
	}
	w := &waiter{workflow: f, granted: make(chan struct{})}
	w.at = f.line.PushBack(w)
	p.advance(f)
	return w
}

// fresh is a state that nobody uses. The caller holds the lock.
func (p *permits) fresh() *workflow {
	n := len(p.spare) - 1
	if n < 0 {
		return new(workflow)
	}
	f := p.spare[n]
	p.spare = p.spare[:n]
	return f
}

func (f *workflow) hasRoom() bool { return f.limit <= 0 || f.taken < f.limit }

// advance moves waiters on as far as there is room. The caller holds the lock.
func (p *permits) advance(f *workflow) {
	for f.line.Len() > 0 && f.hasRoom() {
		w := f.line.Remove(f.line.Front()).(*waiter)
		f.taken++
		w.stage = stageServer
		w.at = p.line.PushBack(w)
	}
	for p.line.Len() > 0 && p.taken < p.size {
		w := p.line.Remove(p.line.Front()).(*waiter)
		p.taken++
		w.stage = stageGranted
		close(w.granted)
	}
}

// passed tells whether w is through the line of its workflow.
func (p *permits) passed(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.stage != stageWorkflow
}

// leave takes a waiter who waits no longer out of its line. nil means that it was too late: it has its slot.
func (p *permits) leave(id string, w *waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch w.stage {
	case stageWorkflow:
		w.workflow.line.Remove(w.at)
		p.forget(id, w.workflow)
		return ErrWorkflowBusy
	case stageServer:
		p.line.Remove(w.at)
		p.giveBack(id, w.workflow)
		return ErrServerBusy
	default:
		return nil
	}
}

// release gives a slot of the workflow called id back.
func (p *permits) release(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.giveBack(id, p.workflows[id])
}

// giveBack gives back a workflow's slot. The caller holds the lock.
func (p *permits) giveBack(id string, f *workflow) {
	f.taken--
	p.advance(f)
	p.forget(id, f)
}

// forget drops the state of a workflow that nobody runs or waits for. The caller holds the lock.
func (p *permits) forget(id string, f *workflow) {
	if f.taken > 0 || f.line.Len() > 0 {
		return
	}
	delete(p.workflows, id)
	if len(p.spare) < maxSpare {
		p.spare = append(p.spare, f)
	}
}

// inUse is how many slots are taken.
func (p *permits) inUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}
