package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// Belong sets the fleet of this machine, and checks it as Open does with that of the options.
func (j *Journal) Belong(ctx context.Context, fleet string) error {
	if j.closing() {
		return journal.ErrClosed
	}
	if own := j.fleet.Load(); own != nil && *own != fleet {
		return fmt.Errorf("%w: it is open for the fleet of %s, and not for that of %s", journal.ErrOtherFleet, *own, fleet)
	}
	j.fleet.Store(&fleet)
	if !j.ready.Load() { // it is checked before it is
		return nil
	}
	err := inTransaction(ctx, j.pool, soonTime, func(tx pgx.Tx) error { return j.checkFleet(ctx, tx) })
	if errors.Is(err, journal.ErrForeign) {
		j.foreign.Store(&err)
		return err
	}
	return j.unavailable(err)
}

// checkFleet keeps the fleet in the schema if it has none, and returns journal.ErrOtherFleet if it
// has another one.
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
			"if that fleet is gone, run: caddy flowtrux journal adopt <config>", journal.ErrOtherFleet, j.options.Schema, fleet, *own)
	}
	return nil
}

// TakeOver implements journal.Owned: it gives the schema to another fleet. Machines that use it for
// the fleet before are ended, if inUse permits that there are any. They notice with their next
// write.
func (j *Journal) TakeOver(ctx context.Context, fleet string, inUse bool) (t journal.Takeover, err error) {
	o, err := j.given.withDefaults()
	if err != nil {
		return t, err
	}
	of := New(o)
	of.options = o
	if err := of.connect(); err != nil {
		return t, err
	}
	defer of.disconnect()
	err = inTransaction(ctx, of.pool, openTime, func(tx pgx.Tx) error {
		var err error
		t, err = of.takeOver(ctx, tx, fleet, inUse)
		return err
	})
	if err != nil {
		return journal.Takeover{}, of.describe(of.explainRights(err))
	}
	return t, nil
}

func (j *Journal) takeOver(ctx context.Context, tx pgx.Tx, fleet string, inUse bool) (t journal.Takeover, err error) {
	version, err := j.schemaVersion(ctx, tx)
	switch {
	case err != nil:
		return t, err
	case version == 0:
		return t, fmt.Errorf("there is no schema %s: %w", j.options.Schema, fs.ErrNotExist)
	case version > len(migrations):
		return t, fmt.Errorf("%w: %w", journal.ErrForeign, j.tooNew(version))
	}
	// Announcing a machine locks this row too.
	if err := tx.QueryRow(ctx, j.sql("select coalesce(fleet, '') from {s}.meta for update", 0)).Scan(&t.Before); err != nil || t.Before == fleet {
		return t, err
	}
	rows, err := tx.Query(ctx, j.sql(`select incarnation, name, until > clock_timestamp() from {s}.machines where ended is null
		order by name, incarnation for update`, 0))
	if err != nil {
		return t, err
	}
	type machine struct {
		Incarnation int64
		Name        string
		Lives       bool
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[machine])
	if err != nil {
		return t, err
	}
	for _, m := range all {
		if m.Lives {
			t.Machines = append(t.Machines, m.Name)
		}
	}
	if len(t.Machines) > 0 && !inUse {
		return t, &journal.UsedError{Fleet: t.Before, Machines: t.Machines}
	}
	for _, m := range all {
		if _, err := tx.Exec(ctx, j.sql("update {s}.machines set ended = clock_timestamp() where incarnation = $1", 0), m.Incarnation); err != nil {
			return t, err
		}
		if err := j.takeBack(ctx, tx, m.Incarnation, died); err != nil {
			return t, err
		}
	}
	_, err = tx.Exec(ctx, j.sql("update {s}.meta set fleet = $1", 0), fleet)
	return t, err
}

// Describe implements journal.Sharing: the row of this machine has the parts soon.
func (j *Journal) Describe(parts map[string]string) {
	text, err := json.Marshal(parts)
	if err != nil { // never: they are texts
		return
	}
	config := string(text)
	j.config.Store(&config)
	j.undescribed.Store(true)
}

func (j *Journal) configText() string {
	if c := j.config.Load(); c != nil {
		return *c
	}
	return ""
}

// describeAnew writes what Describe was told. What fails is tried again.
func (j *Journal) describeAnew(ctx context.Context) {
	if !j.undescribed.Swap(false) {
		return
	}
	if _, err := j.pool.Exec(ctx, j.sql("update {s}.machines set config = $2 where incarnation = $1", 0),
		j.incarnation.Load(), j.configText()); err != nil {
		j.undescribed.Store(true)
	}
}

// Machines returns the machines that have the journal open.
func (j *Journal) Machines(ctx context.Context) ([]journal.Machine, error) {
	if err := j.checkReady(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, soonTime)
	defer cancel()
	rows, err := j.pool.Query(ctx, j.sql(`select m.name, m.version, m.incarnation = $1, `+finite("m.seen")+`, count(p.id), m.config
		from {s}.machines m left join {s}.pending p on p.holder = m.incarnation
		where m.ended is null group by m.incarnation order by m.name, m.started`, 0), j.incarnation.Load())
	if err != nil {
		return nil, j.unavailable(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m journal.Machine, err error) {
		var config string
		err = row.Scan(&m.Name, &m.Version, &m.Self, &m.LastSeen, &m.Claims, &config)
		// It is empty, or somebody has changed it by hand.
		if json.Unmarshal([]byte(config), &m.Config) != nil {
			m.Config = nil
		}
		return m, err
	})
	return all, j.unavailable(err)
}
