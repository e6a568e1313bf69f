package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/fairqueue"
	"github.com/flowtrux/edge/runtime/journal"
)

// candidate is an entry that nobody works on, as far as this machine knows.
type candidate struct {
	id, workflow string
	hour         uint32
	placed       time.Time // its place, by the clock of the database
	bytes        int64     // of the entry, with its steps
	queued       *fairqueue.Element[*candidate]
	held         *lease        // it is claimed by this machine already; nil = it is not
	since        time.Time     // held
	busy         chan struct{} // closed when a claim ahead of it has ended; nil = there is none
	gone         bool          // such a claim has found that somebody else has it
	hopeless     bool          // no machine can run it
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
	if j.ahead.retired {
		if c.held == nil {
			return false
		}
		j.giveBackSoon()
	}
	if l := j.ahead.lost[c.id]; l != nil {
		l.refused = c
		return false
	}
	j.candidates[c.id] = c
	if c.held != nil {
		c.since = time.Now()
		j.ahead.add(1, c.held.bytes)
	}
	c.queued = j.queue.Add(c.workflow, uint64(c.placed.UnixMicro()), c)
	return true
}

// drop removes a candidate. The caller holds the lock.
func (j *Journal) drop(c *candidate) {
	j.queue.Remove(c.queued)
	j.forget(c)
}

// forget is for what is in the queue no more. The caller holds the lock.
func (j *Journal) forget(c *candidate) {
	delete(j.candidates, c.id)
	c.queued = nil
	if c.held != nil {
		j.ahead.add(-1, -c.held.bytes)
	}
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
		if err := j.waitUntilReady(ctx); err != nil {
			return nil, err
		}
		c, busy, wake := j.nextCandidate(except)
		if c == nil {
			err := j.waitForCandidates(ctx, wake)
			if err != nil {
				return nil, err
			}
			continue
		}
		if ok, err := j.waitForClaim(ctx, c, busy); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		l, err := j.claim(ctx, c)
		if err != nil {
			return nil, err
		}
		if l != nil {
			return l, nil
		}
	}
}

