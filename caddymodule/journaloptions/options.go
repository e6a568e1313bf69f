// Package journaloptions has the options that journals on disks and in databases share: how their
// blocks of a Caddyfile are read, and what values they may have.
package journaloptions

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
)

// DefaultHistoryRate is the default number of records per second.
const DefaultHistoryRate = 200

// Bounds that catch typing mistakes.
const (
	maxMaxPending  = 100_000_000
	maxHistoryRate = 1_000_000
	minMaxBytes    = 16 << 20 // less is of no use: it does not hold a day of anything
)

// Reader sets an option. If the text is none of its values, it returns what the option takes.
type Reader func(text string) (want string)

// ReadBlock reads a block in which each option has one argument and is given at most once.
func ReadBlock(d *caddyfile.Dispenser, readers map[string]Reader) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		read, ok := readers[name]
		if !ok {
			return d.Errf("unrecognized option '%s'; allowed are: %s", name, strings.Join(slices.Sorted(maps.Keys(readers)), ", "))
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

// Retention reads for how long ended executions are kept.
func Retention(to *caddy.Duration) Reader {
	return func(text string) string {
		t, err := caddy.ParseDuration(text)
		if err != nil || t <= 0 {
			return "a duration above 0, such as 72h or 7d"
		}
		*to = caddy.Duration(t)
		return ""
	}
}

// HistoryRate reads a number of records per second.
func HistoryRate(to **int) Reader {
	return func(text string) string {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxHistoryRate {
			return "a number between 0 and " + strconv.Itoa(maxHistoryRate)
		}
		*to = &n
		return ""
	}
}

// MaxPending reads a number of executions that have not ended.
func MaxPending(to *int) Reader {
	return func(text string) string {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxMaxPending {
			return "a number between 1 and " + strconv.Itoa(maxMaxPending)
		}
		*to = n
		return ""
	}
}

// MaxBytes reads the size of a journal.
func MaxBytes(to *int64) Reader {
	return func(text string) string {
		n, err := humanize.ParseBytes(text)
		if err != nil || n < minMaxBytes || n > math.MaxInt64 {
			return "a size of at least 16MiB"
		}
		*to = int64(n)
		return ""
	}
}

// Check rejects values that are out of range. Zero stands for the default; for historyRate, nil
// does.
func Check(retention caddy.Duration, historyRate *int, maxPending int, maxBytes int64) error {
	switch {
	case retention < 0:
		return errors.New("retention is negative")
	case historyRate != nil && (*historyRate < 0 || *historyRate > maxHistoryRate):
		return fmt.Errorf("history_rate is %d; it must be between 0 and %d", *historyRate, maxHistoryRate)
	case maxPending < 0 || maxPending > maxMaxPending:
		return fmt.Errorf("max_pending is %d; it must be between 1 and %d", maxPending, maxMaxPending)
	case maxBytes != 0 && maxBytes < minMaxBytes:
		return fmt.Errorf("max_bytes is %d; it must be at least %d", maxBytes, minMaxBytes)
	}
	return nil
}
