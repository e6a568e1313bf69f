// Package journalbbolt is Caddy's module for the journal on this machine's disk, in the namespace
// flowtrux.journals. It is a thin wrapper around package runtime/journal/bbolt.
package journalbbolt

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/caddymodule/journaloptions"
	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

func init() {
	caddy.RegisterModule(&Journal{})
}

// Journal stores accepted executions, idempotency keys and records in a file. Accepted executions
// survive the end of the process, a crash of the machine and the loss of power.
//
// Only one process at a time can use the file. All configs of a process that name the same file
// share it, and the options of the config that was loaded last apply.
//
// In a Caddyfile:
//
//	{
//		flowtrux {
//			journal bbolt /var/lib/flowtrux/journal.db {
//				retention 7d
//				max_bytes 8GiB
//			}
//		}
//	}
//
// The journal in JSON, with the duration in nanoseconds and the size in bytes:
//
//	{
//		"engine": "bbolt",
//		"file": "/var/lib/flowtrux/journal.db",
//		"max_bytes": 8589934592,
//		"retention": 604800000000000
//	}
type Journal struct {
	// Path of the file. The file and its directory are created if they do not exist. Use a local
	// disk, not a network or in-memory file system. Placeholders such as `{env.HOME}` are resolved
	// when the config is loaded. Default: `flowtrux/journal/journal.db` in Caddy's data directory.
	File string `json:"file,omitempty"`

	// How long ended executions can be listed, read and replayed, counted from when they were
	// accepted. Default: 72h.
	Retention caddy.Duration `json:"retention,omitempty"`

	// How many executions per second are recorded of those that succeed while a sender waits. All
	// other executions are always recorded. 0 records none of them. Default: 200.
	HistoryRate *int `json:"history_rate,omitempty"`

	// Maximum number of accepted executions that have not ended. Beyond it, webhooks in mode
	// `minimal` are rejected with 503. One workflow can have at most three quarters of it. Default:
	// 100000.
	MaxPending int `json:"max_pending,omitempty"`

	// Maximum size of the file, in bytes. To stay below it, ended executions are removed before
	// their retention is over, the oldest first, and then responses that are stored for duplicates,
	// which use at most a quarter of it. One workflow can use at most three quarters of the room
	// for pending executions and idempotency keys, and of that for stored responses. Default: 4
	// GiB.
	MaxBytes int64 `json:"max_bytes,omitempty"`

	path string // of File, without placeholders
}

// CaddyModule returns the Caddy module information.
func (*Journal) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.journals.bbolt",
		New: func() caddy.Module { return new(Journal) },
	}
}

// Provision resolves placeholders. It touches no file.
func (j *Journal) Provision(caddy.Context) (err error) {
	if j.path, err = caddy.NewReplacer().ReplaceOrErr(j.File, true, true); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if j.path == "" {
		j.path = filepath.Join(caddy.AppDataDir(), "flowtrux", "journal", "journal.db")
	}
	if j.path, err = filepath.Abs(j.path); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return nil
}

// Validate rejects values that are out of range.
func (j *Journal) Validate() error {
	return journaloptions.Check(j.Retention, j.HistoryRate, j.MaxPending, j.MaxBytes)
}

// JournalKey implements journal.Module. The options are not part of it: they can change while the
// file is open.
func (j *Journal) JournalKey() string { return fmt.Sprintf("bbolt %q", j.path) }

// NewJournal implements journal.Module.
func (j *Journal) NewJournal() (journal.Journal, error) { return bbolt.New(j.path, j.limits(), 0), nil }

// Configure implements journal.Module.
func (j *Journal) Configure(other journal.Journal) {
	if b, ok := other.(*bbolt.Journal); ok {
		b.Configure(j.limits())
	}
}

func (j *Journal) limits() bbolt.Limits {
	return bbolt.Limits{MaxPending: j.MaxPending, MaxBytes: j.MaxBytes, Retention: time.Duration(j.Retention)}
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
	_ journal.Module        = (*Journal)(nil)
)