// waitUntilReady waits until the database has answered for the first time.
func (j *Journal) waitUntilReady(ctx context.Context) error {
	if err := j.checkOpen(); err != nil {
		return err
	}
	select {
	case <-j.started:
		return j.checkReady()
	case <-j.quit:
		return journal.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nextCandidate takes the next candidate, and returns what is closed when a claim ahead of it has
// ended, if there is one. If there is no candidate, it returns what is closed when there may be.
func (j *Journal) nextCandidate(except []string) (c *candidate, busy, wake <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, ok := j.queue.Next(except)
	if !ok {
		return nil, nil, j.wake
	}
	j.forget(c)
	j.ahead.claimed()
	if j.taken != nil {
		j.taken[c.id] = true
	}
	return c, c.busy, nil
}

// waitForClaim waits for a claim ahead of a candidate that was taken from the queue. It returns
// false if it was not for this machine.
func (j *Journal) waitForClaim(ctx context.Context, c *candidate, busy <-chan struct{}) (bool, error) {
	if busy == nil {
		return true, nil
	}
	select {
	case <-busy:
		return !c.gone, nil
	case <-ctx.Done():
		j.spawn(func() {
			if <-busy; !c.gone {
				j.enqueue(c)
			}
		})
		return false, ctx.Err()
	}
}

func (j *Journal) waitForCandidates(ctx context.Context, wake <-chan struct{}) error {
	j.countWaiting(1)
	defer j.countWaiting(-1)
	select {
	case <-wake:
		return nil
	case <-j.quit:
		return journal.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) countWaiting(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ahead.waiting += n
}

// claim claims a candidate that was taken from the queue; nil if it cannot be claimed.
func (j *Journal) claim(ctx context.Context, c *candidate) (journal.Lease, error) {
	if c.held != nil {
		// A machine that was stopped for long may have lost it.
		if err := j.proveLife(ctx); err != nil {
			j.enqueue(c)
			return nil, err
		}
		if c.held.incarnation != j.incarnation.Load() {
			return nil, nil
		}
		c.held.extended = time.Now()
		return c.held, nil
	}
	l, err := j.claimWithNext(ctx, c)
	if err != nil || l == nil { // not a nil *lease in an interface
		return nil, err
	}
	return l, nil
}

// claimWithNext claims a candidate, and with it some of those that are next.
func (j *Journal) claimWithNext(ctx context.Context, c *candidate) (*lease, error) {
	busy := make(chan struct{})
	all := []*candidate{c}
	var lacking [][]byte
	if !c.hopeless {
		all, lacking = append(j.takeNext(c.hour, busy), c), j.lacking()
	}
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.id
	}
	me := j.incarnation.Load()
	leases, skipped, err := j.claimAll(ctx, c.hour, ids, me, lacking)
	if hasCode(err, codeNoTable) { // its hour is over
		err = nil
	}
	fenced := hasCode(err, codeDivision)
	var later []*candidate
	j.mu.Lock()
	for _, c := range all {
		c.busy = nil
		l := leases[c.id]
		switch queued := c.queued != nil; {
		case fenced:
		case l != nil:
			c.held, c.since = l, time.Now()
			if queued {
				j.ahead.add(1, l.bytes)
				if j.ahead.retired {
					j.giveBackSoon()
				}
			}
		default:
			if c.gone = true; queued {
				j.drop(c)
			}
			switch again := (&candidate{id: c.id, workflow: c.workflow, hour: c.hour, placed: c.placed, bytes: c.bytes, hopeless: c.hopeless}); {
			case err != nil: // it may be claimed, or not
				j.ahead.lost[c.id] = &lostClaim{hour: c.hour, refused: again}
			case skipped[c.id]: // another machine is about to claim it, or dies before it has
				later = append(later, again)
			}
		}
	}
	j.mu.Unlock()
	for _, c := range later {
		j.enqueueAfter(c, pollMax)
	}
	close(busy)
	if fenced { // the committer makes a new incarnation
		j.enqueue(c)
		err = errFenced
	}
	return leases[c.id], j.unavailable(err)
}

// takeNext makes some of those that are next in the queue busy, as far as they may be claimed
// ahead. They stay where they are.
func (j *Journal) takeNext(hour uint32, busy chan struct{}) []*candidate {
	j.mu.Lock()
	defer j.mu.Unlock()
	var next []*candidate
	room, looked, bytes := j.ahead.room(), 0, j.ahead.bytes
	for c := range j.queue.Upcoming {
		if looked++; len(next) >= room || looked > 2*maxAhead {
			break
		}
		if c.hour == hour && c.held == nil && c.busy == nil {
			if bytes += c.bytes; bytes > aheadBytes {
				break
			}
			c.busy = busy
			next = append(next, c)
		}
	}
	return next
}

// claimAll claims entries of an hour, as far as nobody has them and their documents are not among
// those that this machine lacks. It skips those of which somebody has locked the row.
func (j *Journal) claimAll(
	ctx context.Context, hour uint32, ids []string, me int64, lacking [][]byte,
) (leases map[string]*lease, skipped map[string]bool, err error) {
	if len(lacking) > 0 {
		if ids, err = j.withoutLacking(ctx, hour, ids, lacking); err != nil || len(ids) == 0 {
			return nil, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	leases, skipped = make(map[string]*lease, len(ids)), make(map[string]bool)
	b := &pgx.Batch{}
	b.Queue(begin)
	// Losing a claim with a crash of the server loses nothing.
	b.Queue(j.sql("select "+fence("key share")+", set_config('synchronous_commit', 'off', true)", 0), me,
		strconv.FormatInt(claimTime.Milliseconds(), 10))
	b.Queue(j.sql(`with free as (select id from {s}.pending_{h} where id = any($1::text[]) and holder is null
			and (due is null or due <= clock_timestamp()) order by id for update skip locked)
		update {s}.pending_{h} p set holder = $2::bigint, run = greatest(least(p.run, 1000000000), 0) + 1, returned = false, begun = false, due = null
		from free where p.id = free.id
		returning p.id, p.workflow, p.run, p.deaths, coalesce(p.began, 0), `+sane("p.bytes")+`, coalesce((select name from {s}.machines m where m.incarnation = p.origin), '')`, hour), ids, me).
		Query(func(rows pgx.Rows) error {
			var id, workflow, machine string
			var run, deaths int
			var began, bytes int64
			_, err := pgx.ForEachRow(rows, []any{&id, &workflow, &run, &deaths, &began, &bytes, &machine}, func() error {
				leases[id] = &lease{run: run, bytes: bytes, machine: machine, entry: &journal.Entry{
					ID: id, Workflow: workflow, Deaths: deaths, Began: timeOf(began),
				}}
				return nil
			})
			return err
		})
	b.Queue(j.sql("select id from {s}.pending_{h} where id = any($1::text[]) and holder is null and due is null", hour), ids).
		Query(func(rows pgx.Rows) error {
			var id string
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				skipped[id] = true
				return nil
			})
			return err
		})
	b.Queue(j.sql("select node, output, handle, machine, id from {s}.steps_{h} where id = any($1::text[]) order by seq, node", hour), ids).
		Query(func(rows pgx.Rows) error {
			var s journal.Step
			var id, machine string
			_, err := pgx.ForEachRow(rows, []any{&s.Node, &s.Output, &s.Handle, &machine, &id}, func() error {
				if l := leases[id]; l != nil {
					l.entry.Steps = append(l.entry.Steps, s)
					if l.ran == nil {
						l.ran = make(map[string]string)
					}
					l.ran[s.Node] = machine
				}
				s.Output = nil
				return nil
			})
			return err
		})
	found := make(map[string]bool, len(ids))
	b.Queue(j.sql(selectEntry+"any($1::text[])", hour), ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			e, err := scanEntry(rows)
			if err != nil {
				return err
			}
			if l := leases[e.ID]; l != nil {
				e.Steps, e.Deaths, e.Began = l.entry.Steps, l.entry.Deaths, l.entry.Began
				leases[e.ID] = newLease(j, hour, me, l.run, l.bytes, e)
				leases[e.ID].machine, leases[e.ID].ran = l.machine, l.ran
				found[e.ID] = true
			}
		}
		return rows.Err()
	})
	b.Queue("commit")
	if err := j.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, nil, err
	}
	for id, l := range leases {
		if !found[id] {
			delete(leases, id)
			j.spawn(func() { j.endDamaged(newLease(j, hour, me, l.run, l.bytes, l.entry)) })
		}
	}
	return leases, skipped, nil
}

// withoutLacking returns the ids of entries whose documents are not among some.
func (j *Journal) withoutLacking(ctx context.Context, hour uint32, ids []string, lacking [][]byte) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	rows, err := j.pool.Query(ctx, j.sql(`select i.id from unnest($1::text[]) i (id)
		where not exists(select from {s}.entries_{h} e where e.id = i.id and e.document = any($2::bytea[]))`, hour), ids, lacking)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// endDamaged ends an entry that was claimed and cannot be read: somebody has deleted a part of it
// by hand.
func (j *Journal) endDamaged(l *lease) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	l.entry.AcceptedAt, _ = journal.IDTime(l.entry.ID)
	r := &journal.Record{Summary: journal.Summary{Outcome: damagedEntry}}
	if err := l.Finish(ctx, r); err != nil {
		// Whoever takes it over tries it again.
		_ = l.Release(ctx, time.Minute)
	}
}

var damagedEntry = journal.Outcome{
	Status: journal.Failed, Code: "entry_damaged", Message: "what the execution runs from is not in the journal any more",
}

// claimTime bounds a claim.
const claimTime = 5 * time.Second
