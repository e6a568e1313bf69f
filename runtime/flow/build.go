package flow

import (
	"strings"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// builder builds the Template of a JSON value and reports the templates in it that cannot be.
type builder struct {
	report *report
	binder binder
	text   []byte // of the segment that is not ended
	done   []segment
	count  int // templates so far
}

// template builds v, which is inspected JSON.
func (b *builder) template(v value) *Template {
	b.value(v)
	if len(b.text) > 0 {
		b.done = append(b.done, segment{text: b.text})
	}
	return &Template{segments: b.done}
}

func (b *builder) value(v value) {
	switch rawjson.KindOf(v.raw) {
	case rawjson.Object:
		separator := byte('{')
		rawjson.Members(v.raw, func(k, raw []byte) bool {
			b.text = append(b.text, separator, '"')
			b.text = append(b.text, k...)
			b.text = append(b.text, '"', ':')
			at := place{parent: v.at, key: keyText(k), index: -1}
			b.value(value{raw, &at})
			separator = ','
			return true
		})
		if separator == '{' {
			b.text = append(b.text, '{')
		}
		b.text = append(b.text, '}')
	case rawjson.Array:
		separator := byte('[')
		at := place{parent: v.at}
		rawjson.Elements(v.raw, func(raw []byte) bool {
			b.text = append(b.text, separator)
			b.value(value{raw, &at})
			separator = ','
			at.index++
			return true
		})
		if separator == '[' {
			b.text = append(b.text, '[')
		}
		b.text = append(b.text, ']')
	case rawjson.String:
		b.string(v)
	default:
		b.text = append(b.text, v.raw...)
	}
}

func (b *builder) string(v value) {
	s := text(v.raw)
	if !hasTemplate(s) {
		b.text = append(b.text, v.raw...)
		return
	}
	parts, err := parseText(s)
	if err != nil {
		b.report.add(v.at, "malformed template at column %d: %s", column(s, err.at), err.reason)
		return
	}
	if len(parts) == 1 && parts[0].steps != nil {
		b.reference(v.at, s, parts[0], false)
		return
	}
	b.text = append(b.text, '"')
	for _, p := range parts {
		if p.steps != nil {
			b.reference(v.at, s, p, true)
		} else {
			b.text = rawjson.AppendEscaped(b.text, []byte(p.text))
		}
	}
	b.text = append(b.text, '"')
}

func (b *builder) reference(at *place, s string, p part, inText bool) {
	if b.report.full() {
		return // the column alone would be counted from the beginning of s for each of many thousand
	}
	ref, err := b.binder.bind(p.steps)
	if err != nil {
		b.report.add(at, "template at column %d: %s", column(s, p.at), err)
		return
	}
	if b.count++; b.count == maxTemplates+1 {
		b.report.add(at, "the node has more than %d templates", maxTemplates)
	}
	b.done = append(b.done, segment{text: b.text, ref: ref, inText: inText})
	b.text = nil
}

// hasTemplate tells whether a string is changed when it is resolved.
func hasTemplate(s string) bool { return strings.Contains(s, "{{") }
