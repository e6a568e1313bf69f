package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/flowtrux/edge/runtime/journal"
)

// describe tells which database an error is of, and what to do, without a secret.
func (j *Journal) describe(err error) error {
	if err == nil || errors.Is(err, journal.ErrClosed) || errors.Is(err, context.Canceled) {
		return err
	}
	err = j.explainRights(err)
	c := j.pool.Config().ConnConfig
	text := fmt.Sprintf("database %s of %s as %s: %s", c.Database, strings.Join(servers(c), ","), c.User, plainText(err))
	if advice := advise(err, c); advice != "" && !strings.Contains(text, advice) {
		text += "; " + advice
	}
	return &described{err, text}
}

// described is an error with a text of its own.
type described struct {
	error
	text string
}

func (d *described) Error() string { return d.text }

func (d *described) Unwrap() error { return d.error }

// servers returns where the database may be.
func servers(c *pgx.ConnConfig) (all []string) {
	add := func(host string, port uint16) {
		at := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if strings.HasPrefix(host, "/") { // the directory of a socket
			at = host + ":" + strconv.Itoa(int(port))
		}
		if len(all) == 0 || all[len(all)-1] != at { // with TLS, and without
			all = append(all, at)
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	return all
}

// plainText returns the text of an error on one line, and each of its lines once: there is one for
// each server and each way to it. A caller adds which database it is.
func plainText(err error) string {
	text := err.Error()
	if connecting := (*pgconn.ConnectError)(nil); errors.As(err, &connecting) {
		text = strings.Replace(text, connecting.Error(), connecting.Unwrap().Error(), 1)
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && (len(lines) == 0 || lines[len(lines)-1] != line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// Codes of the server that have an advice.
const (
	codeBadLogin    = "28000" // also of rules, certificates and unknown roles
	codeBadPassword = "28P01"
	codeNoDatabase  = "3D000"
	codeConnections = "53300"
	codeDiskFull    = "53100"
	codeNoMemory    = "53200"
	codeNoObject    = "42704" // a parameter, or the language of functions
	codeCancelled   = "57014" // mostly by statement_timeout
	codeLocked      = "55P03"
)

// advise returns what an operator can do about an error, "" if that is not known.
func advise(err error, c *pgx.ConnConfig) string {
	role, database := pgx.Identifier{c.User}.Sanitize(), pgx.Identifier{c.Database}.Sanitize()
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return adviseCode(pg, c, role, database)
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var expired x509.CertificateInvalidError
	var lookup *net.DNSError
	switch text := err.Error(); {
	case errors.As(err, &unknown):
		return "sslrootcert in the connection string must name the authority that has signed the server's certificate"
	case errors.As(err, &name):
		return "the host in the connection string must be one that the server's certificate names"
	case errors.As(err, &expired):
		return "renew the server's certificate, or set the clock of this machine"
	case strings.Contains(text, "server refused TLS connection"):
		return "the server has no TLS: set ssl = on there, or, in a network that you trust, sslmode=disable here"
	case errors.As(err, &lookup):
		return "check the host in the connection string, and the name server of this machine"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "check whether the server runs, its listen_addresses, and host and port in the connection string"
	case errors.Is(err, os.ErrNotExist) && strings.HasPrefix(c.Host, "/"):
		return "check whether the server runs on this machine, and its unix_socket_directories"
	case errors.Is(err, os.ErrPermission):
		return "the user of this process needs the right to use the socket of the server"
	case strings.Contains(text, "read only connection"):
		return "the server is a standby, or default_transaction_read_only is on there: name the primary one, or all servers, as in host=a,b"
	case errors.Is(err, os.ErrDeadlineExceeded), pgconn.Timeout(err):
		return "the server does not answer in time: check the network, firewalls, and what the server waits for in pg_stat_activity"
	}
	return ""
}

func adviseCode(pg *pgconn.PgError, c *pgx.ConnConfig, role, database string) string {
	switch pg.Code {
	case codeBadPassword:
		if c.Password == "" {
			return "the connection string gives no password: add password={env.PGPASSWORD}, or set PGPASSFILE"
		}
		return "check the password, and whether the role exists; to set it: alter role " + role + " password '...'"
	case codeBadLogin:
		switch m := pg.Message; {
		case strings.Contains(m, "no encryption"):
			return "the server may demand TLS: use sslmode=verify-full, or add a line to pg_hba.conf of the server"
		case strings.Contains(m, "pg_hba.conf"):
			return "add a line for this role, database and machine to pg_hba.conf of the server"
		case strings.Contains(m, "client certificate"):
			return "sslcert and sslkey must name a certificate that an authority in ssl_ca_file of the server has signed"
		case strings.Contains(m, "certificate authentication failed"):
			return "the certificate that sslcert names must be of the role: its common name is that of the role"
		case strings.Contains(m, "does not exist"):
			return "as a superuser run: create role " + role + " login password '...'"
		case strings.Contains(m, "not permitted to log in"):
			return "as a superuser run: alter role " + role + " login"
		}
	case codeNoDatabase:
		return "as a superuser run: create database " + database + " owner " + role
	case codeConnections:
		return fmt.Sprintf("a machine uses up to %d connections: raise max_connections of the server or the connection limit of role and database, or use a pooler", maxConns+writeConns)
	case codeDiskFull:
		return "free space on the disk of the database server"
	case codeNoMemory:
		return "the database server needs more memory, or a larger max_locks_per_transaction"
	case codeNoObject:
		if strings.Contains(pg.Message, "plpgsql") {
			return "as a superuser run in database " + database + ": create extension plpgsql"
		}
		return "check options in the connection string, and PGOPTIONS"
	case codeCancelled:
		return "an administrator or statement_timeout has ended it; to take the limit away run: alter role " + role + " set statement_timeout = 0"
	case codeLocked:
		return "another session holds a lock, see pg_locks"
	}
	return ""
}

// keywordTakes has what pgx says of the value of a keyword that it does not take, and what the
// keyword takes.
var keywordTakes = []struct{ says, keyword, takes string }{
	{"invalid port", "port", "numbers between 1 and 65535, one for all hosts or one for each"},
	{"could not match", "port", "numbers between 1 and 65535, one for all hosts or one for each"},
	{"sslmode is invalid", "sslmode", "disable, allow, prefer, require, verify-ca or verify-full"},
	{"invalid connect_timeout", "connect_timeout", "a number of seconds"},
	{"unknown target_session_attrs", "target_session_attrs", "read-write, primary or any"},
	{"unable to read CA", "sslrootcert", "a file with the certificates of authorities in PEM"},
	{"unable to add CA", "sslrootcert", "a file with the certificates of authorities in PEM"},
	{"unable to read sslkey", "sslkey", "a file with the key of sslcert in PEM"},
	{"failed to decode sslkey", "sslkey", "a file with the key of sslcert in PEM"},
	{"sslpassword", "sslpassword", "the password of the file that sslkey names"},
	{"unable to decrypt key", "sslpassword", "the password of the file that sslkey names"},
	{"sslcertmode", "sslcertmode", "disable, allow or require"},
	{"cert", "sslcert, with sslkey,", "a file with a certificate in PEM, and sslkey one with its key"},
	{"protocol_version", "min_protocol_version or max_protocol_version", "3.0, 3.2 or latest"},
	{"channel_binding", "channel_binding", "disable, prefer or require"},
	{"require_auth", "require_auth", "methods such as scram-sha-256"},
	{"service", "service", "one of the file that servicefile or PGSERVICEFILE names"},
}

// malformed tells what is wrong with a connection string that pgx does not take. No part of its
// text is repeated: pgx hides passwords in it, but not each part of a string that it cannot read.
func malformed(err error) error {
	text := err.Error()
	if at := strings.LastIndex(text, "`: "); at >= 0 { // behind the connection string
		text = text[at:]
	}
	for _, k := range keywordTakes {
		if !strings.Contains(text, k.says) {
			continue
		}
		reason := ""
		if file := (*os.PathError)(nil); errors.As(err, &file) {
			reason = ": " + file.Err.Error()
		}
		return fmt.Errorf("connection string: %s is wrong%s; it takes %s", k.keyword, reason, k.takes)
	}
	return errMalformed
}
