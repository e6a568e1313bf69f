package flow

import (
	"slices"
	"time"

	"github.com/flowtrux/edge/nodes/rawjson"
	"github.com/flowtrux/edge/runtime/internal/message"
)

// draft is a document whose parts are read one by one, before they are put together.
type draft struct {
	// a module could not be asked: nor are the others, each of which could take as long
	unprepared bool
	fuel       uint64 // used to prepare
	*report
	types      Types
	signatures Signatures         // nil = signature settings are not read
	found      map[string]*lookup // after lookUp, by name
	id         string
	name       string
	active     bool
	nodes      []draftNode
	edges      []draftEdge
	byID       map[string]int // index in nodes; the first of each id
	// ids of nodes that cannot be used, and are reported: edges and templates may name them
	badIDs   map[string]bool
	ids      []string         // the keys of byID, once noNode needs them
	noNodes  map[string]error // the results of noNode
	nameless bool             // there is a node whose id could not be read
	noEdges  bool             // the edges could not be read
	trigger  int              // index in nodes; -1 = none
	graph    graph            // after connect
}

type draftNode struct {
	at          *place
	id          string
	typ         string
	name        string
	config      value
	timeout     time.Duration
	retry       Retry
	continues   bool
	forEach     value
	concurrency int
}

type draftEdge struct {
	at             *place
	source, target value // ids of nodes
	handle         value
}

// Bounds and defaults of a node's settings.
const (
	maxTimeout        = 24 * time.Hour
	maxAttempts       = 20
	defaultBackoff    = time.Second
	defaultMaxBackoff = 30 * time.Second
	maxBackoff        = time.Hour
	maxConcurrency    = 256
)

// forEditors reports whether p is ignored: it belongs to graphical editors.
func forEditors(p *place) bool {
	switch p.key {
	case "metadata": // of the document, a node or an edge
		depth := p.depth()
		return depth == 1 || depth == 3
	case "position":
		return p.depth() == 3
	}
	return false
}

// read reads the document. storedAs is the id under which it is stored, or "" when that is unknown.
func (d *draft) read(doc value, storedAs string) {
	if storedAs != "" && !ValidID(storedAs) {
		d.add(nil, "its name %s cannot be an id: %s", message.Quoted(storedAs), idRule)
	}
	d.id, d.active, d.trigger, d.byID, d.badIDs = storedAs, true, -1, map[string]int{}, map[string]bool{}
	seen := d.members(doc, []string{"id", "name", "active", "nodes", "edges", "metadata"}, func(key string, v value) {
		switch key {
		case "id":
			d.readID(v, storedAs)
		case "name":
			d.name, _ = d.text(v)
		case "active":
			d.active, _ = d.boolean(v)
		case "nodes":
			d.readNodes(v)
		case "edges":
			d.noEdges = !d.elements(v, func(_ int, e value) { d.edges = append(d.edges, d.readEdge(e)) })
		}
	})
	if storedAs == "" {
		d.require(doc, seen, "id")
	}
	d.require(doc, seen, "nodes")
	if d.name == "" {
		d.name = d.id
	}
}

const idRule = "an id is a letter or digit, then at most 63 letters, digits, - or _"

func (d *draft) readID(v value, storedAs string) {
	id, ok := d.text(v)
	switch {
	case !ok:
	case !ValidID(id):
		d.add(v.at, "%s: %s", message.Quoted(id), idRule)
	case storedAs != "" && id != storedAs:
		d.add(v.at, "is %s, but the document is stored under %s", message.Quoted(id), message.Quoted(storedAs))
	default:
		d.id = id
	}
}

func (d *draft) readNodes(v value) {
	isArray := d.elements(v, func(i int, e value) {
		switch {
		case i < MaxNodes:
			d.nodes = append(d.nodes, d.readNode(e))
			d.enter(i)
		case i == MaxNodes:
			d.add(v.at, "has more than %d nodes", MaxNodes)
			fallthrough
		default:
			d.badIDs[text(rawjson.Get(e.raw, "id"))] = true
		}
	})
	if isArray && d.trigger < 0 && !d.findMisspelledTrigger() {
		d.add(v.at, "there is no trigger: exactly one node must have the type %s", message.Quoted(TypeTrigger))
	}
}

