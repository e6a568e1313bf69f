package flow

import (
	"errors"
	"sync"
)

// lookup is what Types say of a type.
type lookup struct {
	typ *Type
	err error
}

// lookUp asks once for each type that the document names, for all of them side by side: one may have to be loaded, which
// takes a while.
func (d *draft) lookUp() {
	d.found = make(map[string]*lookup)
	var names []string
	for i := range d.nodes {
		if name := d.nodes[i].typ; name != "" && name != TypeTrigger && d.found[name] == nil {
			d.found[name] = new(lookup)
			names = append(names, name)
		}
	}
	var others sync.WaitGroup
	for i, name := range names {
		l := d.found[name]
		ask := func() { l.typ, l.err = d.types.Type(name) }
		if i == len(names)-1 {
			ask()
			break
		}
		others.Go(ask)
	}
	others.Wait()
}

// typeOf is the type of node i. It is nil when there is none that can be used, which is reported.
func (d *draft) typeOf(i int) *Type {
	n := &d.nodes[i]
	if n.typ == "" {
		return nil
	}
	l := d.found[n.typ]
	switch {
	case errors.Is(l.err, ErrNoType):
		d.add(n.at.member("type"), "unknown node type %s%s", quoted(n.typ), didYouMeanOr(n.typ, d.types.Names()))
	case l.err != nil:
		d.add(n.at.member("type"), "node type %s cannot be used: %v", quoted(n.typ), l.err)
	}
	return l.typ
}
