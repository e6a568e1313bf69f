package journalbbolt

import (
	"math"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// UnmarshalCaddyfile reads the journal's block. Syntax:
//
//	bbolt [<file>] {
//		retention    <duration>
//		history_rate <count>
//		max_pending  <count>
//		max_bytes    <size>
//	}
func (j *Journal) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		if j.File = d.Val(); j.File == "" {
			return d.Err("the file is empty")
		}
	}
	if d.NextArg() {
		return d.Err("wrong argument count: bbolt takes at most 1, the file")
	}
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		read, ok := map[string]func(string) string{
			"retention": j.readRetention, "history_rate": j.readHistoryRate, "max_pending": j.readMaxPending, "max_bytes": j.readMaxBytes,
		}[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: history_rate, max_bytes, max_pending, retention", name)
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
