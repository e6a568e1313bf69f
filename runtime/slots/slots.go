package slots

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// Slots hands out the slots of a server. A workflow can use its share of them, see journal.Share,
// or fewer if it has a limit of its own.
//
// Waiters queue per workflow first and then, once the workflow has room, in a server-wide queue.
// There workflows take turns, and the oldest waiter of each comes first. So neither an execution
// that waits for its own workflow's limit nor a crowd of one workflow delays other workflows.
// Waiters need no goroutine: Release hands the slot on.
type Slots struct {
	mu      sync.Mutex
	size    int
	share   int // limit of one workflow
	taken   int
	waiting int // waiters
	// waiters at stageServer; empty while a slot is free
	serverQueue fairqueue.Queue[*waiter]
	order       uint64               // of the latest waiter added to serverQueue
	workflows   map[string]*workflow // only those with slots taken or waiters
	spare       []*workflow          // for reuse, at most maxSpare
}

// maxWaiters limits the waiters of all workflows. One workflow has at most its share of them.
const maxWaiters = 4096

// maxSpare is the number of workflow states kept for reuse: most workflows run for a moment and
// come again.
const maxSpare = 64

// workflow is the state of one workflow's slots. Waiters at stageServer have taken theirs already.
type workflow struct {
	id      string
	limit   int
	own     bool // the limit is the workflow's own, not its share of the server's slots
	taken   int
	waiting int
	queue   list.List     // of *waiter, at stageWorkflow
	room    chan struct{} // closed when there is room for another execution; nil = not asked for
}

// waiter waits for a slot.
type waiter struct {
	workflow *workflow
	stage    stage
	patient  bool
	at       *list.Element               // in the workflow's queue, at stageWorkflow
	place    *fairqueue.Element[*waiter] // in serverQueue, at stageServer
	granted  chan struct{}               // closed at stageGranted
}

// stage is the stage of a waiter: the kind of slot that it waits for.
type stage uint8

const (
	stageWorkflow stage = iota // a slot of the workflow
	stageServer                // a slot of the server
	stageGranted               // none: it has both
)

// New returns slots for size executions.
func New(size int) *Slots {
	return &Slots{size: size, share: journal.Share(size), workflows: make(map[string]*workflow)}
}

// Acquire takes a slot for the workflow called id. At most limit executions of it may run at the
// same time (0 = no limit). The latest limit counts, for earlier waiters too.
//
// Acquire waits up to wait. If patient, that applies to the workflow's queue only, and the wait for
// the server has no limit. Unless nil, entered is called as soon as the place in the queue is
// taken. The error is ctx's, or wraps ErrWorkflowBusy or ErrServerBusy. It is ErrServerBusy too if
// the workflow is at its share while all slots are taken. A patient caller gets ErrWorkflowBusy
// whenever its workflow holds it back.
func (p *Slots) Acquire(ctx context.Context, id string, limit int, wait time.Duration, patient bool, entered func()) error {
	w, err := p.join(id, limit, patient)
	if entered != nil {
		entered()
	}
	if w == nil {
		return err
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
			if patient && p.hasWorkflowSlot(w) {
				expired = nil
				continue
			}
			return p.abandon(w)
		case <-ctx.Done():
			if p.abandon(w) == nil {
				return nil
			}
			return ctx.Err()
		}
	}
}

// join takes a slot and returns nil, or returns a new waiter that is in its queue. The error says
// why there is no place for a waiter.
func (p *Slots) join(id string, limit int, patient bool) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.workflows[id]
	if f == nil {
		f = p.newState()
		f.id = id
		p.workflows[id] = f
	}
	f.limit, f.own = p.share, false
	if 0 < limit && limit <= p.share {
		f.limit, f.own = limit, true
	}
	if f.queue.Len() == 0 && f.hasRoom() && p.taken < p.size {
		f.taken++
		p.taken++
		return nil, nil
	}
	switch {
	case p.waiting >= maxWaiters:
		defer p.forget(f)
		return nil, &busyError{ErrServerBusy, "as many as may wait for limits.executions", maxWaiters}
	case f.waiting >= journal.Share(maxWaiters):
		return nil, p.busy(f, patient)
	}
	w := &waiter{workflow: f, granted: make(chan struct{}), patient: patient}
	p.waiting++
	f.waiting++
	w.at = f.queue.PushBack(w)
	p.advance(f)
	return w, nil
}

