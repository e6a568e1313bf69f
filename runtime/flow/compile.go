package flow

import (
	"slices"
	"strings"

	"github.com/flowtrux/edge/runtime/internal/message"
)

// Compile decodes, validates and plans a document of at most [MaxDocument] bytes. id is the key it
// is stored under; "" means that there is none and the document must have an id. revision becomes
// part of the plan. With nil for signatures, webhook.signature is not read.
//
// The error is a *[DocumentError] with all problems. raw is neither retained nor changed. The
// result depends on the arguments alone: the same document gives an equal plan or the same
// problems.
func Compile(id string, revision int64, raw []byte, types Types, signatures Signatures) (*Plan, error) {
	d := &draft{report: &report{masks: true}, types: types, signatures: signatures}
	return d.compile(id, revision, raw)
}

// CompileNew is [Compile] for a document that is not stored yet: its
// warnings are problems, and its secret is checked against the scheme of its signatures.
func CompileNew(id string, revision int64, raw []byte, types Types, signatures Signatures) (*Plan, error) {
	d := &draft{report: &report{masks: true, strict: true}, types: types, signatures: signatures}
	return d.compile(id, revision, raw)
}

func (d *draft) compile(id string, revision int64, raw []byte) (*Plan, error) {
	doc, ok := d.open(raw, MaxDocument, forEditors)
	if !ok {
		return nil, d.err()
	}
	d.read(doc, id)
	d.connect()
	d.lookUp()
	var t trigger
	settings := make([]configured, len(d.nodes))
	for i, n := range d.nodes {
		if n.typ != TypeTrigger {
			settings[i] = d.configure(i)
		} else if read := d.readTrigger(n.at, n.config); i == d.trigger {
			t = read
		}
	}
	d.checkHandles(settings)
	response := d.responseNode(t)
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.plan(revision, settings, t, response), nil
}

// checkHandles checks the handle of each edge against the node that it comes from.
func (d *draft) checkHandles(settings []configured) {
	for _, e := range d.graph.edges {
		if d.full() {
			return
		}
		from, set := &d.nodes[e.from], &settings[e.from]
		at := e.at.member("sourceHandle")
		handle, given := "", e.handle.raw != nil
		if given {
			handle = text(e.handle.raw)
		}
		switch {
		case e.from == d.trigger:
			if given {
				d.add(at, "is not for edges from the trigger, which cannot fail")
			}
		case set.typ == nil || given && handle == HandleError:
		case !set.typ.Routes():
			if given {
				d.add(at, "edges from a node of type %s have no handle but %s", message.Quoted(from.typ), message.Quoted(HandleError))
			}
		case set.handles == nil: // the config is wrong
		case !given:
			d.add(at, "is required: node %s has %s", message.Quoted(from.id), listHandles(set.handles))
		case !slices.Contains(set.handles, handle):
			d.add(at, "unknown handle %s: node %s has %s%s", message.Quoted(handle), message.Quoted(from.id), listHandles(set.handles), message.DidYouMean(handle, set.handles))
		}
	}
}

// listHandles lists the handles of a node's edges, only the first if there are many.
func listHandles(handles []string) string {
	if len(handles) > message.MaxListed {
		return strings.Join(message.EachQuoted(handles[:message.MaxListed]), ", ") + " and more"
	}
	return message.Either(message.EachQuoted(append(slices.Clone(handles), HandleError)))
}

// responseNode returns the node that webhook.responseNodeId names, or -1 when none is needed.
func (d *draft) responseNode(t trigger) int {
	if t.responseNode.raw == nil {
		return -1
	}
	i, ok := d.end(t.responseNode)
	if !ok || t.webhook.Mode != SpecificNode {
		return -1
	}
	return i
}

// plan assembles the plan of a document without problems.
func (d *draft) plan(revision int64, settings []configured, t trigger, response int) *Plan {
	g := &d.graph
	p := &Plan{
		ID: d.id, Name: d.name, Active: d.active, Revision: revision,
		Document: RedactSecret(d.doc), Webhook: t.webhook, Data: t.data,
		Nodes: make([]Node, len(d.nodes)), Warnings: d.inDocumentOrder(d.warnings), PrepareFuel: d.fuel,
	}
	if p.Webhook != nil && response >= 0 {
		p.Webhook.ResponseNode = g.rank[response]
	}
	for rank, i := range g.order {
		n, set := &d.nodes[i], &settings[i]
		switch {
		case i == d.trigger:
			n.typ = TypeTrigger
		case n.typ == set.typ.Name:
			n.typ = set.typ.Name // whose text all plans share
		}
		p.Nodes[rank] = Node{
			ID: n.id, Type: n.typ, Name: n.name, Layer: g.layer[i], Config: set.config, Fixed: set.fixed, ForEach: set.forEach,
			Concurrency: n.concurrency, Handles: set.handles, Timeout: n.timeout, Retry: n.retry, Continue: n.continues,
		}
	}
	d.addEdges(p)
	p = p.compact()
	p.aim()
	return p
}

// addEdges sets the edges of a plan's nodes. All of them are parts of one slice: a server may have
// thousands of plans.
func (d *draft) addEdges(p *Plan) {
	g := &d.graph
	in, out := make([]int, len(p.Nodes)), make([]int, len(p.Nodes))
	for _, e := range g.edges {
		in[g.rank[e.to]]++
		out[g.rank[e.from]]++
	}
	all := make([]Edge, 2*len(g.edges))
	cut := func(n int) (part []Edge) {
		part, all = all[:0:n], all[n:]
		return part
	}
	for rank := range p.Nodes {
		n := &p.Nodes[rank]
		if in[rank] > 0 {
			n.In = cut(in[rank])
		}
		if out[rank] > 0 {
			n.Out = cut(out[rank])
		}
	}
	for _, e := range g.edges {
		edge := Edge{From: g.rank[e.from], To: g.rank[e.to]}
		if e.handle.raw != nil {
			edge.Handle = text(e.handle.raw)
		}
		from, to := &p.Nodes[edge.From], &p.Nodes[edge.To]
		from.Out, to.In = append(from.Out, edge), append(to.In, edge)
		from.ErrorEdge = from.ErrorEdge || edge.Handle == HandleError
	}
}
