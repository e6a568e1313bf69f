//go:build unix

package postgres

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowtrux/edge/internal/pgtest"
	"github.com/flowtrux/edge/runtime/journal"
)

// hardPassword has what has a meaning in URLs, keywords, placeholders and SQL.
const hardPassword = `p@ss:w/o?r#d&=%41 '"\{env.X}+é$1;--`

// secured is a server with TLS and passwords, and the certificates of its clients.
type secured struct {
	*pgtest.Server
	t *testing.T
	// dir has the certificates of two authorities, good.crt and bad.crt, and those that they have
	// signed for the role certified: certified.crt and forged.crt, with their keys.
	dir string
}

func newSecured(t *testing.T) *secured {
	s := &secured{server(t), t, t.TempDir()}
	admin := openAt(t, s.Connection(), nil)
	for _, text := range []string{
		"create role edge login password '" + strings.ReplaceAll(hardPassword, "'", "''") + "'", "create role plain login password 'Secret'",
		"create role idle nologin password 'Secret'", "create role certified login", "create role outside login password 'Secret'",
		"create database closed", "revoke connect on database closed from public",
		"create schema of_edge authorization edge", "create schema of_plain authorization plain", "create schema of_certified authorization certified",
		"alter role edge set client_min_messages = debug5",
	} {
		_, err := admin.pool.Exec(t.Context(), text)
		must(t, text, err)
	}
	good, err := pgtest.NewAuthority("good")
	must(t, "making an authority", err)
	bad, err := pgtest.NewAuthority("bad")
	must(t, "making an authority", err)
	must(t, "writing certificates", errors.Join(s.UseTLS(good), good.WriteAuthority(s.file("good.crt")), bad.WriteAuthority(s.file("bad.crt")),
		good.WritePair("certified", s.file("certified.crt"), s.file("certified.key")), bad.WritePair("certified", s.file("forged.crt"), s.file("forged.key"))))
	must(t, "setting rules", s.SetRules(`hostssl all certified 127.0.0.1/32 cert
hostssl all edge 127.0.0.1/32 scram-sha-256
host all plain,idle 127.0.0.1/32 scram-sha-256`))
	eventually(t, "waiting for the rules", func() error {
		_, text := s.open(s.at("nobody"))
		if !strings.Contains(text, "pg_hba.conf") {
			return fmt.Errorf("not yet: %s", text)
		}
		return nil
	})
	return s
}

func (s *secured) file(name string) string { return filepath.Join(s.dir, name) }

func (s *secured) at(user string, more ...string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres user=%s %s", s.Port, user, strings.Join(more, " "))
}

// open opens a journal in the schema of its user, and returns whether it can be used and why not.
// Passwords are given to it by placeholders.
func (s *secured) open(connection string) (ok bool, text string) {
	s.t.Helper()
	given, err := ResolveConnection(connection, func(p string) (string, error) {
		return map[string]string{"{env.HARD}": hardPassword, "{env.PLAIN}": "Secret", "{env.WRONG}": "Wrong'Secret"}[p], nil
	})
	must(s.t, connection, err)
	o := Options{Connection: given, Machine: "a", Lease: time.Minute}
	config, err := poolConfig(o)
	if err != nil {
		return false, err.Error()
	}
	o.Schema = "of_" + config.ConnConfig.User
	j := New(o)
	defer func() { must(s.t, "closing", j.Close()) }()
	if err := j.Open(s.t.Context()); err != nil {
		return false, err.Error()
	}
	if !j.ready.Load() {
		text = j.faultText()
	}
	err = j.Accept(s.t.Context(), entryOf("order", int(time.Now().UnixNano())))
	if err != nil && (!errors.Is(err, journal.ErrUnavailable) || !strings.Contains(err.Error(), text)) {
		s.t.Errorf("%s: accepting: %v, and the fault is %s", connection, err, text)
	}
	return err == nil, text
}