// busy returns the error of a waiter that waits for its workflow. The caller holds the lock.
func (p *Slots) busy(f *workflow, patient bool) error {
	switch {
	case f.own:
		return &busyError{ErrWorkflowBusy, "its maxConcurrent", f.limit}
	case !patient && p.taken >= p.size:
		return p.serverBusy()
	default:
		return &busyError{ErrWorkflowBusy, "its share of limits.executions", f.limit}
	}
}

// serverBusy returns the error of a waiter that waits only for the server.
func (p *Slots) serverBusy() error { return &busyError{ErrServerBusy, "limits.executions", p.size} }

// newState returns an unused state. The caller holds the lock.
func (p *Slots) newState() *workflow {
	n := len(p.spare) - 1
	if n < 0 {
		return new(workflow)
	}
	f := p.spare[n]
	p.spare = p.spare[:n]
	return f
}

func (f *workflow) hasRoom() bool { return f.taken < f.limit }

// advance moves waiters on while there is room. The caller holds the lock.
func (p *Slots) advance(f *workflow) {
	for f.queue.Len() > 0 && f.hasRoom() {
		w := f.queue.Remove(f.queue.Front()).(*waiter)
		f.taken++
		w.stage = stageServer
		p.order++
		w.place = p.serverQueue.Add(f.id, p.order, w)
	}
	for p.taken < p.size {
		w, ok := p.serverQueue.Next(nil)
		if !ok {
			break
		}
		p.dequeued(w)
		p.taken++
		w.stage = stageGranted
		close(w.granted)
	}
	if f.room != nil && f.hasRoom() {
		close(f.room)
		f.room = nil
	}
}

// dequeued stops counting a waiter that has left its queues. The caller holds the lock.
func (p *Slots) dequeued(w *waiter) {
	p.waiting--
	w.workflow.waiting--
}

// Room returns a channel that is closed once the workflow called id has room for another execution.
// Others may have taken the room since.
func (p *Slots) Room(id string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.workflows[id]
	if f == nil || f.hasRoom() {
		room := make(chan struct{})
		close(room)
		return room
	}
	if f.room == nil {
		f.room = make(chan struct{})
	}
	return f.room
}

// hasWorkflowSlot reports whether w has left the queue of its workflow.
func (p *Slots) hasWorkflowSlot(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.stage != stageWorkflow
}

// abandon removes a waiter from its queue and returns its error. nil means that it was too late:
// the waiter has its slot.
func (p *Slots) abandon(w *waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := w.workflow
	switch w.stage {
	case stageWorkflow:
		f.queue.Remove(w.at)
		p.dequeued(w)
		defer p.forget(f)
		return p.busy(f, w.patient)
	case stageServer:
		p.serverQueue.Remove(w.place)
		p.dequeued(w)
		p.releaseWorkflow(f)
		return p.serverBusy()
	default:
		return nil
	}
}

// Release gives back a slot of the workflow called id.
func (p *Slots) Release(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.releaseWorkflow(p.workflows[id])
}

// releaseWorkflow gives back a workflow's slot. The caller holds the lock.
func (p *Slots) releaseWorkflow(f *workflow) {
	f.taken--
	p.advance(f)
	p.forget(f)
}

// forget drops the state of a workflow without slots and waiters. The caller holds the lock.
func (p *Slots) forget(f *workflow) {
	if f.taken > 0 || f.queue.Len() > 0 {
		return
	}
	delete(p.workflows, f.id)
	if len(p.spare) < maxSpare {
		p.spare = append(p.spare, f)
	}
}

// InUse returns the number of slots that are taken.
func (p *Slots) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}
