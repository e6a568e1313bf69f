package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/nodes/abi"
	"github.com/flowtrux/edge/runtime/hostapi"
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

// session makes the host's side of a call.
func (x *execution) session(c call) *hostapi.Session {
	s := &hostapi.Session{
		Grants:         x.program.types[c.node].module.Grants(),
		HTTP:           x.engine.config.HTTP,
		Log:            x.nodeLog(c.node),
		IdempotencyKey: x.idempotencyKey(c),
		Start:          x.engine.config.Clock(),
		MaxResponse:    int64(x.engine.config.Limits.NodeOutput),
	}
	if x.engine.config.Globals != nil {
		s.Globals = x.engine.config.Globals
	}
	if !s.Grants.Random {
		s.Seed = x.seed(c)
	}
	return s
}

// idempotencyKey is the same for all attempts, also in a later run of the execution.
func (x *execution) idempotencyKey(c call) string {
	return x.id + "-" + x.program.Plan.Nodes[c.node].ID + "-" + strconv.Itoa(c.index)
}

// seed derives the random stream of a call: HMAC-SHA256 under the installation's secret, so that a call can be repeated exactly
// and nobody outside can tell what it drew. Ids have no zero bytes, so no two calls have the same text.
func (x *execution) seed(c call) (seed [32]byte) {
	text := append([]byte(x.id), 0)
	text = append(append(text, x.program.Plan.Nodes[c.node].ID...), 0)
	text = binary.BigEndian.AppendUint64(text, uint64(c.index))
	text = binary.BigEndian.AppendUint64(text, uint64(c.attempt))
	h := hmac.New(sha256.New, x.engine.config.Seed[:])
	h.Write(text)
	h.Sum(seed[:0])
	return seed
}

// nodeLog is where the lines go that one call of a node logs: to the logger "node", at their own level, with secrets
// masked, up to maxLogLines of them.
func (x *execution) nodeLog(node int) func(level int, message string) {
	lines := 0
	return func(level int, message string) {
		entry := x.engine.nodeLog.Check(zapLevel(level), "node says")
		if entry == nil || lines > maxLogLines {
			return
		}
		text := x.secrets.line(message, maxLogLine)
		if lines++; lines > maxLogLines {
			text = "(more lines of this call are dropped)"
		}
		entry.Write(append(x.logFields(node), zap.String("text", text))...)
	}
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
