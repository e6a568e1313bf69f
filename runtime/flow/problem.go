package flow

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Problem is one thing wrong with a document. It holds no secrets.
type Problem struct {
	Path   string // JSON path, as in nodes[2].config.cases[0].name; "" = the document
	Reason string // for humans, one line

	// Line and Column are where Path begins in the text, from 1 on: a member at its key, and what
	// is missing where the innermost value around it begins. Of a repeated key, it is the later
	// one. Column counts Unicode code points. Both are 0 if the text is not at hand.
	Line, Column int
}

// String returns "path: reason".
func (p Problem) String() string {
	if p.Path == "" {
		return p.Reason
	}
	return p.Path + ": " + p.Reason
}

// DocumentError reports the problems of a document or manifest: at least one and at most
// [MaxProblems], in the order of the document. When there are that many, there may be more.
type DocumentError struct {
	Problems []Problem
}

// Error returns the first problem and how many more there are.
func (e *DocumentError) Error() string {
	first := e.Problems[0].String()
	switch more := len(e.Problems) - 1; more {
	case 0:
		return first
	case 1:
		return first + " (and 1 more problem)"
	case MaxProblems - 1:
		return fmt.Sprintf("%s (and at least %d more problems)", first, more)
	default:
		return fmt.Sprintf("%s (and %d more problems)", first, more)
	}
}

// place is the place of a value, present or missing: a key or index in the place around it. nil is
// the whole document.
type place struct {
	parent *place
	key    string
	index  int // of an element; -1 = it is the member key
}

func (p *place) member(key string) *place { return &place{parent: p, key: key, index: -1} }

func (p *place) element(i int) *place { return &place{parent: p, index: i} }

// String returns the place's JSON path.
func (p *place) String() string { return string(p.append(nil)) }

func (p *place) append(dst []byte) []byte {
	if p == nil {
		return dst
	}
	dst = p.parent.append(dst)
	if p.index >= 0 {
		return append(strconv.AppendInt(append(dst, '['), int64(p.index), 10), ']')
	}
	key := message.InPath(p.key)
	if p.parent != nil && key[0] != '[' {
		dst = append(dst, '.')
	}
	return append(dst, key...)
}

// below returns the place at a path below p, or p itself when path is not a path.
func (p *place) below(path string) *place {
	steps, err := rawjson.ParsePath(path)
	if err != nil {
		return p
	}
	for _, s := range steps {
		if s.IsIndex() {
			p = p.element(s.Index)
		} else {
			p = p.member(s.Key)
		}
	}
	return p
}

// same reports whether p and o are one place. Paths shorten long keys, so theirs may be the same
// when the places are not.
func (p *place) same(o *place) bool {
	for ; p != nil && o != nil; p, o = p.parent, o.parent {
		if p.key != o.key || p.index != o.index {
			return false
		}
	}
	return p == o
}

// clone returns a copy of p, which may be one that moves on from element to element.
func (p *place) clone() *place {
	if p == nil {
		return nil
	}
	return &place{parent: p.parent.clone(), key: p.key, index: p.index}
}

// depth returns the number of steps from the document to p.
func (p *place) depth() int {
	n := 0
	for ; p != nil; p = p.parent {
		n++
	}
	return n
}

// find returns the part of doc that begins with the value at p, a view, or with the innermost value
// around p that exists. offset is where that value begins in doc, or its key if it is a member.
func (p *place) find(doc []byte) (text []byte, offset int, found bool) {
	if p == nil {
		return doc, len(doc) - len(pastSpace(doc)), true
	}
	text, offset, found = p.parent.find(doc)
	if !found {
		return text, offset, false
	}
	var at []byte
	if i := p.index; i >= 0 {
		eachElement(text, func(text []byte) []byte {
			if i == 0 {
				at, offset = text, offsetIn(doc, text)
				return nil
			}
			i--
			_, rest := rawjson.First(text)
			return rest
		})
	} else {
		eachMember(text, func(key, text []byte) []byte {
			if rawjson.KeyIs(key, p.key) {
				at, offset = text, offsetOfMember(doc, key)
				return nil
			}
			_, rest := rawjson.First(text)
			return rest
		})
	}
	if at == nil {
		return text, offset, false
	}
	return at, offset, true
}

// offsetIn returns the offset of a view in doc: views end where the document's memory does.
func offsetIn(doc, view []byte) int { return cap(doc) - cap(view) }

// offsetOfMember returns the offset of the member of doc whose key, without quotes, is a view.
func offsetOfMember(doc, key []byte) int { return offsetIn(doc, key) - len(`"`) }

// report collects the problems of a document.
type report struct {
	doc      []byte
	problems []located
	warnings []located // at most MaxProblems
	masks    bool      // it is of a workflow, which may hold a secret anywhere by mistake
	strict   bool      // warnings are problems
}

// located is a problem with its place and offset in the document.
type located struct {
	Problem
	at     *place
	offset int
}

// full reports whether the report accepts no more problems. It saves the work on messages, such as
// the search for a likely word, which a hostile document could ask for thousands of times.
func (r *report) full() bool { return len(r.problems) == MaxProblems }

// add reports a problem at a place. A problem that was reported before is ignored.
func (r *report) add(at *place, format string, args ...any) {
	r.problems = r.append(r.problems, at, findOffset, format, args...)
}

// findOffset stands for the offset of the place, which is looked up.
const findOffset = -1

// addAt is add for a problem whose offset in the document is known.
func (r *report) addAt(at *place, offset int, format string, args ...any) {
	r.problems = r.append(r.problems, at, offset, format, args...)
}

// warn reports a violation of a rule that is newer than stored documents. See Plan.Warnings.
func (r *report) warn(at *place, format string, args ...any) {
	if r.strict {
		r.add(at, format, args...)
		return
	}
	r.warnings = r.append(r.warnings, at, findOffset, format, args...)
}

func (r *report) append(list []located, at *place, offset int, format string, args ...any) []located {
	if len(list) == MaxProblems {
		return list
	}
	reason := fmt.Sprintf(format, args...)
	if secret := at.belowSecret(); r.masks && secret != nil {
		if !secret.same(at) {
			offset = findOffset
		}
		at, reason = secret, maskQuoted(reason)
	}
	p := located{Problem: Problem{Path: at.String(), Reason: reason}}
	for _, known := range list {
		if known.Problem == p.Problem && known.at.same(at) {
			return list
		}
	}
	if p.offset = offset; offset == findOffset {
		_, p.offset, _ = at.find(r.doc)
	}
	p.at = at.clone()
	return append(list, p)
}

// err returns a *DocumentError, or nil when there are no problems.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &DocumentError{Problems: r.inDocumentOrder(r.problems)}
}

// inDocumentOrder sorts list and returns its problems with their positions, or nil when it is
// empty.
func (r *report) inDocumentOrder(list []located) []Problem {
	slices.SortStableFunc(list, func(a, b located) int { return cmp.Compare(a.offset, b.offset) })
	var problems []Problem
	at := position{doc: r.doc, line: 1, column: 1}
	for _, p := range list {
		at.advance(p.offset)
		p.Line, p.Column = at.line, at.column
		problems = append(problems, p.Problem)
	}
	return problems
}

// position is a place in a text, as editors count it.
type position struct {
	doc          []byte
	offset       int // in bytes
	line, column int
}

// advance moves the position to an offset that is not before it.
func (p *position) advance(offset int) {
	passed := p.doc[p.offset:offset]
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		p.line += bytes.Count(passed, []byte{'\n'})
		p.column, passed = 1, passed[last+1:]
	}
	p.column += utf8.RuneCount(passed)
	p.offset = offset
}
