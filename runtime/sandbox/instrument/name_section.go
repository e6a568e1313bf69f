package instrument

import (
	"fmt"
	"unicode/utf8"
)

const (
	nameSection   = "name"
	nameFunctions = 1 // the part of it with the names of functions
)

// namesOf returns the names of functions when content is that of the custom section with names.
// Custom sections may be wrong; it is left out then.
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

// appendNames appends a custom section with the names of so many functions, if they are right: by
// index, each once. Names of variables are left out, as is what the module is called.
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

// maxNameShown is how much of a function's name is said, in bytes.
const maxNameShown = 64

// functionName says under which name a function is exported or known, in brackets behind a space; "" when
// it has none.
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
