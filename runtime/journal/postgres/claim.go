package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/backoff"
	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// candidate is an entry that nobody works on, as far as this machine knows.
type candidate struct {
	id, workflow string
	hour         uint32
	placed       time.Time // its place, by the clock of the database
	queued       *fairqueue.Element[*candidate]
}

// enqueue makes an entry available to claims of this machine.
func (j *Journal) enqueue(c *candidate) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.add(c) {
		j.wakeClaims()
	}
}

// add adds a candidate, unless it is there. The caller holds the lock.
func (j *Journal) add(c *candidate) bool {
	if j.candidates[c.id] != nil {
		return false
	}
	j.candidates[c.id] = c
	c.queued = j.queue.Add(c.workflow, uint64(c.placed.UnixMicro()), c)
	return true
}

func (j *Journal) wakeClaims() {
	close(j.wake)
	j.wake = make(chan struct{})
}

// Claim waits for an entry and claims it.
func (j *Journal) Claim(ctx context.Context, except ...string) (journal.Lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := j.checkOpen(); err != nil {
			return nil, err
		}
		j.mu.Lock()
		c, ok := j.queue.Next(except)
		wake := j.wake
		if ok {
			delete(j.candidates, c.id)
			if j.taken != nil {
				j.taken[c.id] = true
			}
		}
		j.mu.Unlock()
		if ok {
			l, err := j.tryClaim(ctx, c)
			if err != nil {
				j.enqueue(c)
				return nil, err
			}
			if l != nil {
				return l, nil
			}
			continue // somebody else has it
		}
		select {
		case <-wake:
		case <-j.quit:
			return nil, journal.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryClaim claims an entry; nil if it cannot be claimed. A claim whose reply is lost would be held
// by nobody who knows of it, so it is released before an error is returned.
func (j *Journal) tryClaim(ctx context.Context, c *candidate) (*lease, error) {
	me := j.incarnation.Load()
	l, err := j.claimOnce(ctx, c, me)
	switch {
	case err == nil:
		return l, nil
	case hasCode(err, codeDivision):
		return nil, j.unavailable(errFenced) // the committer makes a new incarnation
	case hasCode(err, codeNoTable):
		return nil, nil
	}
	j.work.Go(func() { j.releaseLost(c, me) })
	return nil, j.unavailable(err)
}

func (j *Journal) claimOnce(ctx context.Context, c *candidate, me int64) (l *lease, err error) {
	b := &pgx.Batch{}
	// Losing a claim with a crash of the server loses nothing.
	b.Queue("select set_config('synchronous_commit', 'off', true)")
	b.Queue(j.sql("select 1 / count(*) from (select 1 from {s}.machines where incarnation = $1 and ended is null for key share) m", 0), me)
	var run, deaths int
	var bytes int64
	var cancelled, claimed bool
	b.Queue(j.sql(`with free as (select id from {s}.pending_{h} where id = $1 and holder is null
			and (due is null or due <= clock_timestamp()) for update skip locked)
		update {s}.pending_{h} p set holder = $2::bigint, run = p.run + 1, returned = false, begun = false, due = null
		from free where p.id = free.id returning p.run, p.deaths, p.cancelled, p.bytes`, c.hour), c.id, me).
		QueryRow(func(row pgx.Row) error {
			err := row.Scan(&run, &deaths, &cancelled, &bytes)
			claimed = err == nil
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})
	var e *journal.Entry
	b.Queue(j.sql(selectEntry, c.hour), c.id).QueryRow(func(row pgx.Row) (err error) {
		if e, err = scanEntry(row, c.id); errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	var steps []journal.Step
	b.Queue(j.sql("select node, output, handle from {s}.steps_{h} where id = $1 order by seq", c.hour), c.id).
		Query(func(rows pgx.Rows) (err error) {
			steps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s journal.Step, err error) {
				return s, row.Scan(&s.Node, &s.Output, &s.Handle)
			})
			return err
		})
	if err := j.pool.SendBatch(ctx, b).Close(); err != nil || !claimed || e == nil {
		return nil, err
	}
	e.Steps, e.Deaths = steps, deaths
	return newLease(j, c.hour, me, run, bytes, e), nil
}

// releaseLost releases an entry that a claim without a reply may have taken.
func (j *Journal) releaseLost(c *candidate, me int64) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	// If this fails too, the entry is returned when this machine ends.
	_, _ = j.pool.Exec(ctx, j.sql(`update {s}.pending_{h} set holder = null, returned = true where id = $1 and holder = $2 and not begun`,
		c.hour), c.id, me)
	j.enqueue(c)
}

// Of reading candidates.
const (
	pollMin = 100 * time.Millisecond
	pollMax = time.Second
	pollRow = 2000 // the most rows of one accepting machine at a time
)

// poll reads what other machines have accepted or returned.
func (j *Journal) poll(ctx context.Context) {
	pause := pollMin
	for backoff.Sleep(ctx, backoff.Jitter(pause, 0.3)) == nil {
		j.mu.Lock()
		before := len(j.candidates)
		j.mu.Unlock()
		pause = min(2*pause, pollMax)
		if before > 2*pollRow {
			continue
		}
		if err := j.readCandidates(ctx); err != nil {
			continue
		}
		j.mu.Lock()
		if len(j.candidates) > before {
			pause = pollMin
		}
		j.mu.Unlock()
	}
}

// readCandidates reads the entries behind those that were read last, of each accepting machine, and
// those that were returned.
func (j *Journal) readCandidates(ctx context.Context) error {
	j.mu.Lock()
	j.taken = make(map[string]bool) // what is read of them is older than their claim
	origins, cursors := []int64{}, []int64{}
	for origin, seq := range j.cursors {
		origins, cursors = append(origins, origin), append(cursors, seq)
	}
	j.mu.Unlock()
	rows, err := j.pool.Query(ctx, j.sql(`select p.hour, p.id, p.workflow, p.placed, p.origin, p.seq, p.holder is null and not p.returned from {s}.machines m
		left join unnest($1::bigint[], $2::bigint[]) c (origin, seq) on c.origin = m.incarnation
		cross join lateral (select * from {s}.pending where origin = m.incarnation and seq > coalesce(c.seq, 0) order by seq limit $3) p
		union all
		(select hour, id, workflow, placed, 0, 0, true from {s}.pending where returned and holder is null
			and (due is null or due <= clock_timestamp()) order by placed limit $3)`, 0), origins, cursors, pollRow)
	type found struct {
		candidate
		origin, seq int64
		free        bool
	}
	var all []found
	if err == nil {
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f found, err error) {
			var hour int32
			err = row.Scan(&hour, &f.id, &f.workflow, &f.placed, &f.origin, &f.seq, &f.free)
			f.hour = uint32(hour)
			return f, err
		})
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := j.taken
	j.taken = nil
	added := false
	for i := range all {
		f := &all[i]
		if f.free && !taken[f.id] {
			c := f.candidate
			added = j.add(&c) || added
		}
		if f.origin > 0 {
			j.cursors[f.origin] = max(j.cursors[f.origin], f.seq)
		}
	}
	if added {
		j.wakeClaims()
	}
	return err
}
