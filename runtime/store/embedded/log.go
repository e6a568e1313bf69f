package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// serverLog returns a logger for etcd that passes on warnings and errors. Where etcd would end the
// process, for example because the disk is full, only the calling goroutine ends, and the server
// fails. Webhooks are then served from memory.
func serverLog(l *zap.Logger, s *server) *zap.Logger {
	hook := endGoroutine{s.fail}
	return l.Named("etcd").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return warnings{c, s.failed} }),
		zap.WithFatalHook(hook), zap.WithPanicHook(hook))
}

// warnings is a core that drops entries below warnings. (zap.IncreaseLevel would check the level of
// the wrapped core only once, but that level follows Caddy's config.)
type warnings struct {
	zapcore.Core
	failed context.Context // of the server
}

// Enabled implements zapcore.Core.
func (w warnings) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel && w.Core.Enabled(l) }

// With implements zapcore.Core.
func (w warnings) With(fields []zapcore.Field) zapcore.Core {
	return warnings{w.Core.With(fields), w.failed}
}

// noise are warnings that etcd always logs at the start, and that mean nothing for a single member
// without a port.
var noise = []string{
	"Running http and grpc server on single port. This is not recommended for production.",
	"Failed to detect schema version",  // of a new directory
	"failed to update storage version", // done a moment later
}

// impatience is the end of raft's message that it would vote before it has applied that it is a
// member. It votes again a moment later.
const impatience = " since there are still pending configuration changes to apply"

// farewells are messages, some of them errors, that etcd logs when it closes the socket on request,
// or is closed just after its start.
var farewells = []string{
	"failed to update cluster version",
	"setting up serving from embedded etcd failed.",
	"stopping insecure grpc server due to error",
	"stopped insecure grpc server due to error",
}

// Check implements zapcore.Core.
func (w warnings) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Level < zapcore.WarnLevel || slices.Contains(noise, e.Message) || strings.HasSuffix(e.Message, impatience) {
		return to
	}
	if slices.Contains(farewells, e.Message) && errors.Is(context.Cause(w.failed), errClosed) {
		return to
	}
	return w.Core.Check(e, to)
}

// endGoroutine is the action after a log entry that no program is meant to survive.
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
