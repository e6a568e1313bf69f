package flow

import (
	"fmt"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// configured is a node's config, checked against its type.
type configured struct {
	typ *Type // nil = unknown, reported
	// besides "error"; nil = it does not route, or the config is wrong and its handles are unknown
	handles []string
	config  *Template
	fixed   []byte // see Node.Fixed
	forEach *Template
}

// configure checks node i, which is not the trigger, against its type and builds its templates.
func (d *draft) configure(i int) configured {
	n := &d.nodes[i]
	c := configured{typ: d.typeOf(i)}
	b := builder{report: d.report, binder: d.binder(i)}
	if n.forEach.raw != nil {
		c.forEach = d.readForEach(n.forEach, c.typ, b.binder)
		b.binder.forEach = true
	}
	config := n.config
	if config.raw == nil {
		config = value{[]byte("{}"), n.at.member("config")}
	}
	if c.typ != nil && c.typ.HandlesFrom == "" {
		c.handles = c.typ.Handles // whatever the config
	}
	if rawjson.KindOf(config.raw) != rawjson.Object {
		d.add(config.at, "must be an object, not %s", message.KindName(config.raw))
		return c
	}
	if c.typ != nil {
		config.raw = c.typ.withDefaults(config.raw)
		before := len(d.problems)
		d.checkConfig(c.typ, config)
		if len(d.problems) == before {
			c.handles = d.handlesOf(c.typ, config)
			config.raw, c.fixed = d.prepare(i, c.typ, config, &b.binder)
		} else if c.typ.HandlesFrom != "" {
			c.handles = c.typ.readHandles(config)
		}
	}
	c.config = b.template(config)
	return c
}

// binder returns the binder for the templates of node i. They may name nodes upstream of it,
// whichever branch leads to it.
func (d *draft) binder(i int) binder {
	return binder{node: func(id string) (int, error) {
		named, ok := d.byID[id]
		switch {
		case !ok:
			return 0, d.noNode(id)
		case named == i:
			return 0, fmt.Errorf("node %s cannot see its own output", message.Quoted(id))
		case !d.graph.sound:
			return 0, nil // the nodes upstream are unknown, and the document is wrong anyway
		case !d.graph.above[i].has(named):
			return 0, fmt.Errorf("node %s is not upstream of node %s", message.Quoted(id), message.Quoted(d.nodes[i].id))
		default:
			return d.graph.rank[named], nil
		}
	}}
}

// readForEach builds the template of forEach. It sees the same roots as the node's config, without
// item and index.
func (d *draft) readForEach(v value, t *Type, names binder) *Template {
	s, ok := d.text(v)
	if !ok {
		return nil
	}
	if t != nil && t.Routes() {
		d.add(v.at, "cannot be on a node of type %s: each item could take another way", message.Quoted(t.Name))
	}
	if parts, err := parseText(s); err == nil && (len(parts) != 1 || parts[0].path == nil) {
		d.add(v.at, "must be one template alone that gives an array, such as {{trigger.data.items}}")
		return nil
	}
	b := builder{report: d.report, binder: names}
	return b.template(v)
}

// withDefaults returns config, canonical, with the defaults of the type that apply to it.
func (t *Type) withDefaults(config []byte) []byte {
	config, err := rawjson.AppendCanonical(nil, config, MaxDepth)
	if err != nil {
		return config
	}
	for _, def := range t.Defaults {
		if rawjson.Get(config, def.Key) != nil || def.With != "" && rawjson.Get(config, def.With) == nil {
			continue
		}
		config = config[:len(config)-1]
		if len(config) > 1 {
			config = append(config, ',')
		}
		config = rawjson.AppendQuoted(config, []byte(def.Key))
		config = append(append(append(config, ':'), def.Value...), '}')
	}
	return config
}

// handlesOf returns the handles of a node of a type that routes, or nil when the type does not, or
// the config's are wrong.
func (d *draft) handlesOf(t *Type, config value) []string {
	if !t.Routes() {
		return nil
	}
	if t.HandlesFrom == "" {
		return t.Handles
	}
	handles := append([]string{}, t.Handles...)
	before := len(d.problems)
	eachAt(config, t.handlesFrom, func(v value) {
		if len(handles) == maxHandles {
			d.add(config.at, "names more than %d handles", maxHandles)
			return
		}
		if h, ok := d.text(v); ok {
			if reason := badHandle(h, handles); reason != "" {
				d.add(v.at, "%s", reason)
			}
			handles = append(handles, h)
		}
	})
	if len(d.problems) > before {
		return nil
	}
	return handles
}

// readHandles returns the handles of a type that takes them from its config, which is wrong. It is
// nil unless all of them can be read: one that cannot may be any.
func (t *Type) readHandles(config value) []string {
	handles, whole := append([]string{}, t.Handles...), true
	eachAt(config, t.handlesFrom, func(v value) {
		h := text(v.raw)
		if whole = whole && rawjson.KindOf(v.raw) == rawjson.String && !hasTemplate(h) && len(handles) < maxHandles; whole {
			handles = append(handles, h)
		}
	})
	if !whole || !allThere(config.raw, t.handlesFrom) {
		return nil
	}
	return handles
}

// allThere reports whether steps lead to a value in each element that they pass.
func allThere(raw []byte, steps []string) bool {
	switch {
	case len(steps) == 0 || raw == nil:
		return raw != nil
	case steps[0] != "[]":
		return allThere(rawjson.Get(raw, steps[0]), steps[1:])
	}
	all := rawjson.KindOf(raw) == rawjson.Array
	rawjson.Elements(raw, func(raw []byte) bool {
		all = allThere(raw, steps[1:])
		return all
	})
	return all
}

// eachAt calls fn for each value that steps lead to in v. Missing values are skipped.
func eachAt(v value, steps []string, fn func(value)) {
	switch {
	case v.raw == nil:
	case len(steps) == 0:
		fn(v)
	case steps[0] == "[]":
		i := 0
		rawjson.Elements(v.raw, func(raw []byte) bool {
			eachAt(value{raw, v.at.element(i)}, steps[1:], fn)
			i++
			return true
		})
	default:
		eachAt(value{rawjson.Get(v.raw, steps[0]), v.at.member(steps[0])}, steps[1:], fn)
	}
}
