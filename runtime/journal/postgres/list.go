package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// A page is read hour by hour, the newest first, and some hours at a time: ids begin with their
// time, so that all of an hour are newer than those of the hour before. Each statement is of one
// hour and of one status, whose rows an index has in order. So the time that a page takes depends
// on its rows and on the number of hours, and not on how much there is in them.

// List reads a page: entries that have not ended and records are two lists in the same order.
func (j *Journal) List(ctx context.Context, q journal.Query) (journal.Page, error) {
	if err := j.checkReady(); err != nil {
		return journal.Page{}, err
	}
	first, end, err := q.Range()
	if err != nil {
		return journal.Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	l := &listing{journal: j, query: q, first: first, oldest: max(first, j.oldest()), end: end, most: q.PageSize() + 1}
	if l.end == "" {
		l.end = behindAll
	}
	if err := l.read(ctx); err != nil {
		return journal.Page{}, j.unavailable(err)
	}
	if len(l.rows) < l.most {
		return journal.Page{Rows: l.rows}, nil
	}
	rows := l.rows[:l.most-1]
	return journal.Page{Rows: rows, Next: rows[len(rows)-1].ID}, nil
}

// behindAll is greater than each id.
const behindAll = "exec-~"

// listing is a page while it is read.
type listing struct {
	journal            *Journal
	query              journal.Query
	first, oldest, end string // bounds of the ids, and the first one of records
	most               int    // rows
	rows               []journal.Summary
}

// Of the hours that are read at a time.
const (
	firstHours = 4
	moreHours  = 32
)

func (l *listing) read(ctx context.Context) error {
	hours, live, err := l.hours(ctx)
	if err != nil {
		return err
	}
	for n := firstHours; len(hours) > 0 && len(l.rows) < l.most; n = moreHours {
		n = min(n, len(hours))
		if err := l.readHours(ctx, hours[:n], live); err != nil {
			return err
		}
		hours = hours[n:]
	}
	return nil
}

// hours returns the hours of the list, the newest first, and those of them in which something has
// not ended.
func (l *listing) hours(ctx context.Context) (hours []int32, live map[int32]bool, err error) {
	j := l.journal
	from, to := int64(0), int64(1)<<31-1
	if l.first != "" {
		hour, _ := hourOf(l.first)
		from = int64(hour)
	}
	if l.end != behindAll {
		hour, _ := hourOf(l.end)
		to = int64(hour)
	}
	rows, err := j.pool.Query(ctx, j.sql(`select h.hour, exists(select from {s}.pending p where p.hour = h.hour) from (
			select substring(c.relname from 9)::integer as hour from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = $1 and c.relispartition and c.relname ~ '^records_[0-9]{1,9}$') h
		where h.hour between $2::bigint and $3::bigint order by h.hour desc`, 0), j.options.Schema, from, to)
	if err != nil {
		return nil, nil, err
	}
	live = make(map[int32]bool)
	var hour int32
	var has bool
	_, err = pgx.ForEachRow(rows, []any{&hour, &has}, func() error {
		hours = append(hours, hour)
		live[hour] = has
		return nil
	})
	return hours, live, err
}

func (l *listing) readHours(ctx context.Context, hours []int32, live map[int32]bool) error {
	b := &pgx.Batch{}
	var found []journal.Summary
	ahead, _ := l.journal.idsAhead()
	for _, hour := range hours {
		// In this order: what ends in between is in both, and not in none.
		if live[hour] {
			l.queueLive(b, hour, ahead, &found)
		}
		l.queueEnded(b, hour, &found)
	}
	if err := l.journal.pool.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b journal.Summary) int { return strings.Compare(b.ID, a.ID) })
	// The record stays, which came later.
	for i, s := range found {
		if i+1 < len(found) && found[i+1].ID == s.ID {
			continue
		}
		if len(l.rows) < l.most {
			l.rows = append(l.rows, s)
		}
	}
	return nil
}

// queueLive reads entries of an hour that have not ended.
func (l *listing) queueLive(b *pgx.Batch, hour int32, ahead []string, found *[]journal.Summary) {
	q := l.query
	waits, runs := len(q.Statuses) == 0 || slices.Contains(q.Statuses, journal.Pending), len(q.Statuses) == 0 || slices.Contains(q.Statuses, journal.Running)
	if !waits && !runs {
		return
	}
	b.Queue(l.journal.sql(pendingRows+` where p.hour = $1 and p.id >= $2 and p.id < $3 and ($4 = '' or p.workflow = $4) and ($5 = '' or e.source = $5)
		and ($6::boolean and $7::boolean or (p.holder is null or p.id = any($8::text[])) = $6) order by p.id desc limit $9`, 0),
		hour, l.first, l.end, q.Workflow, q.Source, waits, runs, ahead, l.most).Query(func(rows pgx.Rows) error {
		more, err := pgx.CollectRows(rows, pendingSummary)
		for i := range more {
			if slices.Contains(ahead, more[i].ID) {
				more[i].Status = journal.Pending
			}
		}
		*found = append(*found, more...)
		return err
	})
}

// queueEnded reads records of an hour. A statement for each hour, of which one table is left when
// it is planned, is faster than one for several: that opens all tables, and has no good plan for
// those of which nothing is known yet.
func (l *listing) queueEnded(b *pgx.Batch, hour int32, found *[]journal.Summary) {
	const of = "select id, summary from {s}.records where hour = $1 and id >= $2 and id < $3"
	const last = " order by id desc limit $4"
	q := l.query
	args := []any{hour, l.oldest, l.end, l.most}
	queue := func(condition string, more ...any) {
		b.Queue(l.journal.sql(of+condition+last, 0), slices.Concat(args, more)...).Query(func(rows pgx.Rows) error {
			more, err := pgx.CollectRows(rows, recordSummary)
			*found = append(*found, more...)
			return err
		})
	}
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = journal.Statuses()
	}
	switch {
	case q.Source != "":
		queue(" and source = $5 and source <> '' and ($6 = '' or workflow = $6) and status = any($7::text[])", q.Source, q.Workflow, statuses)
	case q.Workflow == "" && len(q.Statuses) == 0:
		queue("")
	default:
		for _, status := range statuses {
			switch {
			case status == journal.Pending || status == journal.Running:
			case q.Workflow != "":
				queue(" and workflow = $5 and status = $6", q.Workflow, status)
			case status == journal.Succeeded: // most are
				queue(" and status = $5", status)
			default:
				queue(" and status = $5 and status <> 'succeeded'", status)
			}
		}
	}
}

func recordSummary(row pgx.CollectableRow) (s journal.Summary, err error) {
	var id string
	var text []byte
	if err := row.Scan(&id, &text); err != nil {
		return s, err
	}
	if json.Unmarshal(text, &s) != nil || s.ID != id {
		s = damagedRecord(id).Summary
	}
	return s, nil
}
