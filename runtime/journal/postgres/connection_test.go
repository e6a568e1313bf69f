package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// TestResolveConnection: values come through unchanged in both forms, and literal passwords do not.
func TestResolveConnection(t *testing.T) {
	const hard = `p@ss:w/o?r#d&=%41 '\{x}+é`
	values := map[string]string{
		"{env.PASSWORD}": hard, "{env.HOST}": "db.example.com", "{env.PORT}": "5433", "{file./run/secrets/user}": "ed ge@x",
		"{env.BAD}": "host=db password=my secret=x", "{env.BAD_URL}": "postgres://edge@db/x?secret=1",
		"{env.URL}": "postgres://edge:secret@db.example.com:5433/flowtrux",
	}
	resolve := func(text string) (string, error) {
		return ResolveConnection(text, func(p string) (string, error) {
			if v, ok := values[p]; ok {
				return v, nil
			}
			return "", errors.New("unknown placeholder " + p)
		})
	}
	for _, c := range []struct{ text, user, password string }{
		{"postgres://edge:{env.PASSWORD}@db.example.com:5433/flowtrux", "edge", hard},
		{"postgresql://{file./run/secrets/user}:{env.PASSWORD}@{env.HOST}:{env.PORT}/flowtrux?sslmode=disable", "ed ge@x", hard},
		{"postgres://edge@{env.HOST}:5433/flowtrux?password={env.PASSWORD}", "edge", hard},
		{"host=db.example.com port=5433 user=edge dbname=flowtrux password={env.PASSWORD}", "edge", hard},
		{"host = {env.HOST} port='{env.PORT}' user='{file./run/secrets/user}' dbname=flow\\trux password = '{env.PASSWORD}' ", "ed ge@x", hard},
		{"{env.URL}", "edge", "secret"},
		{"postgres://edge@db.example.com:5433/flowtrux", "edge", ""},
	} {
		text, err := resolve(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		p, err := pgxpool.ParseConfig(text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := p.ConnConfig
		if got.User != c.user || got.Password != c.password || got.Host != "db.example.com" || got.Port != 5433 || got.Database != "flowtrux" {
			t.Errorf("%s: %s %q at %s:%d/%s", c.text, got.User, got.Password, got.Host, got.Port, got.Database)
		}
	}
	for _, literal := range []string{
		"postgres://edge:secret@db.example.com/x", "postgres://edge@db/x?password=secret", "postgres://edge@db/x?sslmode=require&sslpassword=secret", "postgres://edge@db/x?pass%77ord=secret",
		"host=db password=secret", "host=db password = 'sec ret'", "password=a{env.PASSWORD}", "postgres://edge:{env.PASSWORD}secret@db/x",
	} {
		if _, err := resolve(literal); !errors.Is(err, ErrLiteralPassword) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v", literal, err)
		}
	}
	for _, bad := range []string{
		"postgres://edge:secret/x@db/y", "postgres://edge:5432/secret@db/y", "host=db passwrod=secret", "postgres://edge@db/x?Password=secret",
		"host=db gssencmode=disable", "host=db pool_max_conns=1", "host=db target_session_attrs=standby", "postgres://edge@db/x?%zz=secret",
		"{env.UNKNOWN}", "{env.BAD}", "{env.BAD_URL}", "db.example.com", "host", "host='x", "a b=c", "host={env.UNKNOWN}", "=x", "host=db password={env.PASSWORD} x",
	} {
		if text, err := resolve(bad); err == nil {
			t.Errorf("%s was taken as %s", bad, text)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error has the password: %v", bad, err)
		}
	}
}
