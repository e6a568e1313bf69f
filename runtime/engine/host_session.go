package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/secret"
	"github.com/flowtrux/edge/runtime/trace"
)

// maxLogLines limits the log lines of one call of a node.
const maxLogLines = 100

// hostSession is the host's side of one call of a node. After the call it is reused for another
// one.
type hostSession struct {
	session hostapi.Session
	log     func(level int, message string) // h.writeLog, made once
	seed    func() [32]byte                 // of x and call, made once
	x       *Execution
	call    trace.CallID
	refs    *secret.References // in its config; nil = none
	lines   int                // of the log
	used    trace.Host         // so far

	retryAfter time.Duration // from the response to the last request; 0 = none
}

var hostSessions = sync.Pool{New: func() any {
	h := new(hostSession)
	h.session.Lane = lanes.Add(1)
	h.log = h.writeLog
	h.seed = func() [32]byte {
		h.used.Random = true
		return h.x.Seed(h.call)
	}
	return h
}}

// lanes counts the sessions that were made. A sync.Pool gives a session to the core that has
// returned it, so that a core tends to have one lane.
var lanes atomic.Uint32

// newHostSession returns the host's side of a call. It offers the functions that the node is
// granted. The caller sets the times.
func (x *Execution) newHostSession(c trace.CallID) *hostSession {
	h := hostSessions.Get().(*hostSession)
	h.x, h.call, h.lines = x, c, 0
	s := &h.session
	s.Grants = x.program.nodes[c.Node].typ.module.Grants()
	s.Log = h.log
	s.MaxResponse = int64(x.engine.config.Limits.NodeOutput)
	if s.Grants.HTTP && x.engine.config.HTTP != nil {
		s.HTTP, s.IdempotencyKey = h, x.idempotencyKey(c)
	}
	if x.engine.config.Globals != nil {
		s.Globals = h
	}
	s.Seed = h.seed
	return h
}

// release gives the session back and returns the call's use of the host; nil = none. It is not
// called after a panic: then something may still hold the session.
func (h *hostSession) release() (used *trace.Host) {
	h.used.Live = h.session.Live
	if !h.used.Empty() {
		used = new(trace.Host)
		*used = h.used
	}
	h.session.Reset()
	h.x, h.refs, h.used, h.retryAfter = nil, nil, trace.Host{}, 0
	hostSessions.Put(h)
	return used
}

// idempotencyKey returns the key of an item, which is the same for all attempts and all runs of the
// execution.
func (x *Execution) idempotencyKey(c trace.CallID) string {
	return x.id + "-" + x.program.Plan.Nodes[c.Node].ID + "-" + strconv.Itoa(c.Item)
}

// Seed derives the seed of a call's random stream, by HMAC-SHA256 under the installation's secret.
// So a call can be repeated exactly, and outsiders cannot tell its random numbers. IDs contain no
// zero bytes, so no two calls have the same text.
func (x *Execution) Seed(c trace.CallID) (seed [32]byte) {
	h, ok := x.engine.seeds.Get().(*seeder)
	if !ok {
		h = &seeder{mac: hmac.New(sha256.New, x.engine.config.Seed[:])}
	}
	h.buf = append(append(h.buf[:0], x.id...), 0)
	h.buf = append(append(h.buf, x.program.Plan.Nodes[c.Node].ID...), 0)
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(c.Item))
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(c.Attempt))
	h.mac.Write(h.buf)
	h.buf = h.mac.Sum(h.buf[:0])
	copy(seed[:], h.buf)
	clear(h.buf)
	h.mac.Reset()
	x.engine.seeds.Put(h)
	return seed
}

// seeder is an HMAC under the installation's secret, with its buffer. It holds no data of a call.
type seeder struct {
	mac hash.Hash
	buf []byte
}

// writeLog adds a line of the call to the trace and, with secrets masked, to the logger "node".
// Lines after maxLogLines are dropped.
func (h *hostSession) writeLog(level int, message string) {
	if h.lines > maxLogLines {
		return
	}
	h.lines++
	h.x.trace.AddLine(h.call, zapLevel(level), message)
	entry := h.x.engine.nodeLog.Check(zapLevel(level), "node says")
	if entry == nil {
		return
	}
	text := h.x.secrets.Line(message, trace.MaxLine)
	if h.lines > maxLogLines {
		text = "(more lines of this call are dropped)"
	}
	entry.Write(append(h.x.logFields(h.call.Node), zap.String("text", text))...)
}

func zapLevel(level int) zapcore.Level {
	switch level {
	case abi.LogDebug:
		return zapcore.DebugLevel
	case abi.LogWarn:
		return zapcore.WarnLevel
	case abi.LogError:
		return zapcore.ErrorLevel
	default:
		return zapcore.InfoLevel
	}
}

// logFields returns the log fields that identify the execution and the node.
func (x *Execution) logFields(node int) []zap.Field {
	n := &x.program.Plan.Nodes[node]
	return []zap.Field{
		zap.String("execution_id", x.id), zap.String("workflow", x.program.Plan.ID),
		zap.String("node", n.ID), zap.String("type", n.Type),
	}
}
