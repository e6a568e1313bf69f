package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
	"github.com/flowtrux/edge/runtime/secret"
)

// Bounds of what one call of a node may write to the log.
const (
	maxLogLines = 100
	maxLogLine  = 8 << 10 // bytes
)

// call names one call of a node within an execution.
type call struct {
	node    int // index in the plan
	index   int // of the item, 0 without forEach
	attempt int // from 1
}

// hostSide is the host's side of one call of a node. It belongs to that call; after it, it is given
// back for another one.
type hostSide struct {
	session hostapi.Session
	log     func(level int, message string) // h.say, made once
	seed    func() [32]byte                 // of x and call, made once
	x       *execution
	call    call
	handles *secret.References // in its config; nil = there are none
	lines   int                // of the log
	heard   heard              // so far

	retryAfter time.Duration // of the answer to the last request; 0 = none
}

var hostSides = sync.Pool{New: func() any {
	h := new(hostSide)
	h.log = h.say
	h.seed = func() [32]byte {
		h.heard.drew = true
		return h.x.seed(h.call)
	}
	return h
}}

// host makes the host's side of a call; its times are the caller's to set. Of what a session can
// have it gets what the node's grants let it use.
func (x *execution) host(c call) *hostSide {
	h := hostSides.Get().(*hostSide)
	h.x, h.call, h.lines = x, c, 0
	s := &h.session
	s.Grants = x.program.types[c.node].module.Grants()
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

// giveBack is called when the call has returned, and not when it has panicked: then somebody may
// hold the session still. It returns what was heard of the call; nil = nothing.
func (h *hostSide) giveBack() (said *heard) {
	h.heard.live = h.session.Live
	if h.heard.drew || h.heard.live || h.heard.host != nil {
		said = new(heard)
		*said = h.heard
	}
	h.session.Reset()
	h.x, h.handles, h.heard, h.retryAfter = nil, nil, heard{}, 0
	hostSides.Put(h)
	return said
}

// idempotencyKey is the same for all attempts, also in a later run of the execution.
func (x *execution) idempotencyKey(c call) string {
	return x.id + "-" + x.program.Plan.Nodes[c.node].ID + "-" + strconv.Itoa(c.index)
}

// seed derives the random stream of a call: HMAC-SHA256 under the installation's secret, so that a
// call can be repeated exactly and nobody outside can tell what it drew. Ids have no zero bytes, so
// no two calls have the same text.
func (x *execution) seed(c call) (seed [32]byte) {
	h, ok := x.engine.seeds.Get().(*seeder)
	if !ok {
		h = &seeder{mac: hmac.New(sha256.New, x.engine.config.Seed[:])}
	}
	h.buf = append(append(h.buf[:0], x.id...), 0)
	h.buf = append(append(h.buf, x.program.Plan.Nodes[c.node].ID...), 0)
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(c.index))
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(c.attempt))
	h.mac.Write(h.buf)
	h.buf = h.mac.Sum(h.buf[:0])
	copy(seed[:], h.buf)
	clear(h.buf)
	h.mac.Reset()
	x.engine.seeds.Put(h)
	return seed
}

// seeder is an HMAC under the installation's secret, with the memory for what goes through it. It
// holds nothing of a call.
type seeder struct {
	mac hash.Hash
	buf []byte
}

// say is where the lines go that the call logs: into the record, and to the logger "node", at their
// own level, with secrets masked, up to maxLogLines of them.
func (h *hostSide) say(level int, message string) {
	if h.lines > maxLogLines {
		return
	}
	h.lines++
	h.x.notes.log(h.call, level, message)
	entry := h.x.engine.nodeLog.Check(zapLevel(level), "node says")
	if entry == nil {
		return
	}
	text := h.x.secrets.Line(message, maxLogLine)
	if h.lines > maxLogLines {
		text = "(more lines of this call are dropped)"
	}
	entry.Write(append(h.x.logFields(h.call.node), zap.String("text", text))...)
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

// logFields say where in which execution something happened.
func (x *execution) logFields(node int) []zap.Field {
	n := &x.program.Plan.Nodes[node]
	return []zap.Field{
		zap.String("execution_id", x.id), zap.String("workflow", x.program.Plan.ID),
		zap.String("node", n.ID), zap.String("type", n.Type),
	}
}
