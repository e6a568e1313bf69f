package bbolt

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// lease is a journal.Lease. It holds while it is the holder of its entry; the journal's lock guards
// what changes.
type lease struct {
	journal *Journal
	live    *liveEntry
	entry   *journal.Entry
	state   leaseState
	begun   bool // it was told that the entry runs
	// marked means that the file may say that the entry runs: an operation that stores so was
	// queued or applied. Then Release has to take it back.
	marked bool
}

// leaseState is how a lease has ended, if it has.
type leaseState uint8

const (
	leaseHeld leaseState = iota
	leaseFinished
	leaseReleased
)

// Entry returns the entry as it was when it was claimed.
func (l *lease) Entry() *journal.Entry { return l.entry }

// TTL is 0: no other process can take the entry over.
func (l *lease) TTL() time.Duration { return 0 }

// checkHeld returns an error if the lease does not hold. The caller holds the lock.
func (l *lease) checkHeld() error {
	switch {
	case l.journal.closed:
		return journal.ErrClosed
	case l.state != leaseHeld || l.live.holder != l:
		return journal.ErrLeaseLost
	}
	return nil
}

// checkWanted returns an error if the lease does not hold or its entry was cancelled. The caller
// holds the lock.
func (l *lease) checkWanted() error {
	if err := l.checkHeld(); err != nil {
		return err
	}
	if l.live.run.cancelled {
		return journal.ErrCancelled
	}
	return nil
}

// Extend does nothing to a lease that holds.
func (l *lease) Extend(context.Context) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	return l.checkWanted()
}

// Begin marks the entry as running. If the entry was accepted by an earlier process, Begin waits
// until that is on disk: the entry may be what ended that process, and then each death has to be
// counted. Otherwise it is marked later, see markLater.
func (l *lease) Begin(ctx context.Context) error {
	j := l.journal
	j.mu.Lock()
	err := l.checkWanted()
	wait := err == nil && !l.begun && l.live.recovered
	if err == nil && l.live.began == 0 {
		l.live.began = j.now().UnixNano()
	}
	switch {
	case wait:
		l.begun, l.marked = true, true
	case err == nil && !l.begun:
		l.begun = true
		j.markLater(l)
	}
	j.mu.Unlock()
	if !wait {
		return err
	}
	return j.do(ctx, &markOp{journal: j, live: l.live})
}

// Checkpoint stores a step on disk.
func (l *lease) Checkpoint(ctx context.Context, s journal.Step) error {
	j := l.journal
	o := &checkpointOp{baseOp: baseOp{bytes: len(s.Output) + 128}, lease: l, step: s}
	j.mu.Lock()
	err := l.checkHeld()
	if err == nil && j.takeUnmarked(l) {
		o.mark = &markOp{journal: j, live: l.live}
	}
	j.mu.Unlock()
	if err != nil {
		return err
	}
	if err := j.do(ctx, o); err != nil {
		if o.mark != nil {
			j.markAgain(l)
		}
		return err
	}
	return l.Extend(ctx)
}

// checkpointOp adds or replaces a step.
type checkpointOp struct {
	baseOp
	lease *lease
	step  journal.Step
	mark  *markOp // is applied with it; nil = the entry was marked before
}

func (o *checkpointOp) apply(t *transaction) error {
	j, live := o.lease.journal, o.lease.live
	if t.live.Get([]byte(live.id)) == nil {
		return journal.ErrLeaseLost
	}
	if err := j.checkStep(t, live.workflow, stepSpace(len(o.step.Output)+len(o.step.Handle)+maxStepHead)); err != nil {
		return err
	}
	t.putStep(live.id, live.workflow, o.step, j.nextSeq())
	if o.mark != nil {
		return o.mark.apply(t)
	}
	return nil
}

func (o *checkpointOp) committed() {
	if o.mark != nil {
		o.mark.committed()
	}
}

