package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// What groups do is kept in the database, as functions of each hour. A session of the server keeps
// the plan of a function for whoever calls it next. So the server parses and plans only a call. No
// client relies on what a session has kept: poolers may give it another one each time.

// function is a function of each hour. {s} is the schema in it, and {h} the hour.
type function struct {
	name   string // ends with a digest of the definition: machines of other versions call their own
	call   string
	body   string // between the quotes of the definition
	create string
}

// functions are those of an hour.
var functions = []*function{acceptGroup, checkpointGroup, finishGroup}

// newFunction makes a function of a query. The names of what it returns are not seen in the query.
func newFunction(does, takes, returns, query string) *function {
	body := "\n#variable_conflict use_column\nbegin return query\n" + query + ";\nend "
	// A plan that was made for the first call is as good for the others: rows are looked up by
	// their index, see fence.
	definition := "(" + takes + ") returns table (" + returns + ") language plpgsql set plan_cache_mode = force_generic_plan as $flowtrux$" +
		body + "$flowtrux$"
	digest := sha256.Sum256([]byte(definition))
	name := does + "_{h}_" + hex.EncodeToString(digest[:4])
	parameters := make([]string, strings.Count(takes, ",")+1)
	for i := range parameters {
		parameters[i] = fmt.Sprintf("$%d", i+1)
	}
	return &function{
		name:   name,
		call:   "select * from {s}." + name + "(" + strings.Join(parameters, ", ") + ")",
		body:   body,
		create: "create or replace function {s}." + name + definition,
	}
}

// isIn returns the condition that the id of a row of u is in a part of the query. As a join it
// would compare each with each, since joins by hashing are off, see fence. What is no join is
// hashed.
func isIn(part string) string {
	return "(u.id in (select id from " + part + ")) is true"
}

// ensureFunctions creates the functions of an hour that are not there, or were altered by hand.
func (j *Journal) ensureFunctions(ctx context.Context, tx pgx.Tx, hour uint32) error {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = j.sql(f.name, hour)
	}
	rows, err := tx.Query(ctx, `select p.proname || p.prosrc from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = $1 and p.proname = any($2)`, j.options.Schema, names)
	if err != nil {
		return err
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, f := range functions {
		if slices.Contains(texts, j.sql(f.name+f.body, hour)) {
			continue
		}
		if _, err := tx.Exec(ctx, j.sql(f.create, hour)); err != nil {
			return err
		}
	}
	return nil
}

// dropFunctions drops the functions of an hour, those of other versions too.
func (j *Journal) dropFunctions(ctx context.Context, tx pgx.Tx, hour uint32) error {
	rows, err := tx.Query(ctx, `select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = $1 and p.proname ~ ('^[a-z]+_' || $2::bigint || '_[0-9a-f]{8}$')`, j.options.Schema, int64(hour))
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, "drop function "+name); err != nil {
			return err
		}
	}
	return nil
}
