package postgres

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNoRight means that the role lacks a right. The text of the error says which one, and how to
// grant it.
var ErrNoRight = errors.New("the role lacks a right")

// deniedObject finds what a server denies.
var deniedObject = regexp.MustCompile(`^(?:permission denied for|must be owner of) (\w+) ([^ ]+)$`)

// explainRights adds the statement that grants what the role lacks.
func (j *Journal) explainRights(err error) error {
	var pg *pgconn.PgError
	if errors.Is(err, ErrNoRight) || !errors.As(err, &pg) || pg.Code != codeNoRight {
		return err
	}
	c := j.pool.Config().ConnConfig
	role := pgx.Identifier{c.User}.Sanitize()
	schema := pgx.Identifier{j.options.Schema}.Sanitize()
	run := fmt.Sprintf("alter schema %s owner to %s, and of each table in it: alter table ... owner to %s", schema, role, role)
	if found := deniedObject.FindStringSubmatch(pg.Message); found != nil {
		switch found[1] {
		case "database":
			run = fmt.Sprintf("grant create on database %s to %s", pgx.Identifier{c.Database}.Sanitize(), role)
		case "schema":
			run = fmt.Sprintf("grant create, usage on schema %s to %s", schema, role)
		}
	}
	return fmt.Errorf("%w: %w; as a superuser or the owner run: %s", ErrNoRight, err, run)
}
