package flow

import "errors"

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
	text   []byte
	ref    *reference // nil = none; only in the last segment
	inText bool       // the reference stands within a string
}

// segmentWork is what a reference takes beside the bytes that are read and written for it, in
// bytes.
const segmentWork = 32

// Append resolves t in s and appends the resulting JSON value to dst. When the result would have
// more than limit bytes it fails with [ErrTooLarge] before it copies the piece that is too much,
// and with the error of the scope's [Meter] where that wants no more. dst must not overlap what s
// holds; on an error the result is dst as it was.
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
		s.work.open += len(seg.text) + segmentWork // the meter is told of it with the value
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
