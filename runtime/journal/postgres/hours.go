package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// hourOf returns the hour in an id, in hours since 1970.
func hourOf(id string) (uint32, error) {
	at, err := journal.IDTime(id)
	return hourAt(at), err
}

func hourAt(at time.Time) uint32 { return uint32(at.Unix() / 3600) }

// room is what tables leave free in their pages. The claim of an entry changes its row, which then
// stays in its page, and needs no new entry in an index: also while a snapshot elsewhere keeps what
// is dead from being removed.
var room = map[string]string{"pending": " with (fillfactor = 45)"}

// ensureHour creates the tables and functions of an hour, unless this journal knows that they are
// there.
func (j *Journal) ensureHour(ctx context.Context, hour uint32) error {
	if whole, _ := j.hours.Load(hour); whole == true {
		return nil
	}
	err := inTransaction(ctx, j.writes, transactionTime, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 1))", "flowtrux "+j.options.Schema); err != nil {
			return err
		}
		if err := j.ensureTables(ctx, tx, hour); err != nil {
			return err
		}
		return j.ensureFunctions(ctx, tx, hour)
	})
	if err == nil {
		j.hours.Store(hour, true)
	}
	return err
}

// ensureTables creates the tables of an hour, unless they are there.
func (j *Journal) ensureTables(ctx context.Context, tx pgx.Tx, hour uint32) error {
	var there bool
	if err := tx.QueryRow(ctx, "select to_regclass($1) is not null", j.sql("{s}.records_{h}", hour)).Scan(&there); err != nil || there {
		return err
	}
	for _, table := range divided {
		// Attaching a table locks less than creating it as a partition.
		for _, text := range []string{
			"create table {s}." + table + "_{h} (like {s}." + table + " including all)" + room[table],
			"alter table {s}." + table + " attach partition {s}." + table + "_{h} for values in ({h})",
		} {
			if _, err := tx.Exec(ctx, j.sql(text, hour)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hourExists reports whether the tables of an hour are there.
func (j *Journal) hourExists(ctx context.Context, hour uint32) (there bool, err error) {
	if _, known := j.hours.Load(hour); known {
		return true, nil
	}
	err = j.pool.QueryRow(ctx, "select to_regclass($1) is not null", j.sql("{s}.records_{h}", hour)).Scan(&there)
	if err == nil && there {
		j.hours.LoadOrStore(hour, false)
	}
	return there, err
}

// dropHours drops the tables of hours whose retention is over. What is in use stays.
func (j *Journal) dropHours(ctx context.Context) error {
	rows, err := j.pool.Query(ctx, `select substring(c.relname from 9)::bigint
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind = 'r' and c.relname ~ '^records_[0-9]{1,9}$' and substring(c.relname from 9)::bigint <
			floor(extract(epoch from clock_timestamp() - $2::bigint * interval '1 microsecond') / 3600) - 1 order by 1`,
		j.options.Schema, j.limits.Load().Retention.Microseconds())
	if err != nil {
		return err
	}
	hours, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	var first error
	var retained *string
	for _, hour := range hours {
		if _, err := j.dropHour(ctx, uint32(hour)); err != nil { // the others may be dropped
			first = cmp.Or(first, err)
			over := j.Now().Add(-j.limits.Load().Retention).Sub(time.Unix(hour*3600, 0))
			if retained == nil && (hasCode(err, codeNoRight) || over > retainedFor) {
				text := fmt.Sprintf("what was accepted in the hour of %s cannot be dropped although its retention is over: %s",
					time.Unix(hour*3600, 0).UTC().Format(time.RFC3339), j.describe(err))
				retained = &text
			}
		}
	}
	j.retained.Store(retained)
	return first
}

// retainedFor is how long an hour may be in use before that is told: a backup takes its time.
const retainedFor = 12 * time.Hour

// dropHour drops the tables and functions of an hour, unless something in it is pending.
func (j *Journal) dropHour(ctx context.Context, hour uint32) (dropped bool, err error) {
	err = inTransaction(ctx, j.pool, backgroundTime, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local lock_timeout = '50ms'"); err != nil {
			return err
		}
		// Nobody can accept into the hour from here on.
		if _, err := tx.Exec(ctx, j.sql("lock table {s}.pending_{h} in access exclusive mode", hour)); err != nil {
			return err
		}
		var used bool
		if err := tx.QueryRow(ctx, j.sql("select exists(select from {s}.pending_{h})", hour)).Scan(&used); err != nil || used {
			return err
		}
		for _, table := range divided {
			if _, err := tx.Exec(ctx, j.sql("drop table {s}."+table+"_{h}", hour)); err != nil {
				return err
			}
		}
		if err := j.dropFunctions(ctx, tx, hour); err != nil {
			return err
		}
		j.hours.Delete(hour)
		dropped = true
		return nil
	})
	return dropped && err == nil, err
}
