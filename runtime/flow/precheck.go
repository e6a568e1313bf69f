package flow

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// open copies raw for the report and returns its value. ok is false when raw is not worth reading:
// it has more than most bytes, is not JSON, or inspect has found problems, which later checks would
// only repeat.
func (r *report) open(raw []byte, most int, skip func(*place) bool) (doc value, ok bool) {
	if len(raw) > most {
		r.add(nil, "has %d bytes, more than %d", len(raw), most)
		return doc, false
	}
	r.doc = bytes.Clone(raw)
	if syntax := (*rawjson.SyntaxError)(nil); errors.As(rawjson.Check(r.doc, MaxDepth), &syntax) {
		before := r.doc[:syntax.Offset]
		line := 1 + bytes.Count(before, []byte{'\n'})
		column := syntax.Offset - bytes.LastIndexByte(before, '\n')
		r.addAt(nil, syntax.Offset, "is not JSON: %s (line %d, byte %d)", syntax.Reason, line, column)
		return doc, false
	}
	doc.raw = bytes.Trim(r.doc, " \t\r\n")
	r.inspect(doc.raw, nil, offsetIn(r.doc, doc.raw), skip)
	return doc, len(r.problems) == 0
}

// inspect reports what no part of a document may contain: repeated keys, and numbers that are too
// expensive to compare exactly. text begins with the value at a place, which begins at an offset;
// the text behind the value is returned. Members for which skip returns true are not inspected.
func (r *report) inspect(text []byte, at *place, offset int, skip func(*place) bool) (rest []byte) {
	switch rawjson.KindOf(text) {
	case rawjson.Object:
		times := map[string]int{}
		return eachMember(text, func(k, text []byte) []byte {
			at := place{parent: at, key: keyText(k), index: -1}
			offset := offsetOfMember(r.doc, k)
			if times[at.key]++; times[at.key] == 2 { // once for all of them
				r.addAt(&at, offset, "is given twice")
			}
			if skip != nil && skip(&at) {
				_, rest := rawjson.First(text)
				return rest
			}
			return r.inspect(text, &at, offset, skip)
		})
	case rawjson.Array:
		at := place{parent: at}
		return eachElement(text, func(text []byte) []byte {
			rest := r.inspect(text, &at, offsetIn(r.doc, text), skip)
			at.index++
			return rest
		})
	}
	v, rest := rawjson.First(text)
	if rawjson.KindOf(v) == rawjson.Number && !isExact(v) {
		r.addAt(at, offset, "is a number with more than %d digits or an exponent beyond %d", maxDigits, maxDigits)
	}
	return rest
}

// maxDigits is the maximum number of digits of a number in a document and, in both directions, its
// maximum exponent.
const maxDigits = 400

func isExact(number []byte) bool {
	digits, exponent := string(number), ""
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		digits, exponent = digits[:i], digits[i+1:]
	}
	if len(digits) > maxDigits {
		return false
	}
	if exponent == "" {
		return true
	}
	n, err := strconv.Atoi(exponent)
	return err == nil && -maxDigits <= n && n <= maxDigits
}
