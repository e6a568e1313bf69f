package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

// ledger is a journal in memory that reports the ends of its entries, and fails on demand.
type ledger struct {
	*memory.Journal
	durability journal.Durability

	mu       sync.Mutex
	told     []string
	released []time.Duration // the delays
	retired  int
	// ID and status of each finished entry
	finished chan string
	ttl      time.Duration // of leases
	deaths   int           // of claimed entries
	// called before checkpoint, finish, extend, adopt, claim
	fail func(call string, step journal.Step) error
}

func newLedger() *ledger {
	return &ledger{Journal: memory.New(memory.Options{AcceptLoss: true}), durability: journal.Memory, finished: make(chan string, 1000)}
}

func (j *ledger) Durability() journal.Durability { return j.durability }

func (j *ledger) tell(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.told = append(j.told, fmt.Sprintf(format, args...))
}

func (j *ledger) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.told)
}

// Retire implements journal.Retiring.
func (j *ledger) Retire() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retired++
}

func (j *ledger) refuses(call string, s journal.Step) error {
	if j.fail == nil {
		return nil
	}
	return j.fail(call, s)
}

func (j *ledger) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	if err := j.refuses("claim", journal.Step{}); err != nil {
		return nil, err
	}
	l, err := j.Journal.Claim(ctx, except...)
	if err != nil {
		return nil, err
	}
	l.Entry().Deaths = j.deaths
	return &ledgerLease{l, j}, nil
}

func (j *ledger) Adopt(ctx context.Context, e *journal.Entry) (journal.Lease, error) {
	if err := j.refuses("adopt", journal.Step{}); err != nil {
		return nil, err
	}
	l, err := j.Journal.Adopt(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Steps {
		j.tell("adopted %s=%s", s.Node, s.Output)
	}
	return &ledgerLease{l, j}, nil
}

type ledgerLease struct {
	journal.Lease
	ledger *ledger
}

func (l *ledgerLease) TTL() time.Duration { return l.ledger.ttl }

func (l *ledgerLease) Extend(ctx context.Context) error {
	return errors.Join(l.ledger.refuses("extend", journal.Step{}), l.Lease.Extend(ctx))
}

func (l *ledgerLease) Checkpoint(ctx context.Context, s journal.Step) error {
	if err := l.ledger.refuses("checkpoint", s); err != nil {
		return err
	}
	l.ledger.tell("step %s=%s%s", s.Node, s.Output, s.Handle)
	return l.Lease.Checkpoint(ctx, s)
}

func (l *ledgerLease) Finish(ctx context.Context, o *journal.Record) error {
	if err := l.ledger.refuses("finish", journal.Step{}); err != nil {
		return err
	}
	err := l.Lease.Finish(ctx, o)
	l.ledger.tell("finished %s %s", o.Status, o.Code)
	l.ledger.finished <- l.Entry().ID + " " + o.Status
	return err
}

func (l *ledgerLease) Release(ctx context.Context, after time.Duration) error {
	l.ledger.tell("released")
	l.ledger.mu.Lock()
	l.ledger.released = append(l.ledger.released, after)
	l.ledger.mu.Unlock()
	return l.Lease.Release(ctx, min(after, time.Millisecond)) // tests must not wait long
}
