package flow

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// ErrTooLarge is returned by [Template.Append] when the result would exceed the limit.
var ErrTooLarge = errors.New("value too large")

// Template is a JSON value whose strings may hold templates, parsed once. It is immutable and safe
// for concurrent use.
type Template struct {
	segments []segment
}

// segment is JSON text that is the same in every execution, and a reference that is resolved behind
// it.
type segment struct {
	text   string
	ref    *reference // nil = none; only in the last segment
	inText bool       // the reference stands within a string
}

// segmentWork is the work for a reference besides the bytes read and written, in bytes.
const segmentWork = 32

// Append resolves t in s and appends the resulting JSON value to dst. When the result would exceed
// limit bytes it fails with [ErrTooLarge] before it copies the piece that is too large; when the
// [Meter] of the scope returns an error, it fails with that. dst must not overlap the values in s.
// On an error the result is dst, unchanged.
//
// The result is valid JSON, and compact, if the values in s are.
func (t *Template) Append(dst []byte, s *Scope, limit int) ([]byte, error) {
	out := dst
	end := len(dst) + limit
	s.work.meter = s.Meter
	for i := range t.segments {
		seg := &t.segments[i]
		if len(out)+len(seg.text) > end {
			return dst, ErrTooLarge
		}
		out = append(out, seg.text...)
		if seg.ref == nil {
			continue
		}
		s.work.open += len(seg.text) + segmentWork // reported to the meter with the value
		var err error
		if out, err = seg.ref.appendTo(out, s, seg.inText, end-len(out)); err != nil {
			return dst, err
		}
		if len(out) > end {
			return dst, ErrTooLarge
		}
	}
	return out, nil
}

// root is the beginning of a template's path.
type root uint8

const (
	rootData root = iota
	rootQuery
	rootHeaders
	rootMethod
	rootClientIP
	rootReceivedAt
	rootOutput
	rootGlobal
	rootItem
	rootIndex
	rootExecutionID
	rootWorkflowID
	rootWorkflowName
)

// isText reports whether the root is plain text; the others are JSON or a number.
func (r root) isText() bool {
	switch r {
	case rootMethod, rootClientIP, rootReceivedAt, rootExecutionID, rootWorkflowID, rootWorkflowName:
		return true
	}
	return false
}

// receivedAt is RFC 3339 with milliseconds.
const receivedAtFormat = "2006-01-02T15:04:05.000Z07:00"

// reference is the path of a template, bound to what it names.
type reference struct {
	root   root
	node   int32        // of rootOutput: index in Plan.Nodes
	target int32        // index of steps in targets
	shared int32        // index in an execution's Cache; -1 = item, another value each time
	key    string       // of rootGlobal
	steps  rawjson.Path // from there on; none when the root is a text or number

	targets *targets // of the root in the plan, unless there are no steps; nil = it is in none
}

// appendText appends the value of a reference whose root is text.
func (ref *reference) appendText(dst []byte, s *Scope) []byte {
	switch ref.root {
	case rootMethod:
		return append(dst, s.Event.Method...)
	case rootClientIP:
		return append(dst, s.Event.ClientIP...)
	case rootReceivedAt:
		return s.Event.ReceivedAt.UTC().AppendFormat(dst, receivedAtFormat)
	case rootExecutionID:
		return append(dst, s.ExecutionID...)
	case rootWorkflowID:
		return append(dst, s.Plan.ID...)
	case rootWorkflowName:
		return append(dst, s.Plan.Name...)
	}
	return dst
}

// value returns the raw value of a reference whose root is JSON, or nothing when it is missing. The
// error is that of the meter.
func (ref *reference) value(s *Scope) ([]byte, error) {
	switch ref.root {
	case rootData:
		return s.follow(ref, s.Event.Data)
	case rootQuery:
		return s.follow(ref, s.Event.Query)
	case rootHeaders:
		return s.follow(ref, s.Event.Headers)
	case rootOutput:
		return s.follow(ref, s.Outputs[ref.node])
	case rootItem:
		return s.follow(ref, s.Item)
	case rootGlobal:
		return ref.globalValue(s)
	}
	return strconv.AppendInt(nil, int64(s.Index), 10), nil // rootIndex: the others are text
}

// globalValue is value below a global. Values found in a secret global are collected, and hidden if
// required.
func (ref *reference) globalValue(s *Scope) ([]byte, error) {
	v, ok := s.Global(ref.key)
	if !ok {
		v = nil
	}
	s.addGlobal(ref.key, v)
	v, err := s.follow(ref, v)
	if err != nil || !IsSecretGlobal(ref.key) {
		return v, err
	}
	if err := s.tell(v); err != nil {
		return nil, err
	}
	if s.Hide != nil && reveals(v) {
		v = s.Hide(v)
	}
	return v, nil
}

// reveals reports whether a value can contain a secret.
func reveals(v []byte) bool {
	switch rawjson.KindOf(v) {
	case rawjson.String, rawjson.Number, rawjson.Object, rawjson.Array:
		return true
	}
	return false
}

// appendTo appends the value to dst: as a JSON value or, with inText, as its text within a JSON
// string. A value of more than room bytes is not copied.
func (ref *reference) appendTo(dst []byte, s *Scope, inText bool, room int) ([]byte, error) {
	if ref.root.isText() {
		var buf [64]byte
		t := ref.appendText(buf[:0], s)
		if len(t) > room {
			return dst, ErrTooLarge
		}
		if inText {
			return rawjson.AppendEscaped(dst, t), nil
		}
		return rawjson.AppendQuoted(dst, t), nil
	}
	v, err := ref.value(s)
	switch {
	case err != nil:
		return dst, err
	case len(v) > room:
		return dst, ErrTooLarge
	}
	if err := s.work.add(len(v)); err != nil { // and what it took to come here
		return dst, err
	}
	switch {
	case !inText && len(v) == 0:
		return append(dst, "null"...), nil
	case !inText:
		return append(dst, v...), nil
	}
	switch rawjson.KindOf(v) {
	case rawjson.Invalid, rawjson.Null:
		return dst, nil
	case rawjson.String: // already escaped
		return append(dst, v[1:len(v)-1]...), nil
	case rawjson.Object, rawjson.Array:
		return appendEscaped(dst, v, room)
	default:
		return append(dst, v...), nil
	}
}

// escapedAtOnce is the number of bytes that are escaped between two checks of the room.
const escapedAtOnce = 16 << 10

// appendEscaped appends v within a JSON string, unless that takes more than room bytes.
func appendEscaped(dst, v []byte, room int) ([]byte, error) {
	for end := len(dst) + room; len(v) > 0; {
		n := min(len(v), escapedAtOnce)
		for n < len(v) && !utf8.RuneStart(v[n]) {
			n--
		}
		if dst = rawjson.AppendEscaped(dst, v[:n]); len(dst) > end {
			return dst, ErrTooLarge
		}
		v = v[n:]
	}
	return dst, nil
}
