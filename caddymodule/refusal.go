package caddymodule

import (
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/flowtrux/edge/runtime/response"
)

// Lines of the log about refused requests: anybody can cause one.
const (
	refusalRate  = 10  // a second
	refusalBurst = 100 // at once
)

// refuse is the answer of a failed check. It is counted and logged; fields say more of why.
func (x *exchange) refuse(code response.Code, fields ...zap.Field) *response.Response {
	a := response.Error(code, "")
	x.note(a, "webhook refused", fields...)
	return &a
}

// note counts and logs a refusal.
func (x *exchange) note(a response.Response, message string, fields ...zap.Field) {
	x.app.meters.refused.WithLabelValues(string(a.Code)).Inc()
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
		zap.String("client_ip", clientIP(x.r)),
	}, fields...)
	if leftOut > 0 {
		fields = append(fields, zap.Int("left_out", leftOut))
	}
	line.Write(fields...)
}

// workflowField names the workflow in logs. An id that nothing has was made up by the sender, at
// any length.
func (x *exchange) workflowField() zap.Field {
	return zap.String("workflow", x.id[:min(len(x.id), 64)])
}

// lineLimit bounds how many lines are logged: rate a second, and burst at once. It is safe for
// concurrent use.
type lineLimit struct {
	rate, burst float64

	mu      sync.Mutex
	used    float64 // of burst
	at      time.Time
	leftOut int
}

func newLineLimit() *lineLimit { return &lineLimit{rate: refusalRate, burst: refusalBurst} }

// allow tells whether a line may be logged now, and how many were not since the last one.
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
