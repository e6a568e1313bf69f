package journalpostgres

import (
	"math"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

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
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		read, ok := map[string]func(string) string{
			"schema": j.readSchema, "retention": j.readRetention, "history_rate": j.readHistoryRate, "max_pending": j.readMaxPending,
			"max_bytes": j.readMaxBytes, "lease": j.readLease, "require": j.readRequire,
		}[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: history_rate, lease, max_bytes, max_pending, require, retention, schema", name)
		}
		if seen[name] {
			return d.Errf("option '%s' is given twice", name)
		}
		seen[name] = true
		var text string
		if !d.AllArgs(&text) {
			return d.Errf("wrong argument count: %s takes 1", name)
		}
		if want := read(text); want != "" {
			return d.Errf("%s is '%s'; it takes %s", name, text, want)
		}
	}
	return nil
}

// The readers set an option, or say what it takes.

func (j *Journal) readSchema(text string) string {
	j.Schema = text
	if o := j.options(); o.CheckSchema() != nil {
		return "at most 63 lower-case letters, digits and underscores, the first one no digit, and no pg_ at the beginning"
	}
	return ""
}

func (j *Journal) readRetention(text string) string {
	t, err := caddy.ParseDuration(text)
	if err != nil || t <= 0 {
		return "a duration above 0, such as 72h or 7d"
	}
	j.Retention = caddy.Duration(t)
	return ""
}

func (j *Journal) readHistoryRate(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxHistoryRate {
		return "a number between 0 and " + strconv.Itoa(maxHistoryRate)
	}
	j.HistoryRate = &n
	return ""
}

func (j *Journal) readMaxPending(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxMaxPending {
		return "a number between 1 and " + strconv.Itoa(maxMaxPending)
	}
	j.MaxPending = n
	return ""
}

func (j *Journal) readMaxBytes(text string) string {
	n, err := humanize.ParseBytes(text)
	if err != nil || n < minMaxBytes || n > math.MaxInt64 {
		return "a size of at least 16MiB"
	}
	j.MaxBytes = int64(n)
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
