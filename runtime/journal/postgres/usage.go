package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// usage is how much each workflow has of the limits. It is read from the database when the journal
// is opened, and then follows what this machine commits. While other machines live it is read again
// every few seconds: together they may exceed a limit by what they accept in that time.
type usage struct {
	byWorkflow map[string]*amount
	all        amount
	rows       int    // that were read for it
	since      *usage // what was added while it is read again; nil = it is not
}

func newUsage() *usage { return &usage{byWorkflow: make(map[string]*amount)} }

// amount is what a workflow has.
type amount struct {
	pending   int   // entries that have not ended
	work      int64 // bytes of them, of their steps, and of keys
	responses int64 // bytes of stored responses
}

// Bytes that things take beside their own.
const (
	entrySpace = 256
	keySpace   = 512
	stepSpace  = 64
	maxEntry   = 4 << 30 // no entry with its steps takes as much
)

func (a *amount) add(d amount) {
	a.pending += d.pending
	a.work += d.work
	a.responses += d.responses
}

func (a *amount) negative() amount { return amount{-a.pending, -a.work, -a.responses} }

func (u *usage) of(workflow string) amount {
	if has := u.byWorkflow[workflow]; has != nil {
		return *has
	}
	return amount{}
}

func (u *usage) add(workflow string, d amount) {
	if u.since != nil {
		u.since.add(workflow, d)
	}
	has := u.byWorkflow[workflow]
	if has == nil {
		has = new(amount)
		u.byWorkflow[workflow] = has
	}
	has.add(d)
	u.all.add(d)
	if *has == (amount{}) {
		delete(u.byWorkflow, workflow)
	}
}

func (l *Limits) responseBytes() int64 { return l.MaxBytes / 4 }
func (l *Limits) workBytes() int64     { return l.MaxBytes - l.responseBytes() }

// checkUsage returns why a workflow cannot have so much more.
func (j *Journal) checkUsage(workflow string, d amount) error {
	all, own := j.usage.all, j.usage.of(workflow)
	pending, work := j.limits.Load().MaxPending, j.limits.Load().workBytes()
	switch {
	case d.pending > 0 && all.pending+d.pending > pending:
		return fmt.Errorf("%w: %d executions have not ended, max_pending is %d", journal.ErrFull, all.pending, pending)
	case d.pending > 0 && own.pending+d.pending > journal.Share(pending):
		return fmt.Errorf("%w: %d executions of the workflow have not ended, its share of max_pending %d is %d",
			journal.ErrFull, own.pending, pending, journal.Share(pending))
	case d.work > 0 && all.work+d.work > work:
		return fmt.Errorf("%w: pending work and idempotency keys take %d bytes, %d more would be over %d, "+
			"which follows from max_bytes %d", journal.ErrFull, all.work, d.work, work, j.limits.Load().MaxBytes)
	case d.work > 0 && own.work+d.work > journal.Share(work):
		return fmt.Errorf("%w: pending work and idempotency keys of the workflow take %d bytes, %d more would be "+
			"over its share of %d, which follows from max_bytes %d",
			journal.ErrFull, own.work, d.work, journal.Share(work), j.limits.Load().MaxBytes)
	}
	return nil
}

// sane returns the bytes of an entry: what somebody has written by hand must not fill the journal.
func sane(column string) string {
	return fmt.Sprintf("case when %[1]s between 0 and %[2]d then %[1]s else %[3]d end", column, maxEntry, entrySpace)
}

// readUsage reads the usage. Only Open and the committer call it.
func (j *Journal) readUsage(ctx context.Context) error {
	u, err := j.countUsage(ctx)
	if err == nil {
		j.usage = u
	}
	return err
}

func (j *Journal) countUsage(ctx context.Context) (*usage, error) {
	u := newUsage()
	rows, err := j.pool.Query(ctx, j.sql(`
		select workflow, count(*), count(*), sum(`+sane("bytes")+`)::bigint, 0::bigint from {s}.pending group by workflow
		union all
		select workflow, count(*), 0, count(*) * $1::bigint, coalesce(sum(length(response)), 0)::bigint from {s}.keys group by workflow`, 0), int64(keySpace))
	if err != nil {
		return nil, err
	}
	var workflow string
	var n int
	var d amount
	_, err = pgx.ForEachRow(rows, []any{&workflow, &n, &d.pending, &d.work, &d.responses}, func() error {
		u.rows += n
		u.add(workflow, d)
		return nil
	})
	return u, err
}

// recounting is how the usage is read again.
type recounting struct {
	inline int           // up to so many rows, the committer waits for them: then it is exact
	result chan *counted // of a reading beside the committer; nil = there is none
	took   time.Duration // the last one of these
	at     time.Time     // when it ended
}

type counted struct {
	usage *usage // nil = it could not be read
	took  time.Duration
}

const (
	countInline = 10_000
	// countShare bounds the load of the readings beside the committer: of the time, one part of so
	// many.
	countShare = 20
)

// recountUsage reads the usage again if it has to be. The committer calls it. Millions of keys take
// a second: meanwhile the committer goes on, and then adds what it has done. What it does in the
// moment in which the reading begins may count twice, so there is another reading then.
func (j *Journal) recountUsage(ctx context.Context) {
	r := &j.recounting
	if r.result != nil {
		select {
		case c := <-r.result:
			r.result, r.took, r.at = nil, c.took, time.Now()
			since := j.usage.since
			j.usage.since = nil
			if c.usage != nil {
				j.usage = c.usage
				for workflow, d := range since.byWorkflow {
					j.usage.add(workflow, *d)
					j.recount.Store(true)
				}
			}
		default:
			return
		}
	}
	if time.Since(r.at) < countShare*r.took || !j.recount.Swap(false) {
		return
	}
	if j.usage.rows <= r.inline {
		// An old count is better than none.
		_ = j.bounded(ctx, j.readUsage)
		return
	}
	j.usage.since, r.result = newUsage(), make(chan *counted, 1)
	result := r.result
	j.spawn(func() {
		c, start := new(counted), time.Now()
		// A failure is repeated with the next reason to count.
		_ = j.bounded(ctx, func(ctx context.Context) error {
			u, err := j.countUsage(ctx)
			if err == nil {
				c.usage = u
			}
			return err
		})
		c.took = time.Since(start)
		result <- c
	})
}

// entryBytes returns the bytes of an entry that count.
func entryBytes(e *journal.Entry) int64 {
	n := entrySpace + len(e.Data) + len(e.Query) + len(e.Headers)
	for _, s := range e.Steps {
		n += stepBytes(s)
	}
	return int64(n)
}

func stepBytes(s journal.Step) int { return stepSpace + len(s.Node) + len(s.Output) + len(s.Handle) }
