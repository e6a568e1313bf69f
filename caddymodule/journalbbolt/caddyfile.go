package journalbbolt

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/flowtrux/edge/caddymodule/journaloptions"
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
	return journaloptions.ReadBlock(d, map[string]journaloptions.Reader{
		"retention": journaloptions.Retention(&j.Retention), "history_rate": journaloptions.HistoryRate(&j.HistoryRate),
		"max_pending": journaloptions.MaxPending(&j.MaxPending), "max_bytes": journaloptions.MaxBytes(&j.MaxBytes),
	})
}
