package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// A machine that runs what it accepts claims it with the statement that inserts it, and with a
// claim it claims some of those that are next. They stay in the machine's queue, in their place: a
// claim that takes one of them has nothing to ask the database. How many a machine has ahead
// follows from how many it has claimed in the last moments. What it then does not run in
// aheadTime, it gives back for others.

const (
	aheadTime  = 250 * time.Millisecond
	maxAhead   = 256
	aheadBytes = 16 << 20 // what the entries may take in memory
	// maxLost bounds what has to be given back when the database answers again.
	maxLost = 10_000
)

// ahead are the entries that this machine has claimed before anybody here works on them. The lock
// of the journal guards it.
type ahead struct {
	entries int // also those that are being accepted
	bytes   int64

	waiting int // calls of Claim that have found nothing
	claims  int // in the window that began at start
	before  int // in the one before
	start   time.Time
	retired bool // nobody here claims any more

	// Entries that this machine may have claimed although the call has failed, by id. They are no
	// candidates until they were given back.
	lost map[string]*lostClaim
}

type lostClaim struct {
	hour    uint32
	run     int        // of the claim; 0 = it is not known, and has not begun
	began   int64      // the first run of the entry; 0 = it is not known
	refused *candidate // what was found meanwhile; nil = nothing
}

// claimed counts a claim.
func (a *ahead) claimed() {
	a.turn()
	a.claims++
}

func (a *ahead) turn() {
	switch now := time.Now(); {
	case now.Sub(a.start) > 2*aheadTime:
		a.start, a.before, a.claims = now, 0, 0
	case now.Sub(a.start) > aheadTime:
		a.start, a.before, a.claims = now, a.claims, 0
	}
}

// room returns how many more entries may be claimed ahead.
func (a *ahead) room() int {
	a.turn()
	if a.retired || a.bytes >= aheadBytes || len(a.lost) >= maxLost {
		return 0
	}
	return min(a.waiting+max(a.claims, a.before), maxAhead) - a.entries
}

func (a *ahead) add(entries int, bytes int64) {
	a.entries += entries
	a.bytes += bytes
}

// mayHold reports whether a new entry is claimed as it is accepted, and counts it until unhold.
func (j *Journal) mayHold(e *journal.Entry) bool {
	if j.fault.Load() != nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ahead.room() <= 0 || j.ahead.lost[e.ID] != nil {
		return false
	}
	j.ahead.add(1, entryBytes(e))
	return true
}

func (j *Journal) unhold(e *journal.Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ahead.add(-1, -entryBytes(e))
}

// lose notes an entry that this machine holds, or may hold, and that nobody here works on any more.
func (j *Journal) lose(l *lease) {
	l.mu.Lock()
	began := nanos(l.began)
	l.mu.Unlock()
	j.loseClaim(l.entry.ID, &lostClaim{hour: l.hour, run: l.run, began: began})
}

// loseClaim notes a claim to be given back.
func (j *Journal) loseClaim(id string, l *lostClaim) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.candidates[id]; c != nil {
		j.drop(c)
	}
	j.ahead.lost[id] = l
}

// heldAhead returns the lease of an entry that nobody here works on yet; nil if there is none.
func (j *Journal) heldAhead(id string) *lease {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.candidates[id]; c != nil {
		return c.held
	}
	return nil
}

// idsAhead returns the ids of the entries that nobody here works on yet, and the time of acceptance
// of the oldest one; zero if there is none.
func (j *Journal) idsAhead() (ids []string, oldest time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ids = []string{} // not null in the database
	if j.ahead.entries == 0 {
		return ids, oldest
	}
	for id, c := range j.candidates {
		if c.held == nil {
			continue
		}
		ids = append(ids, id)
		if at := c.held.entry.AcceptedAt; oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return ids, oldest
}

// Retire implements journal.Retiring.
func (j *Journal) Retire() {
	j.mu.Lock()
	j.ahead.retired = true
	j.mu.Unlock()
	j.giveBackSoon()
}

// giveBackSoon has what nobody here will work on given back at once.
func (j *Journal) giveBackSoon() {
	select {
	case j.returning <- struct{}{}:
	default:
	}
}

// sleepOrReturn waits until it is time to give back; false if the context has ended.
func (j *Journal) sleepOrReturn(ctx context.Context) bool {
	t := time.NewTimer(aheadTime)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-j.returning:
		return true
	case <-ctx.Done():
		return false
	}
}

// giveBackAll gives back what stays in the queue for too long, until the journal is closed.
func (j *Journal) giveBackAll(ctx context.Context) {
	for j.sleepOrReturn(ctx) {
		gone := false
		for hour, late := range j.lateByHour() {
			// What fails is tried again.
			gone = j.giveBack(ctx, hour, late) == nil || gone
		}
		if gone {
			select {
			case j.look <- struct{}{}:
			default:
			}
		}
	}
}

// lateByHour makes claims lost ones that are too old, or that nobody here will work on, and returns
// what has to be given back.
func (j *Journal) lateByHour() map[uint32]*lateClaims {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ahead.entries > 0 {
		for id, c := range j.candidates {
			if c.held != nil && (j.ahead.retired || time.Since(c.since) >= aheadTime) {
				j.drop(c)
				j.ahead.lost[id] = &lostClaim{hour: c.hour}
			}
		}
	}
	byHour := make(map[uint32]*lateClaims)
	for id, l := range j.ahead.lost {
		late := byHour[l.hour]
		if late == nil {
			late = new(lateClaims)
			byHour[l.hour] = late
		}
		late.ids, late.runs, late.began = append(late.ids, id), append(late.runs, int32(l.run)), append(late.began, l.began)
	}
	return byHour
}

// lateClaims are claims of an hour.
type lateClaims struct {
	ids   []string
	runs  []int32
	began []int64
}

// giveBack returns entries that nobody here works on to all machines. This machine finds them as
// the others do.
func (j *Journal) giveBack(ctx context.Context, hour uint32, late *lateClaims) error {
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	o := &operation{hour: hour, names: late.ids}
	o.queue = func(b *pgx.Batch) {
		b.Queue(j.sql(`update {s}.pending_{h} p set holder = null, returned = true, begun = false, began = coalesce(p.began, nullif(u.began, 0))
			from unnest($1::text[], $2::integer[], $4::bigint[]) u (id, run, began) where p.id = u.id and p.holder = $3
			and (p.run = u.run or u.run = 0 and not p.begun)`, hour), late.ids, late.runs, j.incarnation.Load(), late.began)
	}
	err := j.do(ctx, o)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range late.ids {
		l := j.ahead.lost[id]
		delete(j.ahead.lost, id)
		if l != nil && l.refused != nil && j.add(l.refused) {
			j.wakeClaims()
		}
	}
	return nil
}

// dropStale drops claims of incarnations that have ended: whoever has ended them has returned the
// entries.
func (j *Journal) dropStale() {
	j.mu.Lock()
	defer j.mu.Unlock()
	me := j.incarnation.Load()
	for _, c := range j.candidates {
		if c.held != nil && c.held.incarnation != me {
			j.drop(c)
		}
	}
	for id, l := range j.ahead.lost {
		delete(j.ahead.lost, id)
		if l.refused != nil {
			j.add(l.refused)
		}
	}
}
