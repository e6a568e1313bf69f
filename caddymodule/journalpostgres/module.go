// Package journalpostgres is Caddy's module for the journal that several machines share, in the
// namespace flowtrux.journals. It is a thin wrapper around package runtime/journal/postgres.
package journalpostgres

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/caddymodule/journaloptions"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/postgres"
)

func init() {
	caddy.RegisterModule(&Journal{})
}

// Journal stores accepted executions, idempotency keys and records in a PostgreSQL database,
// which several machines share. Whichever of them accepts an execution, any can run, show and
// cancel it, and what a machine that dies has left is run by the others.
//
// Caddy starts while the database is away. Until it answers, what needs the journal is rejected
// with 503.
//
// In a Caddyfile:
//
//	{
//		flowtrux {
//			store etcd https://10.0.0.1:2379
//			journal postgres postgres://edge:{env.PGPASSWORD}@db.example.com/flowtrux {
//				retention 7d
//				require replicated
//			}
//		}
//	}
//
// The journal in JSON, with the durations in nanoseconds:
//
//	{
//		"engine": "postgres",
//		"connection": "postgres://edge:{env.PGPASSWORD}@db.example.com/flowtrux",
//		"require": "replicated",
//		"retention": 604800000000000
//	}
type Journal struct {
	// Where the database is: a URL as above, or keywords such as `host=db.example.com user=edge
	// dbname=flowtrux`, as libpq takes them. What is left out comes from libpq's variables such as
	// `PGHOST`, and from the file that `PGPASSFILE` names. Several hosts may be named, of which the
	// one that can be written is used. A password must be a placeholder such as `{env.PGPASSWORD}`
	// or `{file./run/secrets/postgres}`, because the config can be read through the admin endpoint;
	// its value is taken as it is. Required.
	Connection string `json:"connection,omitempty"`

	// Schema in the database, which is created if it does not exist. Default: `flowtrux`.
	Schema string `json:"schema,omitempty"`

	// How long ended executions can be listed, read and replayed, counted from when they were
	// accepted, by the clock of the database. Default: 72h.
	Retention caddy.Duration `json:"retention,omitempty"`

	// How many executions per second are recorded of those that succeed while a sender waits, on
	// each machine. All other executions are always recorded. 0 records none of them. Default: 200.
	HistoryRate *int `json:"history_rate,omitempty"`

	// Maximum number of accepted executions that have not ended, of all machines together. Beyond
	// it, webhooks in mode `minimal` are rejected with 503. One workflow can have at most three
	// quarters of it. Default: 100000.
	MaxPending int `json:"max_pending,omitempty"`

	// Maximum size of the tables in the database, in bytes. Once a minute, ended executions beyond
	// it are dropped early, the oldest hour first. Pending executions and idempotency keys take at
	// most three quarters of it, and stored responses a quarter. Default: 64 GiB.
	MaxBytes int64 `json:"max_bytes,omitempty"`

	// How long after its last sign of life a machine is taken for dead, and the others run what it
	// has left. At least 1s. Default: 30s.
	Lease caddy.Duration `json:"lease,omitempty"`

	// What accepted executions must survive: `disk`, the loss of power of the database server; or
	// `replicated`, also the loss of that server. Then webhooks in mode `minimal` are rejected with
	// 503 while no synchronous standby confirms what is written. Default: `disk`.
	Require string `json:"require,omitempty"`

	connection       string // of Connection, without placeholders
	machine, version string
}

// CaddyModule returns the Caddy module information.
func (*Journal) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.journals.postgres",
		New: func() caddy.Module { return new(Journal) },
	}
}

// Provision resolves placeholders. It does not connect.
func (j *Journal) Provision(caddy.Context) (err error) {
	repl := caddy.NewReplacer()
	j.connection, err = postgres.ResolveConnection(j.Connection, func(placeholder string) (string, error) {
		value, err := repl.ReplaceOrErr(placeholder, true, true)
		if err != nil { // it may quote a value
			return "", fmt.Errorf("placeholder %s is unknown or gives nothing", placeholder)
		}
		return value, nil
	})
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	return nil
}

// Bounds that catch typing mistakes.
const (
	minLease = time.Second
	maxLease = time.Hour
)

// Validate rejects values that are out of range.
func (j *Journal) Validate() error {
	switch {
	case j.Connection == "":
		return errors.New("connection is missing; it says where the database is, such as postgres://edge@db.example.com/flowtrux")
	case j.Lease != 0 && (time.Duration(j.Lease) < minLease || time.Duration(j.Lease) > maxLease):
		return fmt.Errorf("lease is %s; it must be between %s and %s", time.Duration(j.Lease), minLease, maxLease)
	}
	if err := journaloptions.Check(j.Retention, j.HistoryRate, j.MaxPending, j.MaxBytes); err != nil {
		return err
	}
	return j.options().Check()
}

// SetMachine implements journal.SharedModule.
func (j *Journal) SetMachine(name, version string) { j.machine, j.version = name, version }

func (j *Journal) options() postgres.Options {
	return postgres.Options{
		Connection: j.connection, Schema: j.Schema, Machine: j.machine, Version: j.version, Lease: time.Duration(j.Lease),
		Limits: j.limits(), Require: journal.Durability(j.Require),
	}
}

func (j *Journal) limits() postgres.Limits {
	return postgres.Limits{Retention: time.Duration(j.Retention), MaxPending: j.MaxPending, MaxBytes: j.MaxBytes}
}

// JournalKey implements journal.Module. The limits are not part of it: they can change while the
// journal is open.
func (j *Journal) JournalKey() string {
	connection := sha256.Sum256([]byte(j.connection)) // it has a password
	o := j.options()
	o.Connection, o.Limits = "", postgres.Limits{}
	return fmt.Sprintf("postgres %x %+v", connection, o)
}

// JournalName implements journal.SharedModule.
func (j *Journal) JournalName() string { return "postgres " + j.options().Location() }

// NewJournal implements journal.Module.
func (j *Journal) NewJournal() (journal.Journal, error) { return postgres.New(j.options()), nil }

// Configure implements journal.Module.
func (j *Journal) Configure(other journal.Journal) {
	if p, ok := other.(*postgres.Journal); ok {
		p.Configure(j.limits())
	}
}

// RecordRate implements journal.Module.
func (j *Journal) RecordRate() int {
	if j.HistoryRate == nil {
		return journaloptions.DefaultHistoryRate
	}
	return *j.HistoryRate
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Journal)(nil)
	_ caddy.Validator       = (*Journal)(nil)
	_ caddyfile.Unmarshaler = (*Journal)(nil)
	_ journal.SharedModule  = (*Journal)(nil)
)
