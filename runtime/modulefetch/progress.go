package modulefetch

import (
	"io"
	"time"

	"go.uber.org/zap"
)

// progress is the reader of a download. It restarts the timer for stalled downloads and regularly
// logs the progress.
type progress struct {
	from    io.Reader
	size    int64 // -1 = not known
	stalled *time.Timer
	stall   time.Duration

	log           *zap.Logger
	every         time.Duration
	began, logged time.Time
	read          int64
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read += int64(n)
	if n > 0 {
		p.stalled.Reset(p.stall)
	}
	if now := time.Now(); now.Sub(p.logged) >= p.every {
		p.logged = now
		p.log.Info("still fetching a module", zap.Int64("bytes", p.read), zap.Int64("size", p.size),
			zap.Duration("duration", now.Sub(p.began)))
	}
	return n, err
}
