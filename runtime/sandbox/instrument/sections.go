package instrument

import (
	"fmt"
	"slices"
)

// Ids of sections: https://webassembly.github.io/spec/core/binary/modules.html
const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
	sectionTag
)

// order is the order of sections in a module. Custom sections can be anywhere.
var order = []byte{
	sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionGlobal, sectionExport, sectionStart,
	sectionElement, sectionDataCount, sectionCode, sectionData,
}

const (
	header  = "\x00asm\x01\x00\x00\x00"
	maxSize = 1 << 30 // bytes of a module, so that it stays below 4 GiB with all additions
)

// sections are the contents of a module's sections by id; nil = the section is missing.
type sections [sectionDataCount + 1][]byte

// size returns the size of all sections in bytes, without custom ones.
func (s sections) size() (n int) {
	for _, content := range s {
		n += len(content)
	}
	return n
}

// split returns the sections, the names from the custom section, and the offset of the data
// section's content. Sections must be unique and in order.
func split(wasm []byte) (s sections, names []byte, data int, err error) {
	r := reader{b: wasm}
	if string(r.take(size(len(header)))) != header || len(wasm) > maxSize {
		return s, nil, 0, &Error{"module", "not a WebAssembly core module (version 1)"}
	}
	last := -1
	for r.more() {
		id := r.byte()
		content := r.take(r.u32())
		place := slices.Index(order, id)
		switch {
		case r.err != nil:
			return s, nil, 0, sectionError(id, r.err)
		case id == sectionCustom:
			if text, ok := namesOf(content); ok && names == nil {
				names = text
			}
			continue
		case id == sectionTag:
			return s, nil, 0, sectionError(id, unsupported("exceptions"))
		case place < 0:
			return s, nil, 0, sectionError(id, errUnknown)
		case place <= last:
			return s, nil, 0, sectionError(id, fmt.Errorf("it is duplicate or out of order"))
		}
		if last = place; id == sectionData {
			data = r.i - len(content)
		}
		s[id] = slices.Clip(content)
	}
	return s, names, data, nil
}

// sectionError returns the error of a section, with the name of the part as module authors know it.
func sectionError(id byte, err error) error {
	switch id {
	case sectionImport:
		return &Error{"imports", err.Error()}
	case sectionMemory:
		return &Error{"memory", err.Error()}
	case sectionExport:
		return &Error{"exports", err.Error()}
	}
	return &Error{"module", fmt.Sprintf("section %d: %v", id, err)}
}

// unsupported returns the error of a module that uses an unsupported proposal.
func unsupported(proposal string) error {
	return fmt.Errorf("it uses %s, which nodes cannot use", proposal)
}

// appendSection appends a section, unless it is empty.
func appendSection(wasm []byte, id byte, content []byte) []byte {
	if len(content) == 0 {
		return wasm
	}
	return appendSized(append(wasm, id), content)
}
