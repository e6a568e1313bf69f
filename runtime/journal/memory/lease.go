package memory

import (
	"context"
	"slices"
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

// Begin counts nothing: no entry outlives the process.
func (l *lease) Begin(ctx context.Context) error { return l.Extend(ctx) }

// Extend does nothing to a lease that holds.
func (l *lease) Extend(context.Context) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	return l.wanted()
}

// check tells whether the lease holds, and wanted whether its entry was cancelled too. The caller
// holds the lock.
func (l *lease) check() error {
	switch {
	case l.journal.shut:
		return journal.ErrClosed
	case l.ended != notEnded:
		return journal.ErrLeaseLost
	}
	return nil
}

func (l *lease) wanted() error {
	if err := l.check(); err != nil {
		return err
	}
	if l.item.cancelled {
		return journal.ErrCancelled
	}
	return nil
}

// Checkpoint remembers a step as long as the entry is here.
func (l *lease) Checkpoint(_ context.Context, s journal.Step) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if err := l.check(); err != nil {
		return err
	}
	j, it := l.journal, l.item
	at := slices.IndexFunc(it.steps, func(old journal.Step) bool { return old.Node == s.Node })
	more := int64(stepBytes(s))
	if at >= 0 {
		more -= int64(stepBytes(it.steps[at]))
	}
	if err := j.work.mayAdd(j.options, it.entry.Workflow, 0, more); err != nil {
		return err
	}
	j.work.change(it.entry.Workflow, 0, more)
	it.bytes += more
	j.writes++
	if at >= 0 {
		it.steps[at] = s
	} else {
		it.steps = append(it.steps, s)
	}
	return l.wanted()
}

// Finish replaces the entry by its record.
func (l *lease) Finish(_ context.Context, r *journal.Record) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if l.ended == finished && !l.journal.shut {
		return nil
	}
	if err := l.check(); err != nil {
		return err
	}
	full := *r
	s := l.item.summary()
	full.ID, full.Workflow, full.Revision, full.AcceptedAt, full.ReplayOf = s.ID, s.Workflow, s.Revision, s.AcceptedAt, s.ReplayOf
	if full.EndedAt.IsZero() {
		full.EndedAt = time.Now().UTC()
	}
	l.end(finished)
	l.journal.end(l.item, &full)
	return nil
}

// Release puts the entry back into its place in the queue, now or when after has passed.
func (l *lease) Release(_ context.Context, after time.Duration) error {
	j := l.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if l.ended == released && !j.shut {
		return nil
	}
	if err := l.check(); err != nil {
		return err
	}
	l.end(released)
	if after <= 0 {
		j.enqueue(l.item)
		return nil
	}
	it := l.item
	it.timer = time.AfterFunc(after, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if it.timer != nil && j.items[it.entry.ID] == it && !j.shut {
			it.timer = nil
			j.enqueue(it)
		}
	})
	return nil
}

// end takes the item from the lease. The caller holds the lock.
func (l *lease) end(e ending) {
	l.ended = e
	l.item.holder = nil
}
