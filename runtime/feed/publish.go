package feed

import (
	"encoding/json"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// The kinds of events.
const (
	KindExecution = "execution" // an execution was accepted, has started or has ended
	KindNode      = "node"      // a node of a running execution has started or ended
	KindMore      = "more"      // executions were left out
	KindWorkflow  = "workflow"  // a workflow was stored, deleted, or has another state
	KindSecret    = "secret"    // a workflow's secret was stored or deleted
	KindGlobal    = "global"    // a global was stored or deleted
)

// Node is a node in an event. Its values are those of a journal.NodeRecord; the state of one that
// has not ended is journal.Running.
type Node struct {
	ID        string        `json:"id"`
	Type      string        `json:"type,omitempty"`
	State     string        `json:"state"`
	Handle    string        `json:"handle,omitempty"`
	Attempts  int           `json:"attempts,omitempty"`
	StartedAt time.Time     `json:"startedAt,omitzero"`
	Duration  time.Duration `json:"durationNs,omitempty"`
	Code      string        `json:"code,omitempty"`
	Message   string        `json:"message,omitempty"`
}

// head begins each event.
type head struct {
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
}

func headOf(kind string) head { return head{kind, time.Now().UTC()} }

type executionEvent struct {
	head
	Execution *journal.Summary `json:"execution"`
}

type nodeEvent struct {
	head
	Execution string `json:"execution"` // its id
	Workflow  string `json:"workflow"`
	Node      *Node  `json:"node"`
}

type moreEvent struct {
	head
	Executions int64 `json:"executions"`
}

// encode encodes an event of this package. It returns nil if it cannot: a wrong clock can be beyond
// the years that JSON has.
func encode(event any) []byte {
	b, err := json.Marshal(event)
	if err != nil {
		return nil
	}
	return b
}

// Admit reports whether an execution that begins now is published in detail, with all its events.
// If too many begin in a second, it is counted in an event of KindMore instead.
func (f *Feed) Admit(id string, events int) bool {
	switch {
	case !f.Watched():
		return false
	case f.full.Load() && f.budget.waiting.Load() == 0:
		// This is all that most executions pay under load.
		if f.leftOut.Add(1); f.full.Load() {
			return false
		}
		f.mu.Lock() // the flush may have come before
		defer f.mu.Unlock()
		f.flushLater()
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	announced := f.budget.begin(id)
	if !f.budget.take(time.Now(), events) && !announced {
		f.leaveOut()
		return false
	}
	return true
}

// Expect is called before an execution is accepted. Unless it returns nil, its caller calls
// announce afterwards: with the execution, or with nil if it was not accepted. The execution is
// published as pending, unless it has begun already: it may as soon as it is accepted.
func (f *Feed) Expect(id string) (announce func(*journal.Summary)) {
	if !f.Watched() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.budget.expected[id] = struct{}{}
	f.budget.count()
	return func(s *journal.Summary) { f.announce(id, s) }
}

func (f *Feed) announce(id string, s *journal.Summary) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, waits := f.budget.expected[id]
	delete(f.budget.expected, id)
	f.budget.count()
	switch {
	case s == nil || !waits:
	case !f.budget.take(time.Now(), 1):
		f.leaveOut()
	default:
		f.budget.announce(id)
		f.publish(encode(executionEvent{headOf(KindExecution), s}))
	}
}

// Execution publishes the state of an execution that was admitted.
func (f *Feed) Execution(s *journal.Summary) {
	if f.Watched() {
		f.publishNow(encode(executionEvent{headOf(KindExecution), s}))
	}
}

// Node publishes the state of a node of an execution that was admitted.
func (f *Feed) Node(execution, workflow string, n *Node) {
	if f.Watched() {
		f.publishNow(encode(nodeEvent{headOf(KindNode), execution, workflow, n}))
	}
}

func (f *Feed) publishNow(event []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(event)
}

// publish adds an event, unless watching has ended meanwhile or there is none. The lock is held.
func (f *Feed) publish(event []byte) {
	if event != nil && f.watched.Load() {
		f.add(event)
	}
}

// leaveOut counts an execution that is not published. The lock is held.
func (f *Feed) leaveOut() {
	f.leftOut.Add(1)
	f.flushLater()
	f.full.Store(f.flush != nil)
}

// flushLater schedules the next flush, unless there is one. The lock is held.
func (f *Feed) flushLater() {
	if f.flush != nil || !f.watched.Load() {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(flushEvery, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.flush == timer { // otherwise watching has ended
			f.flush = nil
			f.flushNow()
		}
	})
	f.flush = timer
}

// flushNow publishes what was summed up. The lock is held.
func (f *Feed) flushNow() {
	f.full.Store(false)
	if n := f.leftOut.Swap(0); n > 0 {
		f.publish(encode(moreEvent{headOf(KindMore), n}))
	}
	for _, event := range f.changes.take() {
		f.publish(encode(event))
		f.flushLater() // another change of the same thing waits until then
	}
}
