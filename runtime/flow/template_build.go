package flow

import (
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// builder builds the Template of a JSON value and reports its invalid templates.
type builder struct {
	report *report
	binder binder
	text   []byte // of the segment that is not ended
	done   []segment
	count  int // templates so far
}

// template builds v, which is inspected JSON.
func (b *builder) template(v value) *Template {
	b.value(v.raw, v.at)
	if len(b.text) > 0 {
		b.done = append(b.done, segment{text: string(b.text)})
	}
	return &Template{segments: b.done}
}

// value builds the value at a place, with which text begins, and returns the text behind it.
func (b *builder) value(text []byte, at *place) (rest []byte) {
	switch rawjson.KindOf(text) {
	case rawjson.Object:
		b.text = append(b.text, '{')
		first := true
		rest = eachMember(text, func(k, text []byte) []byte {
			if !first {
				b.text = append(b.text, ',')
			}
			first = false
			b.text = append(b.text, '"')
			b.text = append(b.text, k...)
			b.text = append(b.text, '"', ':')
			return b.value(text, &place{parent: at, key: keyText(k), index: -1})
		})
		b.text = append(b.text, '}')
	case rawjson.Array:
		b.text = append(b.text, '[')
		at := place{parent: at}
		rest = eachElement(text, func(text []byte) []byte {
			if at.index > 0 {
				b.text = append(b.text, ',')
			}
			rest := b.value(text, &at)
			at.index++
			return rest
		})
		b.text = append(b.text, ']')
	default:
		var v []byte
		v, rest = rawjson.First(text)
		if rawjson.KindOf(v) == rawjson.String {
			b.string(value{v, at})
		} else {
			b.text = append(b.text, v...)
		}
	}
	return rest
}

func (b *builder) string(v value) {
	s := text(v.raw)
	if !hasTemplate(s) {
		b.text = append(b.text, v.raw...)
		return
	}
	parts, err := parseText(s)
	if err != nil {
		b.report.add(v.at, "malformed template at column %d: %s", column(s, err.Offset), err.Reason)
		return
	}
	if len(parts) == 1 && parts[0].path != nil {
		b.reference(v.at, s, parts[0], false)
		return
	}
	b.text = append(b.text, '"')
	for _, p := range parts {
		if p.path != nil {
			b.reference(v.at, s, p, true)
		} else {
			b.text = rawjson.AppendEscaped(b.text, []byte(p.text))
		}
	}
	b.text = append(b.text, '"')
}

func (b *builder) reference(at *place, s string, p part, inText bool) {
	if b.report.full() {
		// the column alone would be counted from the beginning of s for each of many thousand
		return
	}
	ref, err := b.binder.bind(p.path)
	if err != nil {
		b.report.add(at, "template at column %d: %s", column(s, p.at), err)
		return
	}
	if b.count++; b.count == maxTemplates+1 {
		b.report.add(at, "the node has more than %d templates", maxTemplates)
	}
	b.done = append(b.done, segment{text: string(b.text), ref: ref, inText: inText})
	b.text = b.text[:0]
}

// hasTemplate reports whether a string changes when it is resolved.
func hasTemplate(s string) bool { return strings.Contains(s, "{{") }
