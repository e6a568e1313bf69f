package journalpostgres

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/caddymodule/journaloptions"
	"github.com/flowtrux/edge/runtime/journal"
)

// UnmarshalCaddyfile reads the journal's block. Syntax:
//
//	postgres <connection string> {
//		schema       <name>
//		retention    <duration>
//		history_rate <count>
//		max_pending  <count>
//		max_bytes    <size>
//		lease        <duration>
//		require      disk|replicated
//	}
func (j *Journal) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	// The string is not repeated in an error: it may have a password.
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return d.Errf("wrong argument count: postgres takes 1, the connection string, in quotes if it has spaces; got %d", len(args))
	}
	j.Connection = args[0]
	return journaloptions.ReadBlock(d, map[string]journaloptions.Reader{
		"schema": j.readSchema, "lease": j.readLease, "require": j.readRequire,
		"retention": journaloptions.Retention(&j.Retention), "history_rate": journaloptions.HistoryRate(&j.HistoryRate),
		"max_pending": journaloptions.MaxPending(&j.MaxPending), "max_bytes": journaloptions.MaxBytes(&j.MaxBytes),
	})
}

// The readers set an option, or say what it takes.

func (j *Journal) readSchema(text string) string {
	j.Schema = text
	if o := j.options(); o.CheckSchema() != nil {
		return "at most 63 lower-case letters, digits and underscores, the first one no digit, and no pg_ at the beginning"
	}
	return ""
}

func (j *Journal) readLease(text string) string {
	t, err := caddy.ParseDuration(text)
	if err != nil || t < minLease || t > maxLease {
		return "a duration between " + minLease.String() + " and " + maxLease.Truncate(time.Minute).String()
	}
	j.Lease = caddy.Duration(t)
	return ""
}

func (j *Journal) readRequire(text string) string {
	if d := journal.Durability(text); d != journal.Disk && d != journal.Replicated {
		return "disk or replicated"
	}
	j.Require = text
	return ""
}
