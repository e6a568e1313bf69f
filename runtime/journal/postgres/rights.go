package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNoRight means that the role lacks a right. The text of the error says which one, and how to
// grant it.
var ErrNoRight = errors.New("the role lacks a right")

// deniedObject finds what a server denies.
var deniedObject = regexp.MustCompile(`^(?:permission denied for|must be owner of) (\w+) ([^ ]+)$`)

// explainRights adds the statement that grants what the role lacks. The role has to own the tables
// and functions: it divides the tables, and drops those of hours that are over.
func (j *Journal) explainRights(err error) error {
	var pg *pgconn.PgError
	if errors.Is(err, ErrNoRight) || !errors.As(err, &pg) || pg.Code != codeNoRight {
		return err
	}
	c := j.pool.Config().ConnConfig
	role := pgx.Identifier{c.User}.Sanitize()
	schema := pgx.Identifier{j.options.Schema}.Sanitize()
	run := fmt.Sprintf("alter schema %[1]s owner to %[2]s; grant all on schema %[1]s to %[2]s; do $$ declare t regclass; begin "+
		"for t in select oid from pg_class where relnamespace = '%[1]s'::regnamespace and relkind in ('r', 'p') loop "+
		"execute 'alter table ' || t || ' owner to %[3]s'; end loop; end $$; grant all on all tables in schema %[1]s to %[2]s; "+
		"do $$ declare f regprocedure; begin for f in select oid from pg_proc where pronamespace = '%[1]s'::regnamespace loop "+
		"execute 'alter function ' || f || ' owner to %[3]s'; end loop; end $$; grant execute on all functions in schema %[1]s to %[2]s",
		schema, role, strings.ReplaceAll(role, "'", "''"))
	if found := deniedObject.FindStringSubmatch(pg.Message); found != nil {
		switch found[1] {
		case "database":
			right := "create"
			if pg.Severity == "FATAL" { // there is no connection
				right = "connect"
			}
			run = fmt.Sprintf("grant %s on database %s to %s", right, pgx.Identifier{c.Database}.Sanitize(), role)
		case "language":
			run = fmt.Sprintf("grant usage on language %s to %s", found[2], role)
		case "schema":
			run = fmt.Sprintf("grant create, usage on schema %s to %s", schema, role)
		}
	}
	return fmt.Errorf("%w: %w; as a superuser or the owner run: %s", ErrNoRight, err, run)
}
