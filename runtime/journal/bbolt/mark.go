package bbolt

import (
	"context"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// markAfter is about how long an entry runs at most before it is marked as running in the file.
// Most have ended by then, and need no mark: a third of the writes of an execution with one node,
// and a commit for itself when little else is written.
const markAfter = 100 * time.Millisecond

// The callers of the following two methods hold the lock.

// markLater has the entry of a lease marked as running, if it still runs in a moment or when it
// stores its next step.
func (j *Journal) markLater(l *lease) {
	j.unmarked[l] = struct{}{}
	if !j.marking {
		j.marking = true
		time.AfterFunc(markAfter, j.markUnmarked)
	}
}

// takeUnmarked reports whether the entry of a lease still has to be marked. It is then up to the
// caller.
func (j *Journal) takeUnmarked(l *lease) bool {
	if _, ok := j.unmarked[l]; !ok {
		return false
	}
	delete(j.unmarked, l)
	l.marked = true
	return true
}

// markUnmarked marks the entries that run by now, however short. It runs on a goroutine of its own.
func (j *Journal) markUnmarked() {
	j.mu.Lock()
	j.marking = false
	ops := make([]*markOp, 0, len(j.unmarked))
	for l := range j.unmarked {
		l.marked = true
		ops = append(ops, &markOp{journal: j, live: l.live})
	}
	clear(j.unmarked)
	j.mu.Unlock()
	for _, o := range ops {
		// If this is lost, the worst is a death that is not counted.
		_, _ = j.enqueueWrite(context.Background(), o)
	}
}

// markAgain is called after a step was not stored, and with it that its entry runs. The step may
// yet be stored, if its caller has stopped waiting. So the lease counts as marked.
func (j *Journal) markAgain(l *lease) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if l.checkHeld() == nil {
		j.markLater(l)
	}
}

// markOp stores whether an entry runs at the moment: it may have been released since, or claimed
// and begun again. It also stores when the first run began.
type markOp struct {
	baseOp
	journal *Journal
	live    *liveEntry
	run     run // as stored
}

func (o *markOp) apply(t *transaction) error {
	id := []byte(o.live.id)
	if t.live.Get(id) == nil {
		return journal.ErrLeaseLost
	}
	o.journal.mu.Lock()
	running := o.live.holder != nil && o.live.holder.begun
	if running {
		o.live.holder.marked = true // it may be another lease than the one that this was made for
	}
	began := o.live.began
	o.journal.mu.Unlock()
	o.run = readRun(t.runs.Get(id))
	o.run.running, o.run.began = running, began
	if o.run == (run{}) {
		t.del(t.runs, id)
	} else {
		t.put(t.runs, id, o.run.bytes())
	}
	return nil
}

func (o *markOp) committed() { o.live.run = o.run }
