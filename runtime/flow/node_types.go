package flow

import (
	"errors"

	"github.com/flowtrux/edge/runtime/internal/message"
)

// lookup is the result of Types for a type.
type lookup struct {
	typ *Type
	err error
}

// lookUp asks once for each type that the document names, before any is used.
func (d *draft) lookUp() {
	d.found = make(map[string]*lookup)
	for i := range d.nodes {
		if name := d.nodes[i].typ; name != "" && name != TypeTrigger && d.found[name] == nil {
			t, err := d.types.Type(name)
			d.found[name] = &lookup{t, err}
		}
	}
}

// typeOf returns the type of node i, or nil when there is none that can be used, which is reported.
func (d *draft) typeOf(i int) *Type {
	n := &d.nodes[i]
	if n.typ == "" {
		return nil
	}
	l := d.found[n.typ]
	switch {
	case errors.Is(l.err, ErrNoType):
		d.add(n.at.member("type"), "unknown node type %s%s", message.Quoted(n.typ), message.DidYouMeanOr(n.typ, d.types.Names()))
	case l.err != nil:
		d.add(n.at.member("type"), "node type %s cannot be used: %v", message.Quoted(n.typ), l.err)
	}
	return l.typ
}
