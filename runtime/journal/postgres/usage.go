package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// usage is how much each workflow has of the limits. It is read from the database when the journal
// is opened, and then follows what this machine commits. While other machines live it is read again
// every few seconds: together they may exceed a limit by what they accept in that time.
type usage struct {
	byWorkflow map[string]*amount
	all        amount
}

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

// readUsage reads the usage. Only Open and the committer call it.
func (j *Journal) readUsage(ctx context.Context) error {
	u := &usage{byWorkflow: make(map[string]*amount)}
	rows, err := j.writes.Query(ctx, j.sql(`
		select workflow, count(*), sum(bytes)::bigint, 0::bigint from {s}.pending group by workflow
		union all
		select workflow, 0, count(*) * $1::bigint, coalesce(sum(length(response)), 0)::bigint from {s}.keys group by workflow`, 0), int64(keySpace))
	if err != nil {
		return err
	}
	var workflow string
	var d amount
	if _, err := pgx.ForEachRow(rows, []any{&workflow, &d.pending, &d.work, &d.responses}, func() error {
		u.add(workflow, d)
		return nil
	}); err != nil {
		return err
	}
	j.usage = u
	return nil
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