// findMisspelledTrigger takes a node whose type is nearly "trigger" for the trigger, and reports
// it. It returns false when there is certainly no trigger.
func (d *draft) findMisspelledTrigger() bool {
	mayBe := false
	for i := range d.nodes {
		n := &d.nodes[i]
		switch {
		case n.typ == "": // reported
			mayBe = true
		case message.Nearest(n.typ, []string{TypeTrigger}) != "" && !slices.Contains(d.types.Names(), n.typ):
			d.add(n.at.member("type"), "unknown node type %s%s", message.Quoted(n.typ), message.DidYouMean(n.typ, []string{TypeTrigger}))
			n.typ, d.trigger = TypeTrigger, i
			return true
		}
	}
	return mayBe
}

// enter indexes node i by its id.
func (d *draft) enter(i int) {
	n := &d.nodes[i]
	if n.typ == TypeTrigger {
		if d.trigger >= 0 {
			d.add(n.at.member("type"), "is a second trigger beside %v: a workflow has exactly one", d.nodes[d.trigger].at)
		} else {
			d.trigger = i
		}
	}
	if n.id == "" {
		return
	}
	if first, taken := d.byID[n.id]; taken {
		d.add(n.at.member("id"), "%s is the id of %v already", message.Quoted(n.id), d.nodes[first].at)
		return
	}
	d.byID[n.id] = i
}

func (d *draft) readNode(v value) draftNode {
	n := draftNode{at: v.at, retry: Retry{MaxAttempts: 1}, concurrency: 1}
	nameless := true
	known := []string{
		"id", "type", "name", "config", "timeout", "retry", "onError", "forEach", "concurrency", "metadata", "position",
	}
	seen := d.members(v, known, func(key string, m value) {
		switch key {
		case "id":
			id, ok := d.text(m)
			nameless = !ok
			if ok && !ValidID(id) {
				d.add(m.at, "%s: %s", message.Quoted(id), idRule)
				d.badIDs[id] = true
				return
			}
			n.id = id
		case "type":
			var ok bool
			if n.typ, ok = d.text(m); ok && n.typ == "" {
				d.add(m.at, "must not be empty")
			}
		case "name":
			n.name, _ = d.text(m)
		case "config":
			n.config = m
		case "timeout":
			n.timeout, _ = d.duration(m, time.Millisecond, maxTimeout)
		case "retry":
			d.readRetry(m, &n.retry)
		case "onError":
			word, _ := d.oneOf(m, "stop", "continue")
			n.continues = word == "continue"
		case "forEach":
			n.forEach = m
		case "concurrency":
			n.concurrency, _ = d.integer(m, 1, maxConcurrency)
		}
	})
	d.require(v, seen, "id", "type")
	d.nameless = d.nameless || nameless
	if n.name == "" {
		n.name = n.id
	}
	for _, key := range seen {
		switch key {
		case "timeout", "retry", "onError", "forEach", "concurrency":
			if n.typ == TypeTrigger {
				d.add(v.at.member(key), "is not for the trigger, which does not run")
			} else if key == "concurrency" && n.forEach.raw == nil {
				d.add(v.at.member(key), "is only for a node with forEach")
			}
		}
	}
	return n
}

func (d *draft) readRetry(v value, retry *Retry) {
	retry.Backoff, retry.MaxBackoff = defaultBackoff, defaultMaxBackoff
	given := false
	seen := d.members(v, []string{"maxAttempts", "backoff", "maxBackoff"}, func(key string, m value) {
		switch key {
		case "maxAttempts":
			retry.MaxAttempts, _ = d.integer(m, 1, maxAttempts)
		case "backoff":
			retry.Backoff, _ = d.duration(m, 0, maxBackoff)
		case "maxBackoff":
			retry.MaxBackoff, given = d.duration(m, 0, maxBackoff)
		}
	})
	d.require(v, seen, "maxAttempts")
	if given && retry.MaxBackoff < retry.Backoff {
		d.add(v.at.member("maxBackoff"), "must be at least the backoff of %v", retry.Backoff)
	}
	retry.MaxBackoff = max(retry.MaxBackoff, retry.Backoff)
}

func (d *draft) readEdge(v value) draftEdge {
	e := draftEdge{at: v.at}
	seen := d.members(v, []string{"source", "target", "sourceHandle", "metadata"}, func(key string, m value) {
		switch key {
		case "source":
			e.source = m
		case "target":
			e.target = m
		case "sourceHandle":
			e.handle = m
		}
	})
	d.require(v, seen, "source", "target")
	return e
}
