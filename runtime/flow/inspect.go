package flow

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// open takes a copy of raw for the report and returns its value. ok is false when raw is not worth reading: it has more
// than most bytes, is not JSON, or did not pass inspect, whose findings others would only repeat.
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
		r.add(nil, "is not JSON: %s (line %d, byte %d)", syntax.Reason, line, column)
		return doc, false
	}
	doc.raw = bytes.Trim(r.doc, " \t\r\n")
	return doc, r.inspect(doc, skip)
}

// inspect reports what no part of a document may hold: repeated keys, and numbers that cost more than they are worth
// to compare exactly. Members for which skip is true are not looked into.
func (r *report) inspect(v value, skip func(*place) bool) bool {
	good := true
	switch rawjson.KindOf(v.raw) {
	case rawjson.Number:
		if !isExact(v.raw) {
			r.add(v.at, "is a number with more than %d digits or an exponent beyond %d", maxDigits, maxDigits)
			good = false
		}
	case rawjson.Object:
		seen := map[string]bool{}
		rawjson.Members(v.raw, func(k, raw []byte) bool {
			at := place{parent: v.at, key: keyText(k), index: -1}
			if seen[at.key] {
				r.add(&at, "is given twice")
				good = false
			}
			seen[at.key] = true
			if (skip == nil || !skip(&at)) && !r.inspect(value{raw, &at}, skip) {
				good = false
			}
			return true
		})
	case rawjson.Array:
		at := place{parent: v.at}
		rawjson.Elements(v.raw, func(raw []byte) bool {
			if !r.inspect(value{raw, &at}, skip) {
				good = false
			}
			at.index++
			return true
		})
	}
	return good
}

// maxDigits bounds the digits of a number in a document and, both ways, its exponent.
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
