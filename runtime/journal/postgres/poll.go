package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/internal/backoff"
)

// Of reading candidates.
const (
	pollMin = 100 * time.Millisecond
	pollMax = time.Second
	pollRow = 2000 // the most rows of one accepting machine at a time
	// rescanEvery is how often all rows are looked at again, whoever has changed them.
	rescanEvery = 5 * time.Minute
)

// reading is how far candidates were read. Only one goroutine at a time reads.
type reading struct {
	cursors map[int64]int64 // by accepting incarnation: the last entry that was read
	before  map[int64]int64 // cursors from before it was read from the start again
	unread  map[int64]bool  // incarnations of which there was more than one page
	at      time.Time       // when it was read last; zero = never
	scanned time.Time       // when it began from the start
}

// poll reads what other machines have accepted or returned.
func (j *Journal) poll(ctx context.Context) {
	pause := pollMin
	for j.sleepOrLook(ctx, backoff.Jitter(pause, 0.3)) {
		j.lackAnew(ctx)
		j.describeAnew(ctx)
		before := j.countCandidates()
		pause = min(2*pause, pollMax)
		if before > 2*pollRow {
			continue
		}
		if j.bounded(ctx, j.readCandidates) == nil && j.countCandidates() > before {
			pause = pollMin
		}
	}
}

func (j *Journal) countCandidates() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.candidates)
}

// sleepOrLook waits until it is time to look for candidates; false if the context has ended.
func (j *Journal) sleepOrLook(ctx context.Context, pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-j.look:
		return true
	case <-ctx.Done():
		return false
	}
}

// foundRow is a row of pending.
type foundRow struct {
	candidate
	origin, seq int64 // 0 = it was returned
	free        bool
}

// readCandidates reads the entries behind those that were read last, of each accepting machine, and
// those that were returned. Machines that ended long before were read to their end.
func (j *Journal) readCandidates(ctx context.Context) error {
	r := &j.reading
	now := time.Now()
	if now.Sub(r.scanned) > rescanEvery {
		*r = reading{cursors: make(map[int64]int64), before: r.cursors, scanned: now}
	}
	ended := now.Sub(r.at)
	if !r.at.IsZero() {
		ended += time.Minute
	}
	origins, cursors, unread := []int64{}, []int64{}, []int64{}
	for origin, seq := range r.cursors {
		origins, cursors = append(origins, origin), append(cursors, seq)
	}
	for origin := range r.unread {
		unread = append(unread, origin)
	}
	lacking := j.lacking()
	left := ""
	if len(lacking) > 0 {
		left = ` and not exists(select from {s}.entries e where e.hour = r.hour and e.id = r.id and e.document = any($6::bytea[]))`
	}
	j.mu.Lock()
	j.taken = make(map[string]bool) // what is read of them is older than their claim
	j.mu.Unlock()
	args := []any{origins, cursors, pollRow, ended.Microseconds(), unread}
	if len(lacking) > 0 {
		args = append(args, lacking)
	}
	rows, err := j.pool.Query(ctx, j.sql(`select p.hour, p.id, p.workflow, `+finite("p.placed")+`, `+sane("p.bytes")+`, p.origin, p.seq,
			p.holder is null and not p.returned
		from {s}.machines m left join unnest($1::bigint[], $2::bigint[]) c (origin, seq) on c.origin = m.incarnation
		cross join lateral (select * from {s}.pending where origin = m.incarnation and seq > coalesce(c.seq, 0) order by seq limit $3) p
		where m.ended is null or m.ended > clock_timestamp() - $4::bigint * interval '1 microsecond' or m.incarnation = any($5::bigint[])
		union all
		(select hour, id, workflow, `+finite("placed")+`, `+sane("bytes")+`, 0, 0, true from {s}.pending r where returned and holder is null
			and (due is null or due <= clock_timestamp())`+left+` order by placed limit $3)`, 0), args...)
	var all []foundRow
	if err == nil {
		all, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f foundRow, err error) {
			var hour int32
			err = row.Scan(&hour, &f.id, &f.workflow, &f.placed, &f.bytes, &f.origin, &f.seq, &f.free)
			f.hour = uint32(hour)
			return f, err
		})
	}
	j.addFound(all)
	if err != nil {
		return err
	}
	pages := make(map[int64]int)
	for i := range all {
		if f := &all[i]; f.origin > 0 {
			r.cursors[f.origin] = max(r.cursors[f.origin], f.seq)
			pages[f.origin]++
		}
	}
	// Where the end was reached, it goes on behind what is known, and does not pass again over what
	// is dead before it.
	for origin, seq := range r.before {
		if pages[origin] < pollRow {
			r.cursors[origin] = max(r.cursors[origin], seq)
			delete(r.before, origin)
		}
	}
	r.at, r.unread = now, make(map[int64]bool)
	for origin, n := range pages {
		if n >= pollRow {
			r.unread[origin] = true
		}
	}
	return nil
}

// addFound makes candidates of rows that were read.
func (j *Journal) addFound(all []foundRow) {
	// Workflows take turns in the order of their first entries.
	slices.SortFunc(all, func(a, b foundRow) int { return a.placed.Compare(b.placed) })
	j.mu.Lock()
	defer j.mu.Unlock()
	taken := j.taken
	j.taken = nil
	added := false
	for i := range all {
		if f := &all[i]; f.free && !taken[f.id] {
			c := f.candidate
			added = j.add(&c) || added
		}
	}
	if added {
		j.wakeClaims()
	}
}
