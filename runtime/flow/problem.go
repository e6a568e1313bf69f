package flow

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// Problem is one thing wrong with a document. Neither field holds secrets.
type Problem struct {
	Path   string // JSON path, as in nodes[2].config.cases[0].name; "" = the document
	Reason string // for humans, one line
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
// around p that exists.
func (p *place) find(doc []byte) (text []byte, found bool) {
	if p == nil {
		return doc, true
	}
	text, found = p.parent.find(doc)
	if !found {
		return text, false
	}
	var at []byte
	pass := func(text []byte, here bool) []byte {
		if here {
			at = text
			return nil
		}
		_, rest := rawjson.First(text)
		return rest
	}
	if i := p.index; i >= 0 {
		eachElement(text, func(text []byte) []byte {
			i--
			return pass(text, i < 0)
		})
	} else {
		eachMember(text, func(key, text []byte) []byte { return pass(text, rawjson.KeyIs(key, p.key)) })
	}
	if at == nil {
		return text, false
	}
	return at, true
}

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
	r.problems = r.append(r.problems, at, format, args...)
}

// warn reports a violation of a rule that is newer than stored documents. See Plan.Warnings.
func (r *report) warn(at *place, format string, args ...any) {
	if r.strict {
		r.add(at, format, args...)
		return
	}
	r.warnings = r.append(r.warnings, at, format, args...)
}

func (r *report) append(list []located, at *place, format string, args ...any) []located {
	if len(list) == MaxProblems {
		return list
	}
	reason := fmt.Sprintf(format, args...)
	if secret := at.belowSecret(); r.masks && secret != nil {
		at, reason = secret, maskQuoted(reason)
	}
	p := located{Problem: Problem{Path: at.String(), Reason: reason}}
	for _, known := range list {
		if known.Problem == p.Problem && known.at.same(at) {
			return list
		}
	}
	v, _ := at.find(r.doc)
	p.offset = cap(r.doc) - cap(v) // views end where the document's memory does
	p.at = at.clone()
	return append(list, p)
}

// err returns a *DocumentError, or nil when there are no problems.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &DocumentError{Problems: inDocumentOrder(r.problems)}
}

// inDocumentOrder sorts list and returns its problems, or nil when it is empty.
func inDocumentOrder(list []located) []Problem {
	slices.SortStableFunc(list, func(a, b located) int { return cmp.Compare(a.offset, b.offset) })
	var problems []Problem
	for _, p := range list {
		problems = append(problems, p.Problem)
	}
	return problems
}
