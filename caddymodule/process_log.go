package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// processLog returns a logger for objects that outlive a config. It looks up Caddy's default log
// for each line, and so follows the logging of the config that runs. A logger of a config would go
// on writing to that config's outputs.
func processLog(name string) *zap.Logger { return zap.New(processCore{}).Named(name) }

// processCore passes each line to the default log of the moment.
type processCore struct{ fields []zapcore.Field }

// Enabled implements zapcore.Core.
func (processCore) Enabled(l zapcore.Level) bool { return caddy.Log().Core().Enabled(l) }

// With implements zapcore.Core.
func (c processCore) With(fields []zapcore.Field) zapcore.Core {
	return processCore{append(slices.Clip(c.fields), fields...)}
}

// Check implements zapcore.Core.
func (c processCore) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Write implements zapcore.Core.
func (c processCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if to := caddy.Log().Core().Check(e, nil); to != nil {
		to.Write(append(slices.Clip(c.fields), fields...)...)
	}
	return nil
}

// Sync implements zapcore.Core.
func (processCore) Sync() error { return caddy.Log().Core().Sync() }
