package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// Belong sets the fleet of this machine, and checks it as Open does with that of the options.
func (j *Journal) Belong(ctx context.Context, fleet string) error {
	if err := j.checkOpen(); err != nil {
		return err
	}
	if own := j.fleet.Load(); own != nil && *own != fleet {
		return fmt.Errorf("%w: it is open for the fleet of %s, and not for that of %s", journal.ErrForeign, *own, fleet)
	}
	j.fleet.Store(&fleet)
	if !j.ready.Load() { // it is checked before it is
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, soonTime)
	defer cancel()
	err := pgx.BeginFunc(ctx, j.pool, func(tx pgx.Tx) error { return j.checkFleet(ctx, tx) })
	if errors.Is(err, journal.ErrForeign) {
		j.foreign.Store(&err)
		return err
	}
	return j.unavailable(err)
}

// checkFleet keeps the fleet in the schema if it has none, and returns journal.ErrForeign if it has
// another one.
func (j *Journal) checkFleet(ctx context.Context, tx pgx.Tx) error {
	own := j.fleet.Load()
	if own == nil || *own == "" {
		return nil
	}
	var fleet string
	err := tx.QueryRow(ctx, j.sql("select coalesce(fleet, '') from {s}.meta", 0)).Scan(&fleet)
	if err == nil && fleet == "" {
		err = tx.QueryRow(ctx, j.sql("update {s}.meta set fleet = coalesce(fleet, $1) returning fleet", 0), *own).Scan(&fleet)
	}
	if err != nil {
		return err
	}
	if fleet != *own {
		return fmt.Errorf("%w: schema %s belongs to the fleet of %s, and this machine to that of %s; name another schema, or, "+
			"if that fleet is gone, run: update %s.meta set fleet = null", journal.ErrForeign, j.options.Schema, fleet, *own, j.options.Schema)
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
	j.fleet.Store(&j.options.Fleet)
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
