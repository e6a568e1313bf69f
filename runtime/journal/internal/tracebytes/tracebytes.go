// Package tracebytes encodes places in traces, as engines store them.
package tracebytes

import (
	"errors"

	"github.com/flowtrux/edge/runtime/journal"
)

// MinSize and MaxSize are the sizes of a place with the shortest state and with the longest one.
const (
	MinSize = len(journal.TraceContext{}.TraceID) + len(journal.TraceContext{}.SpanID) + 1
	MaxSize = MinSize + journal.MaxTraceState
)

// ErrDamaged means that bytes are not those of a place in a trace.
var ErrDamaged = errors.New("a place in a trace is damaged")

// Append appends a place in a trace, and nothing if it is none.
func Append(dst []byte, t *journal.TraceContext) []byte {
	if t.TraceID == [16]byte{} {
		return dst
	}
	dst = append(dst, t.TraceID[:]...)
	dst = append(dst, t.SpanID[:]...)
	dst = append(dst, t.Flags)
	return append(dst, t.State...)
}

// Read is the reverse of Append.
func Read(b []byte) (t journal.TraceContext, err error) {
	if err := Check(b); err != nil || len(b) == 0 {
		return t, err
	}
	b = b[copy(t.TraceID[:], b):]
	b = b[copy(t.SpanID[:], b):]
	t.Flags, t.State = b[0], string(b[1:])
	return t, nil
}

// Check reports whether Append can have appended b, without reading it.
func Check(b []byte) error {
	if len(b) != 0 && (len(b) < MinSize || len(b) > MaxSize) {
		return ErrDamaged
	}
	return nil
}
