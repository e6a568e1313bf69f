package instrument

import (
	"fmt"
	"unicode/utf8"
)

const (
	nameSection   = "name"
	nameFunctions = 1 // the part of it with the names of functions
)

// namesOf returns the names of functions if content is a custom section with names. Custom sections
// may be malformed; they are ignored then.
func namesOf(content []byte) (functions []byte, ok bool) {
	r := reader{b: content}
	if string(r.take(r.u32())) != nameSection {
		return nil, false
	}
	for r.more() {
		id := r.byte()
		part := r.take(r.u32())
		if id == nameFunctions && r.err == nil {
			return part, true
		}
	}
	return nil, false
}

// appendNames appends a custom section with the names of functions if they are valid: ordered by
// index, each once. It omits the names of variables and of the module.
func appendNames(wasm []byte, names []byte, functions int) []byte {
	r := reader{b: names}
	next := uint64(0)
	r.each(func() {
		f := r.index("function", functions)
		if uint64(f) < next || !utf8.Valid(r.take(r.u32())) {
			r.fail(errUnknown)
		}
		next = uint64(f) + 1
	})
	r.end()
	if r.err != nil {
		return wasm
	}
	content := appendSized(nil, []byte(nameSection))
	content = appendSized(append(content, nameFunctions), names)
	return appendSection(wasm, sectionCustom, content)
}

// maxNameShown is how many bytes of a function's name are shown.
const maxNameShown = 64

// functionName returns the name under which a function is exported or known, in parentheses after a
// space, or "" if it has none.
func (m *module) functionName(function uint32) (text string) {
	say := func(name []byte) {
		if text == "" && len(name) > 0 {
			text = fmt.Sprintf(" (%q)", name[:min(len(name), maxNameShown)])
		}
	}
	exports := reader{b: m.exports}
	exports.each(func() {
		name := exports.take(exports.u32())
		if kind, index := exports.byte(), exports.u32(); kind == exportFunction && index == function {
			say(name)
		}
	})
	names := reader{b: m.names}
	names.each(func() {
		index := names.u32()
		if name := names.take(names.u32()); index == function && names.err == nil {
			say(name)
		}
	})
	return text
}
