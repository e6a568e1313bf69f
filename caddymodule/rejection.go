package caddymodule

import (
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/response"
)

// The rate of log lines about rejected requests, which anybody can cause.
const (
	refusalRate  = 10  // a second
	refusalBurst = 100 // at once
)

// reject returns the response of a failed check, and counts and logs it with more fields.
func (x *exchange) reject(code response.Code, fields ...zap.Field) *response.Response {
	a := response.Error(code, "")
	x.logRejection(a, "webhook refused", fields...)
	return &a
}

// logRejection counts and logs a rejected request.
func (x *exchange) logRejection(a response.Response, message string, fields ...zap.Field) {
	x.app.meters.refused.WithLabelValues(string(a.Code)).Inc()
	if c := x.app.counting; c != nil {
		c.CountRejected(string(a.Code), time.Now())
	}
	level := zap.InfoLevel
	if a.Status >= http.StatusInternalServerError { // the operator can do something about it
		level = zap.WarnLevel
	}
	line := x.logger.Check(level, message)
	if line == nil {
		return
	}
	ok, leftOut := x.app.refusals.allow(time.Now())
	if !ok {
		return
	}
	fields = append([]zap.Field{
		x.workflowField(),
		zap.String("code", string(a.Code)),
		zap.String("client_ip", x.client()),
	}, fields...)
	if leftOut > 0 {
		fields = append(fields, zap.Int("left_out", leftOut))
	}
	line.Write(fields...)
}

// workflowField is the workflow's id in logs.
func (x *exchange) workflowField() zap.Field { return zap.String("workflow", x.shortID()) }

// shortID returns the workflow's id. An id that no workflow has was made up by the sender, and can
// have any length: it is cut.
func (x *exchange) shortID() string { return x.id[:min(len(x.id), 64)] }

// lineLimit limits the number of log lines: rate per second, and burst at once. It is safe for
// concurrent use.
type lineLimit struct {
	rate, burst float64

	mu      sync.Mutex
	used    float64 // of burst
	at      time.Time
	leftOut int
}

func newLineLimit() *lineLimit { return &lineLimit{rate: refusalRate, burst: refusalBurst} }

// allow reports whether a line may be logged now, and how many were left out since the last one.
func (l *lineLimit) allow(now time.Time) (ok bool, leftOut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := now.Sub(l.at).Seconds(); since > 0 {
		l.used = max(0, l.used-since*l.rate)
		l.at = now
	}
	if l.used+1 > l.burst {
		l.leftOut++
		return false, 0
	}
	l.used++
	leftOut, l.leftOut = l.leftOut, 0
	return true, leftOut
}
