// Package journalbbolt is the journal on this machine's disk, as a guest module of
// flowtrux.journals. It is a thin wrapper; the journal itself is package runtime/journal/bbolt.
package journalbbolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/bbolt"
)

func init() {
	caddy.RegisterModule(&Journal{})
}

// DefaultHistoryRate is how many successes a second are recorded when it is not said.
const DefaultHistoryRate = 200

// Journal keeps accepted executions, idempotency keys and records in a file. What was accepted
// survives the process, a crash of the machine and the loss of power. The file belongs to one
// process at a time; all configs of a process that name it share it, and the options of the one
// that was loaded last count.
type Journal struct {
	// The file. It is made, with its directory, if there is none. Put it on a disk of this machine:
	// not on a network file system, nor on one that lives in memory. Placeholders such as
	// `{env.HOME}` are resolved when the config is loaded. Default: `flowtrux/journal/journal.db`
	// in Caddy's data directory.
	File string `json:"file,omitempty"`

	// How long executions that have ended can be listed, read and replayed, counted from their
	// acceptance. Default: 72h.
	Retention caddy.Duration `json:"retention,omitempty"`

	// How many executions a second are recorded of those that succeeded while a sender waited for
	// them. All others are recorded always. 0 records none of them. Default: 200.
	HistoryRate *int `json:"history_rate,omitempty"`

	// The most executions that are accepted and have not ended. When it is reached, webhooks in
	// mode `minimal` are answered 503. One workflow has at most three quarters of it. Default:
	// 100000.
	MaxPending int `json:"max_pending,omitempty"`

	// The most bytes that the file takes. Executions that have ended go before their time to stay
	// below, the oldest first, and then answers that are kept for duplicates, which take at most a
	// quarter of it. One workflow has at most three quarters of what pending work and idempotency
	// keys may take, and of kept answers. Default: 4 GiB.
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

// Bounds that keep a slip of the finger from being taken seriously.
const (
	maxMaxPending  = 100_000_000
	maxHistoryRate = 1_000_000
	minMaxBytes    = 16 << 20 // less than that does not hold a day of anything
)

// Validate refuses what cannot be.
func (j *Journal) Validate() error {
	switch {
	case j.Retention < 0:
		return errors.New("retention is negative")
	case j.HistoryRate != nil && (*j.HistoryRate < 0 || *j.HistoryRate > maxHistoryRate):
		return fmt.Errorf("history_rate is %d; it must be between 0 and %d", *j.HistoryRate, maxHistoryRate)
	case j.MaxPending < 0 || j.MaxPending > maxMaxPending:
		return fmt.Errorf("max_pending is %d; it must be between 1 and %d", j.MaxPending, maxMaxPending)
	case j.MaxBytes != 0 && j.MaxBytes < minMaxBytes:
		return fmt.Errorf("max_bytes is %d; it must be at least %d", j.MaxBytes, minMaxBytes)
	}
	return nil
}

// JournalKey implements journal.Module. The options are not in it: they change while the file is
// open.
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
		return DefaultHistoryRate
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
