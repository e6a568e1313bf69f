package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// List reads a page: entries that have not ended and records are two lists in the same order.
func (j *Journal) List(ctx context.Context, q journal.Query) (journal.Page, error) {
	if err := j.checkOpen(); err != nil {
		return journal.Page{}, err
	}
	first, end, err := q.Range()
	if err != nil {
		return journal.Page{}, err
	}
	most := q.PageSize() + 1
	live, liveArgs := condition(q, "p.", first, end, most)
	ended, endedArgs := condition(q, "", max(first, j.oldest()), end, most)
	var rows []journal.Summary
	b := &pgx.Batch{}
	// In this order: what ends in between is in both, and not in none.
	if wantsLive(q) {
		ahead, _ := j.idsAhead()
		if waits, runs := slices.Contains(q.Statuses, journal.Pending), slices.Contains(q.Statuses, journal.Running); waits != runs {
			liveArgs = append(liveArgs, ahead, waits)
			live += fmt.Sprintf(" and (p.holder is null or p.id = any($%d::text[])) = $%d::boolean", len(liveArgs)-1, len(liveArgs))
		}
		b.Queue(j.sql(pendingRows+live+" order by p.id desc limit $1", 0), liveArgs...).Query(func(found pgx.Rows) (err error) {
			rows, err = pgx.CollectRows(found, pendingSummary)
			for i := range rows {
				if slices.Contains(ahead, rows[i].ID) {
					rows[i].Status = journal.Pending
				}
			}
			return err
		})
	}
	if len(q.Statuses) > 0 {
		endedArgs = append(endedArgs, q.Statuses)
		ended += " and status = any($" + number(len(endedArgs)) + ")"
	}
	b.Queue(j.sql("select id, summary from {s}.records"+ended+" order by id desc limit $1", 0), endedArgs...).Query(func(found pgx.Rows) error {
		more, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (s journal.Summary, err error) {
			var id string
			var text []byte
			if err := row.Scan(&id, &text); err != nil {
				return s, err
			}
			if json.Unmarshal(text, &s) != nil || s.ID != id {
				s = damagedRecord(id).Summary
			}
			return s, nil
		})
		rows = append(more, rows...)
		return err
	})
	if err := j.pool.SendBatch(ctx, b).Close(); err != nil {
		return journal.Page{}, j.unavailable(err)
	}
	slices.SortStableFunc(rows, func(a, b journal.Summary) int { return strings.Compare(b.ID, a.ID) })
	// The record stays.
	rows = slices.CompactFunc(rows, func(a, b journal.Summary) bool { return a.ID == b.ID })
	if len(rows) < most {
		return journal.Page{Rows: rows}, nil
	}
	rows = rows[:most-1]
	return journal.Page{Rows: rows, Next: rows[len(rows)-1].ID}, nil
}

// wantsLive reports whether a list may contain entries that have not ended.
func wantsLive(q journal.Query) bool {
	return len(q.Statuses) == 0 || slices.Contains(q.Statuses, journal.Pending) || slices.Contains(q.Statuses, journal.Running)
}

// condition returns the condition of a list and its parameters, of which the first is the limit.
// The hours in it decide which tables are read at all.
func condition(q journal.Query, table, first, end string, limit int) (string, []any) {
	args := []any{limit}
	var parts []string
	add := func(part string, arg any) {
		args = append(args, arg)
		parts = append(parts, strings.ReplaceAll(part, "?", "$"+number(len(args))))
	}
	if first != "" {
		hour, _ := hourOf(first)
		add(table+"hour >= ?", int32(hour))
		add(table+"id >= ?", first)
	}
	if end != "" {
		hour, _ := hourOf(end)
		add(table+"hour <= ?", int32(hour))
		add(table+"id < ?", end)
	}
	if q.Workflow != "" {
		add(table+"workflow = ?", q.Workflow)
	}
	if q.Source != "" {
		if table != "" {
			table = "e."
		}
		add(table+"source = ?", q.Source)
	}
	if len(parts) == 0 {
		return " where true", args
	}
	return " where " + strings.Join(parts, " and "), args
}

func number(n int) string { return strconv.Itoa(n) }
