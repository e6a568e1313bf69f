package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

// checkEvery is how often the settings are checked that durability depends on.
const checkEvery = time.Minute

var (
	// errTooWeak means that the server is not set up for the durability that is required.
	errTooWeak = errors.New("the server does not keep what is accepted")
	// errNotReplicated means that no standby confirms commits at the moment.
	errNotReplicated = errors.New("no synchronous standby confirms commits, and replicated is required")
)

// Durability is what the options require.
func (j *Journal) Durability() journal.Durability {
	if j.given.Require == journal.Replicated {
		return journal.Replicated
	}
	return journal.Disk
}

// CheckedDurability returns the durability as it was found last.
func (j *Journal) CheckedDurability() journal.Durability {
	if d := j.durable.Load(); d != nil {
		return *d
	}
	return j.Durability()
}

// checkDurability reads what a commit survives.
func (j *Journal) checkDurability(ctx context.Context) error {
	var fsync, recovering, sees bool
	var confirming int
	var names string
	if err := j.pool.QueryRow(ctx, `select current_setting('fsync')::boolean, pg_is_in_recovery(), current_setting('synchronous_standby_names'),
		(select count(*) from pg_stat_replication where sync_state in ('sync', 'quorum')),
		pg_has_role(current_user, 'pg_read_all_stats', 'usage')`).Scan(&fsync, &recovering, &names, &confirming, &sees); err != nil {
		return err
	}
	found := journal.Disk
	switch {
	case !fsync:
		found = journal.Memory
	case names != "" && confirming > 0 && !recovering:
		found = journal.Replicated
	}
	j.durable.Store(&found)
	c := j.pool.Config().ConnConfig
	switch {
	case !fsync:
		return fmt.Errorf("%w: it runs with fsync = off, and forgets with a crash what it has confirmed; set fsync = on", errTooWeak)
	case j.options.Require != journal.Replicated:
		return nil
	case !sees:
		return fmt.Errorf("%w: require replicated needs to read pg_stat_replication; as a superuser run: grant pg_read_all_stats to %s",
			ErrNoRight, pgx.Identifier{c.User}.Sanitize())
	case names == "":
		return fmt.Errorf("%w: replicated is required, and synchronous_standby_names is empty", errTooWeak)
	}
	return nil
}

// synchronous returns what makes the commit of a transaction wait. With an empty list of standbys
// the server would not wait for any, so this then fails, with codeRoot, if one is required.
func (j *Journal) synchronous() string {
	on := "set_config('synchronous_commit', 'on', true)"
	if j.options.Require == journal.Replicated {
		on += ", sqrt(length(current_setting('synchronous_standby_names')) - 1)"
	}
	return on
}
