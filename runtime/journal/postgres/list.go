package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// A page is read in parts of some hours, the newest first: ids begin with their time, so that all
// of an hour are newer than those of the hour before. Each statement is of one status, whose rows
// an index of each hour has in order; the server merges them. So the time that a page takes depends
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
	err = l.read(ctx)
	for n := 0; n < 2 && hasCode(err, codeNoTable); n++ { // an hour was dropped meanwhile
		l.rows = nil
		err = l.read(ctx)
	}
	if err != nil {
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

// Of the hours that are read at a time. A page is mostly in the first ones. What a statement costs
// grows with its hours, and most of it is for planning; further ones would lock too many tables.
const (
	firstHours = 4
	moreHours  = 96
)

func (l *listing) read(ctx context.Context) error {
	hours, err := l.hours(ctx)
	if err != nil {
		return err
	}
	for n := firstHours; len(hours) > 0 && len(l.rows) < l.most; n = moreHours {
		n = min(n, len(hours))
		if err := l.readHours(ctx, hours[:n]); err != nil {
			return err
		}
		hours = hours[n:]
	}
	return nil
}

// hourTables is an hour that has tables.
type hourTables struct {
	hour int32
	used bool // something may not have ended: the table of such entries is not empty
}

// hours returns the hours of the list, the newest first.
func (l *listing) hours(ctx context.Context) ([]hourTables, error) {
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
	rows, err := j.pool.Query(ctx, `select hour, coalesce(pg_relation_size(oid) > 0, false) from (
			select substring(c.relname from 9)::integer as hour, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where n.nspname = $1 and c.relispartition and c.relname ~ '^pending_[0-9]{1,9}$') h
		where hour between $2::bigint and $3::bigint order by hour desc`, j.options.Schema, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h hourTables, err error) {
		err = row.Scan(&h.hour, &h.used)
		return h, err
	})
}

// live returns those hours of which something has not ended. A table keeps what has died in it
// until it is cleaned.
func (l *listing) live(ctx context.Context, hours []hourTables) (live []int32, err error) {
	var each []string
	for _, h := range hours {
		if h.used {
			live = append(live, h.hour)
			each = append(each, fmt.Sprintf(l.journal.sql("select %d where exists(select from {s}.pending_{h})", uint32(h.hour)), h.hour))
		}
	}
	if len(live) <= firstHours {
		return live, nil
	}
	// Its text differs each time: nothing is kept for it.
	rows, err := l.journal.pool.Query(ctx, strings.Join(each, " union all "), pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

func (l *listing) readHours(ctx context.Context, hours []hourTables) error {
	live, err := l.live(ctx, hours)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	var found []journal.Summary
	ahead, _ := l.journal.idsAhead()
	// In this order: what ends in between is in both, and not in none.
	for _, hour := range live {
		l.queueLive(b, hour, ahead, &found)
	}
	l.queueEnded(b, hours[len(hours)-1].hour, hours[0].hour, &found)
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

// queueEnded reads records of some hours.
func (l *listing) queueEnded(b *pgx.Batch, from, to int32, found *[]journal.Summary) {
	const of = "select id, summary from {s}.records where hour between $1 and $2 and id >= $3 and id < $4"
	const last = " order by id desc limit $5"
	q := l.query
	args := []any{from, to, l.oldest, l.end, l.most}
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
		queue(" and source = $6 and source <> '' and ($7 = '' or workflow = $7) and status = any($8::text[])", q.Source, q.Workflow, statuses)
	case q.Workflow == "" && len(q.Statuses) == 0:
		queue("")
	default:
		for _, status := range statuses {
			switch {
			case status == journal.Pending || status == journal.Running:
			case q.Workflow != "":
				queue(" and workflow = $6 and status = $7", q.Workflow, status)
			case status == journal.Succeeded: // most are
				queue(" and status = $6", status)
			default:
				queue(" and status = $6 and status <> 'succeeded'", status)
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
