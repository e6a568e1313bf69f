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

// serverLog is etcd's log: warnings and worse. Where etcd would end the process because it cannot
// go on, a full disk for one, only the goroutine ends that found out, and the server fails:
// webhooks are served from memory then.
func serverLog(l *zap.Logger, s *server) *zap.Logger {
	hook := endGoroutine{s.fail}
	return l.Named("etcd").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return warnings{c, s.failed} }),
		zap.WithFatalHook(hook), zap.WithPanicHook(hook))
}

// warnings is a core without what is less than a warning. (zap.IncreaseLevel would look at the
// level of the core under it only once, and that one follows Caddy's config.)
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

// noise is what etcd says when it starts, whatever it is told, and means nothing for a single
// member without a port.
var noise = []string{
	"Running http and grpc server on single port. This is not recommended for production.",
	"Failed to detect schema version",  // of a new directory;
	"failed to update storage version", // done a moment later
}

// impatience ends what raft says when it would vote before it has applied that it is a member; it
// votes again a moment later.
const impatience = " since there are still pending configuration changes to apply"

// farewells are what etcd says, some of it as an error, when it closes the socket because it was
// told to.
var farewells = []string{
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
