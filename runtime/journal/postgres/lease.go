package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/flowtrux/edge/runtime/journal"
)

// lease is a journal.Lease. Its row of pending has the same incarnation and run as long as it
// holds.
type lease struct {
	journal     *Journal
	hour        uint32
	incarnation int64
	run         int
	entry       *journal.Entry
	machine     string // which has accepted the entry
	// ran has, by node, the machines that ran the steps of the entry.
	ran map[string]string

	mu       sync.Mutex
	state    leaseState
	begun    bool
	began    time.Time // of the first run
	extended time.Time // when it was known last that it holds

	// of the committer
	steps map[string]int // bytes of each step that is stored
	bytes int64
}

// leaseState is how a lease has ended, if it has.
type leaseState uint8

const (
	leaseHeld leaseState = iota
	leaseFinished
	leaseReleased
	leaseLapsed
)

func newLease(j *Journal, hour uint32, incarnation int64, run int, bytes int64, e *journal.Entry) *lease {
	l := &lease{
		journal: j, hour: hour, incarnation: incarnation, run: run, entry: e, bytes: bytes,
		steps: make(map[string]int, len(e.Steps)), began: e.Began, extended: time.Now(),
	}
	for _, s := range e.Steps {
		l.steps[s.Node] = stepBytes(s)
	}
	return l
}

// Entry returns the entry as it was when it was claimed.
func (l *lease) Entry() *journal.Entry { return l.entry }

// TTL is the lease of the machine.
func (l *lease) TTL() time.Duration { return l.journal.options.Lease }

// Begin writes only what has run before: the first step tells of the first run, or its release.
func (l *lease) Begin(ctx context.Context) error {
	l.mu.Lock()
	begun := l.begun || l.run == 1 && l.entry.Deaths == 0
	began := l.begin()
	l.mu.Unlock()
	if begun {
		return l.checkHeld(leaseHeld)
	}
	return l.write(ctx, func(b *pgx.Batch) *pgx.QueuedQuery {
		return b.Queue(l.sql("update {s}.pending_{h} set begun = true, began = coalesce(began, $4::bigint) where "+l.own()+" returning cancelled"),
			l.args(began)...)
	})
}

// begin notes that the entry runs, and returns when it first did. The caller holds the lock.
func (l *lease) begin() int64 {
	if l.begun = true; l.began.IsZero() {
		l.began = time.Now()
	}
	return nanos(l.began)
}

// Extend reads whether the entry was cancelled. The machine extends all of its leases. A lease of
// which nothing is known for most of its time is lost: nobody here works on it any more, and it is
// given back when the database answers, if nobody has taken it by then.
func (l *lease) Extend(ctx context.Context) error {
	if err := l.checkHeld(leaseHeld); err != nil {
		return err
	}
	now := time.Now()
	var cancelled bool
	err := l.journal.pool.QueryRow(ctx, l.sql("select cancelled from {s}.pending_{h} where "+l.own()), l.args()...).Scan(&cancelled)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || hasCode(err, codeNoTable):
		return journal.ErrLeaseLost
	case err != nil:
		if l.lapses() {
			return fmt.Errorf("%w: %w", journal.ErrLeaseLost, l.journal.describe(err))
		}
		return l.journal.unavailable(err)
	}
	l.mu.Lock()
	l.extended = now
	l.mu.Unlock()
	if cancelled {
		return journal.ErrCancelled
	}
	return nil
}

// lapses ends the lease if nothing is known of it for most of its time.
func (l *lease) lapses() bool {
	l.mu.Lock()
	lapsed := l.state == leaseHeld && time.Since(l.extended) >= l.TTL()*2/3
	if lapsed {
		l.state = leaseLapsed
	}
	l.mu.Unlock()
	if lapsed {
		l.journal.lose(l)
	}
	return lapsed
}

// own is the condition that the lease holds.
func (l *lease) own() string { return "id = $1 and holder = $2 and run = $3" }

func (l *lease) args(more ...any) []any {
	return append([]any{l.entry.ID, l.incarnation, l.run}, more...)
}

func (l *lease) sql(text string) string { return l.journal.sql(text, l.hour) }

