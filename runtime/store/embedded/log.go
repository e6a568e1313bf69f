package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// serverLog is etcd's log: warnings and worse. Where etcd would end the process because it cannot go on, a full disk for
// one, only the goroutine ends that found out, and fail is called: webhooks are served from memory then.
func serverLog(l *zap.Logger, fail context.CancelCauseFunc) *zap.Logger {
	hook := endGoroutine{fail}
	return l.Named("etcd").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return warnings{c} }),
		zap.WithFatalHook(hook), zap.WithPanicHook(hook))
}

// warnings is a core without what is less than a warning. (zap.IncreaseLevel would look at the level of the core under it
// only once, and that one follows Caddy's config.)
type warnings struct{ zapcore.Core }

// Enabled implements zapcore.Core.
func (w warnings) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel && w.Core.Enabled(l) }

// With implements zapcore.Core.
func (w warnings) With(fields []zapcore.Field) zapcore.Core { return warnings{w.Core.With(fields)} }

// noise is what etcd says when it starts, whatever it is told, and means nothing for a single member without a port.
var noise = []string{
	"Running http and grpc server on single port. This is not recommended for production.",
	"Failed to detect schema version",  // of a new directory;
	"failed to update storage version", // done a moment later
}

// Check implements zapcore.Core.
func (w warnings) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Level < zapcore.WarnLevel || slices.Contains(noise, e.Message) {
		return to
	}
	return w.Core.Check(e, to)
}

// endGoroutine is what a log does after an entry that no program is meant to survive.
type endGoroutine struct{ fail context.CancelCauseFunc }

// OnWrite implements zapcore.CheckWriteHook.
func (h endGoroutine) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, f := range fields {
		if cause, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
			err = fmt.Errorf("%s: %w", entry.Message, cause)
		}
	}
	h.fail(fmt.Errorf("the embedded store has failed: %w", err))
	runtime.Goexit()
}
