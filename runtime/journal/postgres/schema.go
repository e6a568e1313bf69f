package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/flowtrux/edge/runtime/journal"
)

//go:embed schema.sql
var schema1 string

// migrations are the steps from each version of the schema to the next. A step is never changed
// once it was released.
var migrations = []string{schema1}

// divided are the tables that are divided by hours.
var divided = []string{"entries", "documents", "pending", "steps", "records"}

// migrate creates the schema or brings it to the version of this package, in one transaction. Of
// several machines that start at a time, one does it and the others wait.
func (j *Journal) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, j.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "flowtrux "+j.options.Schema); err != nil {
			return err
		}
		version, err := j.schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("%w: schema %s has version %d, and this program knows up to %d; use a newer program",
				journal.ErrForeign, j.options.Schema, version, len(migrations))
		}
		for ; version < len(migrations); version++ {
			if version == 0 {
				if _, err := tx.Exec(ctx, j.sql("create schema if not exists {s}", 0)); err != nil {
					return j.explainRights(err)
				}
			}
			if _, err := tx.Exec(ctx, j.sql(migrations[version], 0), pgx.QueryExecModeSimpleProtocol); err != nil {
				return j.explainRights(err)
			}
		}
		return nil
	})
}

// schemaVersion returns the version of the schema; 0 = it is not there, or empty. A schema of
// something else is journal.ErrForeign.
func (j *Journal) schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var tables int
	var meta bool
	if err := tx.QueryRow(ctx, `select count(*), coalesce(bool_or(c.relname = 'meta'), false)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind in ('r', 'p', 'v')`, j.options.Schema).Scan(&tables, &meta); err != nil {
		return 0, err
	}
	switch {
	case tables == 0:
		return 0, nil
	case !meta:
		return 0, fmt.Errorf("%w: schema %s has %d tables of something else; name another schema",
			journal.ErrForeign, j.options.Schema, tables)
	}
	err = tx.QueryRow(ctx, j.sql("select version from {s}.meta", 0)).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && version < 1 {
		return 0, fmt.Errorf("%w: table meta of schema %s has no version", journal.ErrForeign, j.options.Schema)
	}
	return version, err
}

// explainRights adds the statement that grants what a role lacks.
func (j *Journal) explainRights(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != codeNoRight {
		return err
	}
	c := j.pool.Config().ConnConfig
	return fmt.Errorf("%w; as the owner of the database run: grant create on database %s to %s",
		err, pgx.Identifier{c.Database}.Sanitize(), pgx.Identifier{c.User}.Sanitize())
}

// sql completes a statement: {s} is the schema, {h} the hour.
func (j *Journal) sql(text string, hour uint32) string {
	text = strings.ReplaceAll(text, "{s}", j.options.Schema)
	return strings.ReplaceAll(text, "{h}", strconv.FormatUint(uint64(hour), 10))
}
