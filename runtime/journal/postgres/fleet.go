package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// checkFleet keeps the fleet of the options in the schema, and returns journal.ErrForeign if it is
// that of another one.
func (j *Journal) checkFleet(ctx context.Context, tx pgx.Tx) error {
	if j.options.Fleet == "" {
		return nil
	}
	var fleet string
	if err := tx.QueryRow(ctx, j.sql("update {s}.meta set fleet = coalesce(fleet, $1) returning fleet", 0), j.options.Fleet).Scan(&fleet); err != nil {
		return err
	}
	if fleet != j.options.Fleet {
		return fmt.Errorf("%w: schema %s belongs to the fleet %q, and this one is %q; name another schema, or take it over with: "+
			"caddy flowtrux journal adopt", journal.ErrForeign, j.options.Schema, fleet, j.options.Fleet)
	}
	return nil
}

// TakeOver gives the schema of a journal, which need not be open, to the fleet of the options. It
// returns the fleet to which it has belonged, "" = none, and fails while machines of that one live.
func TakeOver(ctx context.Context, o Options) (before string, err error) {
	j := New(o)
	if j.options, err = o.withDefaults(); err != nil {
		return "", err
	}
	if j.pool, err = newPool(j.options); err != nil {
		return "", err
	}
	defer j.pool.Close()
	err = pgx.BeginFunc(ctx, j.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, j.sql("select coalesce(fleet, '') from {s}.meta for update", 0)).Scan(&before); err != nil {
			return err
		}
		var living int
		if err := tx.QueryRow(ctx, j.sql("select count(*) from {s}.machines where ended is null and until > clock_timestamp()", 0)).Scan(&living); err != nil {
			return err
		}
		if living > 0 && before != j.options.Fleet {
			return fmt.Errorf("%w: %d machines of the fleet %q use schema %s", journal.ErrInUse, living, before, j.options.Schema)
		}
		_, err := tx.Exec(ctx, j.sql("update {s}.meta set fleet = $1", 0), j.options.Fleet)
		return err
	})
	return before, j.describe(j.explainRights(err))
}

// Machines returns the machines that have the journal open.
func (j *Journal) Machines(ctx context.Context) ([]journal.Machine, error) {
	if err := j.checkReady(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, soonTime)
	defer cancel()
	rows, err := j.pool.Query(ctx, j.sql(`select m.name, m.version, m.incarnation = $1, m.seen, count(p.id)
		from {s}.machines m left join {s}.pending p on p.holder = m.incarnation
		where m.ended is null group by m.incarnation order by m.name, m.incarnation`, 0), j.incarnation.Load())
	if err != nil {
		return nil, j.unavailable(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Machine])
	return all, j.unavailable(err)
}
