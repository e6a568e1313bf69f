// Package journalmemory is Caddy's module for the journal in memory, in the namespace
// flowtrux.journals. It is a thin wrapper around package runtime/journal/memory.
package journalmemory

import (
	"fmt"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/runtime/journal"
	"github.com/flowtrux/edge/runtime/journal/memory"
)

func init() {
	caddy.RegisterModule(&Journal{})
}

// Journal stores accepted executions in the memory of the process. They survive a reload of the
// config. Those that have not ended are lost when the process ends.
//
// In a Caddyfile:
//
//	{
//		flowtrux {
//			journal memory {
//				accept_loss
//			}
//		}
//	}
//
// The journal in JSON:
//
//	{
//		"engine": "memory",
//		"accept_loss": true
//	}
type Journal struct {
	// Maximum number of accepted executions that have not ended. Beyond it, webhooks in mode
	// `minimal` are rejected with 503. Changing it starts a new journal; the old one finishes its
	// executions. Default: 100000.
	MaxPending int `json:"max_pending,omitempty"`

	// Accept the loss of accepted executions. Without it, webhooks in mode `minimal` are rejected
	// with 503: their response would promise durability. Default: false.
	AcceptLoss bool `json:"accept_loss,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Journal) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "flowtrux.journals.memory",
		New: func() caddy.Module { return new(Journal) },
	}
}

// Provision fills in defaults.
func (j *Journal) Provision(caddy.Context) error {
	if j.MaxPending == 0 {
		j.MaxPending = memory.DefaultMaxPending
	}
	return nil
}

// Validate rejects a limit that is out of range.
func (j *Journal) Validate() error {
	if j.MaxPending < 0 || j.MaxPending > maxMaxPending {
		return fmt.Errorf("max_pending is %d; it must be between 1 and %d", j.MaxPending, maxMaxPending)
	}
	return nil
}

// maxMaxPending is far above what any memory holds; it catches typing mistakes.
const maxMaxPending = 100_000_000

// JournalKey implements journal.Module.
func (j *Journal) JournalKey() string { return fmt.Sprintf("memory %d %t", j.MaxPending, j.AcceptLoss) }

// NewJournal implements journal.Module.
func (j *Journal) NewJournal() (journal.Journal, error) {
	return memory.New(memory.Options{MaxPending: j.MaxPending, AcceptLoss: j.AcceptLoss}), nil
}

// Configure implements journal.Module: all options are in the key.
func (j *Journal) Configure(journal.Journal) {}

// RecordRate implements journal.Module. It is that of the journal on disk.
func (j *Journal) RecordRate() int { return 200 }

// UnmarshalCaddyfile reads the journal's block. Syntax:
//
//	memory {
//		max_pending <count>
//		accept_loss
//	}
func (j *Journal) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the engine's name
	if d.NextArg() {
		return d.Err("wrong argument count: memory takes none")
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "max_pending":
			if j.MaxPending != 0 {
				return d.Err("max_pending is given twice")
			}
			var count string
			if !d.AllArgs(&count) {
				return d.Err("wrong argument count: max_pending takes 1")
			}
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > maxMaxPending {
				return d.Errf("max_pending takes a number between 1 and %d, not '%s'", maxMaxPending, count)
			}
			j.MaxPending = n
		case "accept_loss":
			if j.AcceptLoss {
				return d.Err("accept_loss is given twice")
			}
			if d.NextArg() {
				return d.Err("wrong argument count: accept_loss takes none")
			}
			j.AcceptLoss = true
		default:
			return d.Errf("unrecognized option '%s'; allowed are: accept_loss, max_pending", d.Val())
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Journal)(nil)
	_ caddy.Validator       = (*Journal)(nil)
	_ caddyfile.Unmarshaler = (*Journal)(nil)
	_ journal.Module        = (*Journal)(nil)
)
