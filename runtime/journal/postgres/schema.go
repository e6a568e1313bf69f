package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/flowtrux/edge/runtime/journal"
)

//go:embed schema.sql
var schema1 string

// migrations are the steps from each version of the schema to the next. A step is never changed
// once it was released: a schema that was made by other steps is refused.
var migrations = []string{schema1}

// digestOf identifies steps, whatever their comments and spaces.
func digestOf(steps []string) string {
	h := sha256.New()
	for _, step := range steps {
		for line := range strings.Lines(step) {
			line, _, _ = strings.Cut(line, "--")
			for word := range strings.FieldsSeq(line) {
				_, _ = io.WriteString(h, word+" ") // never fails
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// divided are the tables that are divided by hours.
var divided = []string{"entries", "documents", "pending", "steps", "records"}

// migrate creates the schema or brings it to the version of this package, in one transaction. Of
// several machines that start at a time, one does it and the others wait. Then it checks that the
// schema is as it was made, and whose it is.
func (j *Journal) migrate(ctx context.Context) error {
	return inTransaction(ctx, j.writes, openTime, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "flowtrux "+j.options.Schema); err != nil {
			return err
		}
		version, err := j.schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("%w: %w", journal.ErrForeign, j.tooNew(version))
		}
		if version > 0 {
			if err := j.checkShape(ctx, tx, version); err != nil {
				return err
			}
		}
		if version < len(migrations) {
			if err := j.migrateFrom(ctx, tx, version); err != nil {
				return err
			}
		}
		return j.checkFleet(ctx, tx)
	})
}

func (j *Journal) tooNew(version int) error {
	return fmt.Errorf("schema %s has version %d, and this program knows up to %d; use a newer program", j.options.Schema, version, len(migrations))
}

// migrateFrom takes the steps from a version to that of this package.
func (j *Journal) migrateFrom(ctx context.Context, tx pgx.Tx, version int) error {
	if version == 0 {
		// Not "if not exists", which needs a right on the database even if it exists.
		var there bool
		if err := tx.QueryRow(ctx, "select to_regnamespace($1) is not null", j.options.Schema).Scan(&there); err != nil {
			return err
		}
		if !there {
			if _, err := tx.Exec(ctx, j.sql("create schema {s}", 0)); err != nil {
				return err
			}
		}
	}
	for _, step := range migrations[version:] {
		if _, err := tx.Exec(ctx, j.sql(step, 0), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	shape, err := j.readShape(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, j.sql("update {s}.meta set version = $1, made = $2, shape = $3", 0), len(migrations), digestOf(migrations), shape)
	return err
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
	if errors.Is(err, pgx.ErrNoRows) || hasCode(err, codeNoColumn) || err == nil && version < 1 {
		return 0, fmt.Errorf("%w: table meta of schema %s has no version", journal.ErrForeign, j.options.Schema)
	}
	return version, err
}

// readShape reads what the schema consists of: a line for each column and each index. The tables of
// hours are made like those above them, and are left out.
func (j *Journal) readShape(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `
		select 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
			case when a.attnotnull then ' not null' else '' end
		from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '_[0-9]+$'
			and a.attnum > 0 and not a.attisdropped
		union all
		select 'index ' || replace(pg_get_indexdef(i.indexrelid), quote_ident($1) || '.', '')
		from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname !~ '_[0-9]+$'
		order by 1`, j.options.Schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// checkShape returns journal.ErrForeign if the schema was not made by the steps of this package, or
// is not as they made it.
func (j *Journal) checkShape(ctx context.Context, tx pgx.Tx, version int) error {
	var made *string
	var want []string
	if err := tx.QueryRow(ctx, j.sql("select made, shape from {s}.meta", 0)).Scan(&made, &want); err != nil && !hasCode(err, codeNoColumn) {
		return err
	}
	if made == nil || *made != digestOf(migrations[:version]) {
		return fmt.Errorf("%w: schema %s was made by another build, whose version %d differs from that of this program; "+
			"use that build to export its executions, or name another schema", journal.ErrForeign, j.options.Schema, version)
	}
	got, err := j.readShape(ctx, tx)
	if err != nil {
		return err
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			return fmt.Errorf("%w: schema %s was altered by hand: %s is missing", journal.ErrForeign, j.options.Schema, line)
		}
	}
	if len(want) == 0 {
		return fmt.Errorf("%w: the tables of schema %s are not complete", journal.ErrForeign, j.options.Schema)
	}
	return nil
}

// sql completes a statement: {s} is the schema, {h} the hour.
func (j *Journal) sql(text string, hour uint32) string {
	text = strings.ReplaceAll(text, "{s}", `"`+j.options.Schema+`"`)
	return strings.ReplaceAll(text, "{h}", strconv.FormatUint(uint64(hour), 10))
}
