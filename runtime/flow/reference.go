package flow

import (
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// root is where a template's path begins.
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

// receivedAt is RFC 3339 with milliseconds.
const receivedAtFormat = "2006-01-02T15:04:05.000Z07:00"

// reference is a template's path, bound to what it names.
type reference struct {
	root  root
	node  int    // of rootOutput: index in Plan.Nodes
	key   string // of rootGlobal
	steps []step // from there on; none when the root is a text or number
}

// appendText appends the value of a reference whose root is plain text or a number; ok is false for the others.
func (ref *reference) appendText(dst []byte, s *Scope) (_ []byte, ok bool) {
	switch ref.root {
	case rootMethod:
		return append(dst, s.Event.Method...), true
	case rootClientIP:
		return append(dst, s.Event.ClientIP...), true
	case rootReceivedAt:
		return s.Event.ReceivedAt.UTC().AppendFormat(dst, receivedAtFormat), true
	case rootExecutionID:
		return append(dst, s.ExecutionID...), true
	case rootWorkflowID:
		return append(dst, s.Plan.ID...), true
	case rootWorkflowName:
		return append(dst, s.Plan.Name...), true
	}
	return dst, false
}

// value returns the raw value of a reference whose root is JSON, empty when it is missing.
func (ref *reference) value(s *Scope) []byte {
	var v []byte
	switch ref.root {
	case rootData:
		v = s.Event.Data
	case rootQuery:
		v = s.Event.Query
	case rootHeaders:
		v = s.Event.Headers
	case rootOutput:
		v = s.Outputs[ref.node]
	case rootItem:
		v = s.Item
	case rootIndex:
		return strconv.AppendInt(nil, int64(s.Index), 10)
	case rootGlobal:
		v, ok := s.Global(ref.key)
		if !ok {
			s.addGlobal(ref.key, nil)
			return nil
		}
		s.addGlobal(ref.key, v)
		v = follow(v, ref.steps)
		if IsSecretGlobal(ref.key) {
			s.addSecrets(v)
			if s.Hide != nil && tells(v) {
				return s.Hide(v)
			}
		}
		return v
	}
	return follow(v, ref.steps)
}

// tells tells whether there is something to a value that a secret can be in.
func tells(v []byte) bool {
	switch rawjson.KindOf(v) {
	case rawjson.String, rawjson.Number, rawjson.Object, rawjson.Array:
		return true
	}
	return false
}

// appendTo appends the value to dst: as a JSON value, or inText as what stands for it within a JSON string. A value of more
// than room bytes is not copied.
func (ref *reference) appendTo(dst []byte, s *Scope, inText bool, room int) ([]byte, error) {
	var buf [64]byte
	if t, ok := ref.appendText(buf[:0], s); ok {
		if len(t) > room {
			return dst, ErrTooLarge
		}
		if inText {
			return rawjson.AppendEscaped(dst, t), nil
		}
		return rawjson.AppendQuoted(dst, t), nil
	}
	v := ref.value(s)
	if len(v) > room {
		return dst, ErrTooLarge
	}
	if !inText {
		if len(v) == 0 {
			return append(dst, "null"...), nil
		}
		return append(dst, v...), nil
	}
	switch rawjson.KindOf(v) {
	case rawjson.Invalid, rawjson.Null:
		return dst, nil
	case rawjson.String: // already escaped
		return append(dst, v[1:len(v)-1]...), nil
	case rawjson.Object, rawjson.Array:
		return rawjson.AppendEscaped(dst, v), nil
	default:
		return append(dst, v...), nil
	}
}