// TestConnectionErrors: what is wrong with a connection is told with the place, the cause and what
// to do, on one line, without a password.
func TestConnectionErrors(t *testing.T) {
	s := newSecured(t)
	port := strconv.Itoa(s.Port)
	for _, c := range []struct {
		name, connection string
		want             []string
	}{
		{"host", "host=nowhere.invalid user=edge dbname=x", []string{"database x of nowhere.invalid:5432 as edge", "lookup nowhere.invalid", "check the host"}},
		{"port", "host=127.0.0.1 port=1 user=edge dbname=x", []string{"of 127.0.0.1:1 as", "connection refused", "listen_addresses"}},
		{"several hosts", "host=127.0.0.1,127.0.0.1 port=1,2 user=edge dbname=x", []string{"of 127.0.0.1:1,127.0.0.1:2 as", "connection refused"}},
		{"directory", "host=/nowhere port=5433 user=edge dbname=x", []string{"of /nowhere:5433 as", "no such file or directory", "unix_socket_directories"}},
		{"database", s.at("plain", "dbname=none password={env.PLAIN}"), []string{`"none" does not exist`, `run: create database "none" owner "plain"`}},
		{"closed database", s.at("plain", "dbname=closed password={env.PLAIN}"), []string{`run: grant connect on database "closed" to "plain"`}},
		{"password", s.at("plain", "password={env.WRONG}"), []string{"of 127.0.0.1:" + port + " as plain", "password authentication failed", "check the password", `alter role "plain" password`}},
		{"password in a URL", "postgres://plain:{env.WRONG}@127.0.0.1:" + port + "/postgres", []string{"password authentication failed", "check the password"}},
		{"no password", s.at("plain"), []string{"gives no password", "PGPASSFILE"}},
		{"user", "host=" + s.Directory() + " port=" + port + " dbname=postgres user=stranger", []string{`role "stranger" does not exist`, `create role "stranger" login`}},
		{"no login", s.at("idle", "password={env.PLAIN}"), []string{"not permitted to log in", `alter role "idle" login`}},
		{"no rule", s.at("outside", "password={env.PLAIN}"), []string{"no pg_hba.conf entry", "add a line"}},
		{"TLS is demanded", s.at("edge", "sslmode=disable password={env.HARD}"), []string{"no encryption", "sslmode=verify-full"}},
		{"wrong authority", s.at("plain", "sslmode=verify-full password={env.PLAIN} sslrootcert="+s.file("bad.crt")), []string{"unknown authority", "sslrootcert"}},
		{"wrong name", strings.Replace(s.at("plain", "sslmode=verify-full password={env.PLAIN} sslrootcert="+s.file("good.crt")), "127.0.0.1", "localhost", 1), []string{"not valid for any names", "that the server's certificate names"}},
		{"no certificate", s.at("certified"), []string{"requires a valid client certificate", "sslcert and sslkey"}},
		{"forged certificate", s.at("certified", "sslmode=require sslcert="+s.file("forged.crt")+" sslkey="+s.file("forged.key")), []string{"client certificate", "ssl_ca_file"}},
		{"options", s.at("plain", "password={env.PLAIN} options='-c nonsense=1'"), []string{"unrecognized configuration parameter", "PGOPTIONS"}},
		{"no file", s.at("plain", "sslmode=verify-full password={env.PLAIN} sslrootcert=/nowhere/ca.crt"), []string{"sslrootcert is wrong: no such file or directory"}},
		{"no certificates in the file", s.at("plain", "sslmode=verify-full password={env.PLAIN} sslrootcert="+s.file("good.key")), []string{"sslrootcert is wrong"}},
		{"certificate without key", s.at("certified", "sslmode=require sslcert="+s.file("certified.crt")), []string{"sslcert, with sslkey, is wrong"}},
		{"no key", s.at("certified", "sslmode=require sslcert="+s.file("certified.crt")+" sslkey=/nowhere/x.key"), []string{"sslkey", "no such file"}},
		{"port is no number", "host=127.0.0.1 port={env.WRONG} user=edge dbname=x", []string{"connection string: port is wrong; it takes numbers"}},
		{"ports of hosts", "host=a,b,c port=1,2 user=edge dbname=x", []string{"port is wrong", "one for all hosts"}},
		{"sslmode", "postgres://edge@db/x?sslmode=on", []string{"sslmode is wrong; it takes disable, allow"}},
		{"timeout", "postgres://edge@db/x?connect_timeout=2s", []string{"connect_timeout is wrong; it takes a number of seconds"}},
		{"target", "postgres://edge@db/x?target_session_attrs=master", []string{"target_session_attrs is wrong; it takes read-write"}},
		{"service", "service=nowhere user=edge", []string{"service is wrong"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, text := s.open(c.connection)
			for _, want := range c.want {
				if ok || !strings.Contains(text, want) {
					t.Errorf("got %q, want %q", text, want)
				}
			}
			if strings.Contains(text, "Secret") || strings.Contains(text, hardPassword) || strings.Contains(text, "\n") {
				t.Errorf("it has a password, or several lines: %q", text)
			}
		})
	}
}

// TestConnections: the ways to a database that work.
func TestConnections(t *testing.T) {
	s := newSecured(t)
	port := strconv.Itoa(s.Port)
	trusted := "sslmode=verify-full sslrootcert=" + s.file("good.crt")
	dead, err := net.Listen("tcp", "127.0.0.1:0") // it never answers
	must(t, "listening", err)
	defer dead.Close()
	for name, connection := range map[string]string{
		"keywords":           s.at("edge", "password={env.HARD}"),
		"quoted keywords":    s.at("edge", "password = '{env.HARD}'"),
		"URL":                "postgres://edge:{env.HARD}@127.0.0.1:" + port + "/postgres",
		"query of a URL":     "postgres://edge@127.0.0.1:" + port + "/postgres?password={env.HARD}&sslmode=require",
		"verified":           s.at("edge", "password={env.HARD}", trusted),
		"certificate":        s.at("certified", trusted, "sslcert="+s.file("certified.crt"), "sslkey="+s.file("certified.key")),
		"without TLS":        s.at("plain", "sslmode=disable password={env.PLAIN}"),
		"directory":          "host=" + s.Directory() + " port=" + port + " dbname=postgres user=plain",
		"directory in URL":   "postgres://plain@/postgres?host=" + s.Directory() + "&port=" + port,
		"first host refuses": "postgres://plain:{env.PLAIN}@127.0.0.1:1,127.0.0.1:" + port + "/postgres",
		"first host is mute": fmt.Sprintf("host=127.0.0.1,127.0.0.1 port=%d,%s user=plain dbname=postgres password={env.PLAIN} sslmode=disable connect_timeout=1",
			dead.Addr().(*net.TCPAddr).Port, port),
		"options": s.at("plain", "password={env.PLAIN} options='-c statement_timeout=60s' application_name=edge"),
	} {
		t.Run(name, func(t *testing.T) {
			if ok, text := s.open(connection); !ok {
				t.Error(text)
			}
		})
	}
}
