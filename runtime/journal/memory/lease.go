package memory

import (
	"context"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
)

// lease is a journal.Lease. It holds while it is its item's holder; the journal's lock guards what changes.
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

// Extend does nothing to a lease that holds.
func (l *lease) Extend(context.Context) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	return l.check()
}

// check tells whether the lease holds. The caller holds the lock.
func (l *lease) check() error {
	if l.ended != notEnded {
		return journal.ErrLeaseLost
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
	for i := range l.item.steps {
		if l.item.steps[i].Node == s.Node {
			l.item.steps[i] = s
			return nil
		}
	}
	l.item.steps = append(l.item.steps, s)
	return nil
}

// Finish forgets the entry.
func (l *lease) Finish(context.Context, journal.Outcome) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if l.ended == finished {
		return nil
	}
	if err := l.check(); err != nil {
		return err
	}
	l.end(finished)
	delete(l.journal.items, l.entry.ID)
	return nil
}

// Release puts the entry first in the queue, now or when after has passed.
func (l *lease) Release(_ context.Context, after time.Duration) error {
	j := l.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if l.ended == released {
		return nil
	}
	if err := l.check(); err != nil {
		return err
	}
	l.end(released)
	switch {
	case after <= 0:
		j.requeue(l.item)
	case !j.shut: // else nobody can claim it any more
		it := l.item
		it.timer = time.AfterFunc(after, func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			it.timer = nil
			j.requeue(it)
		})
	}
	return nil
}

// end takes the item from the lease. The caller holds the lock.
func (l *lease) end(e ending) {
	l.ended = e
	l.item.holder = nil
}
