package flow

import (
	"iter"

	"github.com/flowtrux/edge/nodes/rawjson"
)

// compact returns a plan like p in which what requests read stands in a few slices and one text, in
// the order in which it is read. p must not be used any more. A server may have many thousands of
// plans. The collector looks at each object of each of them, and a request of a plan that was not
// used for a while waits for the memory of each.
func (p *Plan) compact() *Plan {
	if p.Webhook != nil {
		both := &struct {
			plan    Plan
			webhook Webhook
		}{*p, *p.Webhook}
		p = &both.plan
		p.Webhook = &both.webhook
	}
	p.shareText()
	var size struct{ segments, references, steps int }
	for _, t := range p.templates() {
		size.segments += len(t.segments)
		for i := range t.segments {
			if ref := t.segments[i].ref; ref != nil {
				size.references++
				size.steps += len(ref.steps)
			}
		}
	}
	// with these capacities append never moves what pointers already lead to
	segments := make([]segment, 0, size.segments)
	references, steps := make([]reference, 0, size.references), make([]rawjson.Step, 0, size.steps)
	move := func(t, to *Template) *Template {
		if t == nil {
			return nil
		}
		first := len(segments)
		for _, s := range t.segments {
			if s.ref != nil {
				begin := len(steps)
				steps = append(steps, s.ref.steps...)
				references = append(references, *s.ref)
				s.ref = &references[len(references)-1]
				s.ref.steps = steps[begin:len(steps):len(steps)]
			}
			segments = append(segments, s)
		}
		to.segments = segments[first:len(segments):len(segments)]
		return to
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		n.ForEach, n.Config = move(n.ForEach, &n.own.forEach), move(n.Config, &n.own.config)
	}
	return p
}

// templates goes through the templates of the nodes, each with the index of its node.
func (p *Plan) templates() iter.Seq2[int, *Template] {
	return func(yield func(int, *Template) bool) {
		for i := range p.Nodes {
			for _, t := range [...]*Template{p.Nodes[i].ForEach, p.Nodes[i].Config} {
				if t != nil && !yield(i, t) {
					return
				}
			}
		}
	}
}

// shareText makes the texts of a plan parts of one text, in which equal ones stand once.
func (p *Plan) shareText() {
	var all []byte
	at := make(map[string]int)
	p.eachText(func(s *string) {
		if _, known := at[*s]; !known {
			at[*s] = len(all)
			all = append(all, *s...)
		}
	})
	text := string(all)
	p.eachText(func(s *string) {
		begin := at[*s]
		*s = text[begin : begin+len(*s)]
	})
}

// eachText calls fn for the texts of a plan, first those that most requests read. The plan's ID is
// not among them: counters keep it when the plan is gone, and would keep all texts with it.
func (p *Plan) eachText(fn func(*string)) {
	for _, t := range p.templates() {
		for i := range t.segments {
			s := &t.segments[i]
			fn(&s.text)
			if s.ref == nil {
				continue
			}
			fn(&s.ref.key)
			for k := range s.ref.steps {
				fn(&s.ref.steps[k].Key)
			}
		}
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		fn(&n.ID)
		for k := range n.Out {
			fn(&n.Out[k].Handle)
		}
		for k := range n.In {
			fn(&n.In[k].Handle)
		}
	}
	if p.Webhook != nil {
		fn(&p.Webhook.Path)
		for i := range p.Webhook.Header {
			fn(&p.Webhook.Header[i].Name)
			fn(&p.Webhook.Header[i].Value)
		}
	}
	fn(&p.Name)
	for i := range p.Nodes {
		fn(&p.Nodes[i].Name)
	}
}