// checkStep returns why there is no room for another step of a workflow.
func (j *Journal) checkStep(t *transaction, workflow string, more int64) error {
	q := quotaOf(j.limits.Load())
	if used := j.used.Load(); used+more > q.steps {
		return fmt.Errorf("%w: the file has %d bytes, and steps may fill %d of max_bytes %d", journal.ErrFull, used, q.steps, q.limits.MaxBytes)
	}
	return q.checkStep(t.usage.of(workflow), more)
}

// Finish replaces the entry by its record.
func (l *lease) Finish(ctx context.Context, r *journal.Record) error {
	j := l.journal
	j.mu.Lock()
	err := l.checkHeld()
	finished := l.state == leaseFinished
	j.mu.Unlock()
	if finished {
		return nil
	}
	if err != nil {
		return err
	}
	full := *r
	l.entry.Complete(&full.Summary)
	value, err := encodeRecord(&full)
	if err != nil {
		return err
	}
	return j.do(ctx, &finishOp{baseOp: baseOp{bytes: len(value)}, lease: l, record: value})
}

// finishOp replaces an entry by its record.
type finishOp struct {
	baseOp
	lease  *lease
	record []byte // see encodeRecord
}

func (o *finishOp) apply(t *transaction) error {
	live := o.lease.live
	if t.live.Get([]byte(live.id)) == nil {
		return journal.ErrLeaseLost
	}
	t.finish(live.id, live.workflow, live.hour, o.record)
	return nil
}

func (o *finishOp) committed() {
	o.lease.state = leaseFinished
	o.lease.journal.drop(o.lease.live)
}

// finish replaces an entry by its record.
func (t *transaction) finish(id, workflow string, hour uint32, record []byte) {
	t.endEntry(id, workflow, hour)
	if p := t.part(hour); p != nil {
		p.records.put(t, []byte(id), record)
	}
}

// endEntry deletes what is stored of an entry only until it has ended: its row, runs and steps.
func (t *transaction) endEntry(id, workflow string, hour uint32) {
	if t.live.Get([]byte(id)) == nil {
		return
	}
	p := t.part(hour)
	if p == nil {
		return
	}
	document, source, err := p.documentOf(hour, id, workflow)
	if err != nil {
		t.fail(err)
		return
	}
	t.usage.dropEntry(document, source)
	t.del(t.live, []byte(id))
	t.del(t.runs, []byte(id))
	c := t.steps.short.open().Cursor()
	var steps [][]byte
	for k, v := c.Seek([]byte(id)); len(k) > len(id) && string(k[:len(id)]) == id; k, v = c.Next() {
		steps = append(steps, append([]byte(nil), k...))
		t.usage.add(workflow, workflowUsage{work: -stepSpace(lengthOf(v))})
	}
	for _, k := range steps {
		t.steps.del(t, k)
	}
}

// Release returns the entry at once, even if the file cannot be written: its steps are stored, and
// only the fact that it does not run is left to write.
func (l *lease) Release(ctx context.Context, after time.Duration) error {
	j := l.journal
	j.mu.Lock()
	if l.state == leaseReleased {
		j.mu.Unlock()
		return nil
	}
	if err := l.checkHeld(); err != nil {
		j.mu.Unlock()
		return err
	}
	marked := l.marked
	l.release(after)
	j.mu.Unlock()
	if marked {
		// If this is lost, the worst is a death that is counted once too often.
		_ = j.do(ctx, &markOp{journal: j, live: l.live})
	}
	return nil
}

// release ends the lease, and lets the entry be claimed again now or later. The caller holds the
// lock.
func (l *lease) release(after time.Duration) {
	j, live := l.journal, l.live
	l.state = leaseReleased
	live.holder = nil
	delete(j.unmarked, l)
	switch {
	case after <= 0:
		j.enqueue(live)
	case !j.closed:
		live.timer = time.AfterFunc(after, func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			live.timer = nil
			j.enqueue(live)
		})
	}
}