// checkHeld returns an error if the lease has ended otherwise than a call does, which may be
// repeated.
func (l *lease) checkHeld(by leaseState) error {
	if err := l.journal.checkOpen(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != leaseHeld && l.state != by {
		return journal.ErrLeaseLost
	}
	return nil
}

// operation makes an operation of the lease.
func (l *lease) operation() *operation {
	return &operation{hour: l.hour, names: []string{l.entry.ID}, fenced: l.incarnation}
}

// write commits a statement that returns whether the entry was cancelled; without a row, the lease
// is lost.
func (l *lease) write(ctx context.Context, queue func(*pgx.Batch) *pgx.QueuedQuery) error {
	if err := l.checkHeld(leaseHeld); err != nil {
		return err
	}
	o := l.operation()
	o.queue = func(b *pgx.Batch) { queue(b).QueryRow(func(row pgx.Row) error { return cancelledOf(o, row) }) }
	return l.journal.do(ctx, o)
}

func cancelledOf(o *operation, row pgx.Row) error {
	var cancelled bool
	err := row.Scan(&cancelled)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		o.result = journal.ErrLeaseLost
		return nil
	case cancelled:
		o.result = journal.ErrCancelled
	}
	return err
}

// ended takes the end of the lease for this process.
func (l *lease) ended(err error, as leaseState) {
	if err != nil {
		return
	}
	l.mu.Lock()
	first := l.state == leaseHeld
	l.state = as
	l.mu.Unlock()
	if first && as == leaseFinished {
		l.journal.usage.add(l.entry.Workflow, amount{pending: -1, work: -l.bytes})
	}
}

// Release returns the entry to its place.
func (l *lease) Release(ctx context.Context, after time.Duration) error {
	if err := l.checkHeld(leaseReleased); err != nil {
		return err
	}
	l.mu.Lock()
	repeated, began := l.state == leaseReleased, nanos(l.began)
	l.mu.Unlock()
	if repeated {
		return nil
	}
	j, o := l.journal, l.operation()
	c := &candidate{id: l.entry.ID, hour: l.hour, workflow: l.entry.Workflow}
	o.queue = func(b *pgx.Batch) {
		b.Queue(l.sql(`update {s}.pending_{h} set holder = null, returned = true, begun = false,
			began = coalesce(began, nullif($5::bigint, 0)), due = case when $4::bigint > 0 then clock_timestamp() + $4 * interval '1 microsecond' end
			where id = $1 and (holder = $2 or holder is null) and run = $3 returning `+finite("placed")),
			l.args(max(after, 0).Microseconds(), began)...).QueryRow(func(row pgx.Row) error {
			err := row.Scan(&c.placed)
			if errors.Is(err, pgx.ErrNoRows) {
				o.result = journal.ErrLeaseLost
				return nil
			}
			return err
		})
	}
	o.committed = func(err error, _ bool) {
		l.ended(err, leaseReleased)
		if c.bytes = l.bytes; err == nil {
			j.enqueueAfter(c, after)
		}
	}
	err := j.do(ctx, o)
	if err != nil && !errors.Is(err, journal.ErrLeaseLost) && !errors.Is(err, journal.ErrClosed) {
		j.lose(l) // it is given back when the database answers
	}
	return err
}

// enqueueAfter makes an entry available to claims of this machine when its time has come. Others
// find it by themselves.
func (j *Journal) enqueueAfter(c *candidate, after time.Duration) {
	if after <= 0 {
		j.enqueue(c)
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closing() {
		return
	}
	var t *time.Timer
	// The database must find it due as well: its clock was read before this one.
	t = time.AfterFunc(after, func() {
		j.mu.Lock()
		delete(j.timers, t)
		j.mu.Unlock()
		j.enqueue(c)
	})
	j.timers[t] = true
}

// discard drops an entry that was adopted for a caller that did not wait, and leaves no record.
func (l *lease) discard() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	o := l.operation()
	o.queue = func(b *pgx.Batch) {
		b.Queue(l.sql(`with gone as (delete from {s}.pending_{h} where `+l.own()+` returning id),
			steps as (delete from {s}.steps_{h} where id in (select id from gone))
			delete from {s}.entries_{h} where id in (select id from gone)`), l.args()...).
			Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() == 0 {
					o.result = journal.ErrLeaseLost
				}
				return nil
			})
	}
	o.committed = func(err error, _ bool) { l.ended(err, leaseFinished) }
	// If it fails, the entry runs again when this machine ends.
	_ = l.journal.do(ctx, o)
}
