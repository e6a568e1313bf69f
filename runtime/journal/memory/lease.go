package memory

import (
	"context"
	"slices"
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

// Begin counts no deaths: no entry outlives the process.
func (l *lease) Begin(context.Context) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	err := l.checkWanted()
	if err == nil && l.live.began.IsZero() {
		l.live.began = time.Now().UTC()
	}
	return err
}

// Extend does nothing to a lease that holds.
func (l *lease) Extend(context.Context) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	return l.checkWanted()
}

// checkHeld returns an error if the lease does not hold, and checkWanted also if its entry was
// cancelled. The caller holds the lock.
func (l *lease) checkHeld() error {
	switch {
	case l.journal.closed:
		return journal.ErrClosed
	case l.state != leaseHeld:
		return journal.ErrLeaseLost
	}
	return nil
}

func (l *lease) checkWanted() error {
	if err := l.checkHeld(); err != nil {
		return err
	}
	if l.live.cancelled {
		return journal.ErrCancelled
	}
	return nil
}

// Checkpoint stores a step for as long as the entry is live.
func (l *lease) Checkpoint(_ context.Context, s journal.Step) error {
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if err := l.checkHeld(); err != nil {
		return err
	}
	j, live := l.journal, l.live
	at := slices.IndexFunc(live.steps, func(old journal.Step) bool { return old.Node == s.Node })
	more := int64(stepBytes(s))
	if at >= 0 {
		more -= int64(stepBytes(live.steps[at]))
	}
	if err := j.usage.check(j.options, live.entry.Workflow, 0, more); err != nil {
		return err
	}
	j.usage.add(live.entry.Workflow, 0, more)
	live.bytes += more
	j.writes++
	if at >= 0 {
		live.steps[at] = s
	} else {
		live.steps = append(live.steps, s)
	}
	return l.checkWanted()
}

// Finish replaces the entry by its record.
func (l *lease) Finish(_ context.Context, r *journal.Record) error {
	full := *r
	l.live.entry.Complete(&full.Summary)
	record, err := l.live.ended(&full)
	if err != nil {
		return err
	}
	l.journal.mu.Lock()
	defer l.journal.mu.Unlock()
	if l.state == leaseFinished && !l.journal.closed {
		return nil
	}
	if err := l.checkHeld(); err != nil {
		return err
	}
	l.end(leaseFinished)
	l.journal.end(l.live, record)
	return nil
}

// Release returns the entry to its place in the queue, now or when after has passed.
func (l *lease) Release(_ context.Context, after time.Duration) error {
	j := l.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	if l.state == leaseReleased && !j.closed {
		return nil
	}
	if err := l.checkHeld(); err != nil {
		return err
	}
	l.end(leaseReleased)
	if after <= 0 {
		j.enqueue(l.live)
		return nil
	}
	live := l.live
	live.timer = time.AfterFunc(after, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if live.timer != nil && j.live[live.entry.ID] == live && !j.closed {
			live.timer = nil
			j.enqueue(live)
		}
	})
	return nil
}

// end ends the lease. The caller holds the lock.
func (l *lease) end(s leaseState) {
	l.state = s
	l.live.holder = nil
}
