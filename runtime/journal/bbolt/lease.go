package bbolt

import (
	"context"
	"fmt"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// lease is a journal.Lease. It holds while it is its item's holder; the journal's lock guards what
// changes.
type lease struct {
	journal *Journal
	item    *item
	entry   *journal.Entry
	ended   ending
	// that it runs was handed to the writing goroutine, or was on disk from the beginning
	posted bool
}

// ending is what ended a lease.
type ending uint8

const (
	notEnded ending = iota
	finished
	released
)

// Entry is the entry as it was when it was claimed.
func (l *lease) Entry() *journal.Entry { return l.entry }

// TTL is 0: nobody else could take the entry over.
func (l *lease) TTL() time.Duration { return 0 }

// check tells whether the lease holds, and the entry is wanted still. The caller holds the lock.
func (l *lease) check() error {
	switch {
	case l.journal.shut:
		return journal.ErrClosed
	case l.ended != notEnded || l.item.holder != l:
		return journal.ErrLeaseLost
	}
	return nil
}

func (l *lease) wanted() error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if err := l.check(); err != nil {
		return err
	}
	if l.item.run.cancelled {
		return journal.ErrCancelled
	}
	return nil
}

// Begin marks the entry as running. It waits for that to be on disk when the entry was there before
// this process: if it is what has ended the process before, it is counted.
func (l *lease) Begin(ctx context.Context) error {
	j := l.journal
	j.mu.Lock()
	err := l.check()
	if err == nil && l.item.run.cancelled {
		err = journal.ErrCancelled
	}
	wait, begun := l.item.recovered, l.posted
	l.posted = true
	j.mu.Unlock()
	if err != nil || begun {
		return err
	}
	o := l.mark(func(r *run) { r.running = true })
	if !wait {
		return j.post(ctx, o)
	}
	return j.do(ctx, o)
}

// mark changes what is kept of the entry's runs.
func (l *lease) mark(change func(*run)) *op {
	it := l.item
	var r run
	return &op{
		apply: func(t *transaction) error {
			id := []byte(it.id)
			if t.live.Get(id) == nil {
				return journal.ErrLeaseLost
			}
			r = readRun(t.runs.Get(id))
			change(&r)
			if r == (run{}) {
				t.del(t.runs, id)
			} else {
				t.put(t.runs, id, r.bytes())
			}
			return nil
		},
		kept: func() { it.run = r },
	}
}

// Extend does nothing to a lease that holds.
func (l *lease) Extend(context.Context) error { return l.wanted() }

// Checkpoint keeps a step on disk.
func (l *lease) Checkpoint(ctx context.Context, s journal.Step) error {
	j := l.journal
	j.mu.Lock()
	err := l.check()
	j.mu.Unlock()
	if err != nil {
		return err
	}
	err = j.do(ctx, &op{
		size: len(s.Output) + 128,
		apply: func(t *transaction) error {
			if t.live.Get([]byte(l.item.id)) == nil {
				return journal.ErrLeaseLost
			}
			if err := j.mayGoOn(t, l.item.workflow, stepSpace(len(s.Output)+len(s.Handle)+maxStepHead)); err != nil {
				return err
			}
			t.putStep(l.item.id, l.item.workflow, s, j.nextSeq())
			return nil
		},
	})
	if err != nil {
		return err
	}
	return l.wanted()
}

// Finish replaces the entry by its record.
func (l *lease) Finish(ctx context.Context, r *journal.Record) error {
	j := l.journal
	j.mu.Lock()
	err := l.check()
	done := l.ended == finished
	j.mu.Unlock()
	if done {
		return nil
	}
	if err != nil {
		return err
	}
	full := *r
	complete(&full.Summary, l.entry)
	value, err := encodeRecord(&full)
	if err != nil {
		return err
	}
	return j.do(ctx, &op{
		size: len(value),
		apply: func(t *transaction) error {
			if t.live.Get([]byte(l.item.id)) == nil {
				return journal.ErrLeaseLost
			}
			t.finish(l.item.id, l.item.workflow, l.item.hour, value)
			return nil
		},
		kept: func() {
			l.ended = finished
			j.drop(l.item)
		},
	})
}

// complete fills in what a record leaves to its entry.
func complete(s *journal.Summary, e *journal.Entry) {
	s.ID, s.Workflow, s.Revision, s.AcceptedAt, s.ReplayOf = e.ID, e.Workflow, e.Revision, e.AcceptedAt, e.ReplayOf
	if s.EndedAt.IsZero() {
		s.EndedAt = time.Now().UTC()
	}
}

// mayGoOn says why there is no room for another step of a workflow.
func (j *Journal) mayGoOn(t *transaction, workflow string, more int64) error {
	q := quotaOf(j.limits.Load())
	if used := j.used.Load(); used+more > q.hard {
		return fmt.Errorf("%w: it has %d bytes, and steps may fill %d of max_bytes %d", journal.ErrFull, used, q.hard, q.limits.MaxBytes)
	}
	return q.mayGoOn(t.accounts.of(workflow), more)
}

// finish puts a record in an entry's place.
func (t *transaction) finish(id, workflow string, hour uint32, record []byte) {
	t.forget(id, workflow, hour)
	if p := t.part(hour); p != nil {
		p.rec.put(t, []byte(id), record)
	}
}

// forget drops what is kept of an entry because it has not ended.
func (t *transaction) forget(id, workflow string, hour uint32) {
	if t.live.Get([]byte(id)) == nil {
		return
	}
	p := t.part(hour)
	if p == nil {
		return
	}
	of, source, err := p.sourceOf(hour, id, workflow)
	if err != nil {
		t.fail(err)
		return
	}
	t.accounts.dropEntry(of, source)
	t.del(t.live, []byte(id))
	t.del(t.runs, []byte(id))
	c := t.steps.short.Cursor()
	var steps [][]byte
	for k, v := c.Seek([]byte(id)); len(k) > len(id) && string(k[:len(id)]) == id; k, v = c.Next() {
		steps = append(steps, append([]byte(nil), k...))
		t.accounts.change(workflow, account{work: -stepSpace(lengthOf(v))})
	}
	for _, k := range steps {
		t.steps.del(t, k)
	}
}

// Release gives the entry back at once, also when the file cannot be written: its steps are there,
// and all that is left to write is that it does not run.
func (l *lease) Release(ctx context.Context, after time.Duration) error {
	j := l.journal
	j.mu.Lock()
	if l.ended == released {
		j.mu.Unlock()
		return nil
	}
	if err := l.check(); err != nil {
		j.mu.Unlock()
		return err
	}
	begun := l.posted
	l.giveBack(max(after, 0))
	j.mu.Unlock()
	if !begun {
		return nil
	}
	// If this is not kept, the worst is a death that is counted once too often.
	_ = j.do(ctx, l.mark(func(r *run) { r.running = l.runsAgain() }))
	return nil
}

// runsAgain tells whether somebody else has begun to work on the entry.
func (l *lease) runsAgain() bool {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	return l.item.holder != nil && l.item.holder.posted
}

// giveBack ends the lease and lets the entry be claimed, now or later. The caller holds the lock.
func (l *lease) giveBack(after time.Duration) {
	j, it := l.journal, l.item
	l.ended = released
	it.holder = nil
	switch {
	case after <= 0:
		j.push(it)
	case !j.shut:
		it.timer = time.AfterFunc(after, func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			it.timer = nil
			j.push(it)
		})
	}
}
