package flow

import (
	"errors"
	"fmt"
	"slices"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// prepare splits the fixed part off node i's config, canonical JSON, and passes it to the type's
// module. The values that the module then reads are added to the rest, as templates.
func (d *draft) prepare(i int, t *Type, config value, names *binder) (rest, fixed []byte) {
	if len(t.Fixed) == 0 {
		return config.raw, nil
	}
	var keys []string
	rest, fixed = []byte{'{'}, []byte{'{'}
	rawjson.Members(config.raw, func(k, raw []byte) bool {
		to := &rest
		if key := keyText(k); slices.Contains(t.Fixed, key) {
			to, keys = &fixed, append(keys, key)
		}
		*to = appendMember(*to, k, raw)
		return true
	})
	rest, fixed = append(rest, '}'), append(fixed, '}')
	p, ok := d.types.(Preparer)
	if !ok || len(keys) == 0 || d.unprepared || d.full() {
		return rest, fixed
	}
	at := config.at
	if len(keys) == 1 {
		at = at.member(keys[0])
	}
	before := d.fuel
	reads, fuel, err := p.Prepare(d.nodes[i].typ, fixed)
	d.fuel += fuel
	bad, over, large := (*PrepareError)(nil), (*FuelError)(nil), (*MemoryError)(nil)
	switch {
	case errors.As(err, &over):
		d.unprepared = true
		d.add(at, "%s", tooMuchFuel(over.Limit, before))
	case errors.As(err, &bad) && at.belowSecret() != nil:
		d.add(at, "is rejected by the module") // whose words may be the text
	case errors.As(err, &large):
		d.unprepared = true
		d.add(at, "%s", large)
	case errors.As(err, &bad):
		d.add(at, "%s", bad.Reason)
	case err != nil:
		d.unprepared = true
		d.add(at, "could not be checked: %s", err)
	case before <= MaxPrepareFuel && d.fuel > MaxPrepareFuel:
		d.warn(at, "%s", tooMuchFuel(MaxPrepareFuel, before))
	}
	if err != nil {
		return rest, fixed
	}
	return d.withReads(i, rest, reads, names), fixed
}

// tooMuchFuel is the message for a node with which the fuel for preparing a document is used up.
// before is the fuel that the nodes before it have used.
func tooMuchFuel(limit, before uint64) string {
	return fmt.Sprintf("takes too long to prepare: with it the document's nodes burn more than %d units of fuel, the most for all of them together; those before it burn %d",
		limit, before)
}

// appendMember appends a member whose key is already escaped.
func appendMember(dst, key, raw []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(append(dst, '"'), key...), '"', ':'), raw...)
}

// withReads adds templates of the paths to a config, each at the place that its path names:
// steps.a.output becomes {"steps":{"a":{"output":"{{steps.a.output}}"}}}. A path that lacks its
// attribute stands for all: trigger for its attributes, steps for the outputs of all nodes
// upstream. Paths that name nothing are skipped, as are those whose root is a key of the config.
func (d *draft) withReads(i int, config []byte, reads []string, names *binder) []byte {
	var tree branch
	for _, path := range d.wide(i, reads) {
		parts, err := parseText("{{" + path + "}}")
		if err != nil || len(parts) != 1 || parts[0].path == nil {
			continue
		}
		if _, err := names.bind(parts[0].path); err == nil {
			tree.add(parts[0].path, path)
		}
	}
	config = config[:len(config)-1]
	for _, b := range tree.below {
		if rawjson.Get(append(config, '}'), b.key) == nil {
			config = appendMember(config, rawjson.AppendEscaped(nil, []byte(b.key)), b.append(nil))
		}
	}
	return append(config, '}')
}

// wide expands the paths that stand for several.
func (d *draft) wide(i int, paths []string) []string {
	under := func(root string, names []string) []string {
		out := make([]string, len(names))
		for n, name := range names {
			out[n] = root + "." + name
		}
		return out
	}
	var out []string
	for _, path := range paths {
		switch path {
		case "trigger":
			out = append(out, under(path, triggerNames)...)
		case "execution":
			out = append(out, under(path, executionNames)...)
		case "workflow":
			out = append(out, under(path, workflowNames)...)
		case "steps":
			for n := range d.nodes {
				if d.graph.sound && d.graph.above[i].has(n) {
					out = append(out, "steps."+d.nodes[n].id+".output")
				}
			}
		default:
			out = append(out, path)
		}
	}
	return out
}

// branch is a key with its content: more keys, or the template of a path.
type branch struct {
	key   string
	path  string // "" = there is more below
	below []*branch
}

// add adds a path. A path that continues another, or that another continues, is skipped.
func (b *branch) add(steps rawjson.Path, path string) {
	for n, s := range steps {
		if s.Index >= 0 || b.path != "" {
			return
		}
		at := slices.IndexFunc(b.below, func(c *branch) bool { return c.key == s.Key })
		if at < 0 {
			at = len(b.below)
			b.below = append(b.below, &branch{key: s.Key})
		}
		b = b.below[at]
		if n == len(steps)-1 && len(b.below) == 0 {
			b.path = path
		}
	}
}

func (b *branch) append(dst []byte) []byte {
	if b.path != "" {
		return rawjson.AppendQuoted(dst, []byte("{{"+b.path+"}}"))
	}
	dst = append(dst, '{')
	for _, c := range b.below {
		dst = appendMember(dst, rawjson.AppendEscaped(nil, []byte(c.key)), c.append(nil))
	}
	return append(dst, '}')
}
