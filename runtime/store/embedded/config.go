package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	memberName = "edge"

	// A single member elects itself: there is no network whose delays ticks had to allow for, and a server is ready after
	// some 30 ms instead of up to 1 s.
	tickMs     = 10
	electionMs = 100

	// walSegment is the size of the files of the write-ahead log, two of which are allocated in advance. etcd's own 64 MB
	// are for clusters under load.
	walSegment = 4 << 20

	// quota is the size of the database at which it takes no more writes; see makeRoom.
	quota = 256 << 20
	// history is how many revisions are kept. Nobody reads old ones: a mirror that missed them lists.
	history = "100"
)

// shrinkWAL sets the size of log files, which etcd has as a variable of the process.
var shrinkWAL = sync.OnceFunc(func() { wal.SegmentSizeBytes = walSegment })

// serverConfig is etcd's configuration. fail is called when the server gives up.
func serverConfig(o Options, fail context.CancelCauseFunc) *embed.Config {
	shrinkWAL()
	c := embed.NewConfig()
	c.Name = memberName
	c.Dir = o.Dir
	c.ListenPeerUrls, c.ListenClientUrls = nil, nil
	// What is advertised is only names: nobody asks.
	peer, client := unixURL(filepath.Join(o.Dir, "peer.sock")), unixURL(filepath.Join(o.Dir, "client.sock"))
	if o.Listen != "" {
		client = unixURL(o.Listen)
		c.ListenClientUrls = []url.URL{client}
	}
	c.AdvertisePeerUrls, c.AdvertiseClientUrls = []url.URL{peer}, []url.URL{client}
	c.InitialCluster = memberName + "=" + peer.String()
	c.TickMs, c.ElectionMs = tickMs, electionMs
	c.QuotaBackendBytes = quota
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, history
	c.EnableGRPCGateway = false
	c.LogLevel = "warn"
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(serverLog(o.Logger, fail))
	return c
}

func unixURL(path string) url.URL { return url.URL{Scheme: "unix", Path: path} }

// serverLog is etcd's log: warnings and worse. Where etcd would end the process because it cannot go on, a full disk for
// one, only the goroutine ends that found out, and fail is called: webhooks are served from memory then.
func serverLog(l *zap.Logger, fail context.CancelCauseFunc) *zap.Logger {
	hook := endGoroutine{fail}
	return l.Named("etcd").WithOptions(zap.IncreaseLevel(zap.WarnLevel), zap.WithFatalHook(hook), zap.WithPanicHook(hook))
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
