package flow

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowtrux/edge/runtime/internal/message"
)

// graph is the graph of the nodes of a document. Indexes are those of draft.nodes.
type graph struct {
	edges []link
	out   [][]int // by node: indexes in edges
	// the edges make a DAG in which every node is reached; only then the rest is there
	sound bool
	layer []int // by node: the length of its longest path from the trigger
	above []set // by node: the nodes upstream of it
	order []int // nodes in plan order
	rank  []int // by node: its index in order
}

// link is an edge between existing nodes.
type link struct {
	at       *place
	from, to int
	handle   value
}

// set is a set of nodes.
type set [MaxNodes / 64]uint64

func (s *set) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

func (s *set) addAll(o *set) {
	for i := range s {
		s[i] |= o[i]
	}
}

// connect resolves the edges, and reports everything that keeps them from being a DAG that begins
// at the trigger.
func (d *draft) connect() {
	before := len(d.problems)
	d.graph.out = make([][]int, len(d.nodes))
	if whole := d.link(); !whole || d.trigger < 0 || len(d.problems) > before {
		return
	}
	d.findCycles()
	d.findUnreached()
	if len(d.problems) == before {
		d.graph.arrange(d.trigger)
		d.graph.sound = true
	}
}

// link turns the edges of the document into links. It returns false when some could not be read:
// then the graph is unknown.
func (d *draft) link() (whole bool) {
	whole = !d.noEdges
	g := &d.graph
	type ends struct {
		from, to int
		handle   string
	}
	first := map[ends]*place{}
	for _, e := range d.edges {
		from, okFrom := d.end(e.source)
		to, okTo := d.end(e.target)
		handle, okHandle := "", true
		if e.handle.raw != nil {
			handle, okHandle = d.text(e.handle)
		}
		if !okFrom || !okTo || !okHandle {
			whole = false
			continue
		}
		if to == d.trigger {
			d.add(e.target.at, "no edge can lead to the trigger")
			continue
		}
		key := ends{from, to, handle}
		if at, taken := first[key]; taken {
			d.add(e.at, "is the same edge as %v", at)
			continue
		}
		first[key] = e.at
		g.out[from] = append(g.out[from], len(g.edges))
		g.edges = append(g.edges, link{at: e.at, from: from, to: to, handle: e.handle})
	}
	return whole
}

// end finds the node at one end of an edge.
func (d *draft) end(v value) (int, bool) {
	if v.raw == nil {
		return -1, false // reported as required
	}
	id, ok := d.text(v)
	if !ok {
		return -1, false
	}
	i, ok := d.byID[id]
	if !ok && !d.full() {
		if err := d.noNode(id); err != nil {
			d.add(v.at, "%v", err)
		}
	}
	return i, ok
}

// noNode returns the error for an id that no node has. It is nil when a node may have it: one whose
// id is invalid or could not be read, which is reported there.
func (d *draft) noNode(id string) error {
	if d.badIDs[id] {
		return nil
	}
	err, known := d.noNodes[id]
	if !known {
		err = d.searchNode(id)
		d.noNodes[id] = err
	}
	return err
}

// searchNode makes the error of noNode. Only the first MaxProblems ids are compared with those of
// the nodes: a document may name thousands, each of which costs much.
func (d *draft) searchNode(id string) error {
	search := len(d.noNodes) < MaxProblems
	if d.noNodes == nil {
		d.noNodes, d.ids = map[string]error{}, slices.Sorted(maps.Keys(d.byID))
	}
	if d.nameless && (!search || message.Nearest(id, d.ids) == "") {
		return nil
	}
	hint := ""
	if search {
		hint = message.DidYouMeanOr(id, d.ids)
	}
	return fmt.Errorf("no node has the id %s%s", message.Quoted(id), hint)
}

// findCycles reports each edge that closes a cycle in a walk in the order of the document.
func (d *draft) findCycles() {
	g := &d.graph
	const (
		unseen = iota
		onWay
		left
	)
	state := make([]int, len(d.nodes))
	var way []int
	var walk func(i int)
	walk = func(i int) {
		state[i] = onWay
		way = append(way, i)
		for _, e := range g.out[i] {
			switch to := g.edges[e].to; state[to] {
			case unseen:
				walk(to)
			case onWay:
				if !d.full() {
					d.add(g.edges[e].at, "closes a cycle: %s", d.cycle(way[slices.Index(way, to):]))
				}
			}
		}
		way = way[:len(way)-1]
		state[i] = left
	}
	for i := range d.nodes {
		if state[i] == unseen {
			walk(i)
		}
	}
}

// cycle lists the nodes of a cycle, or some of them if there are many.
func (d *draft) cycle(nodes []int) string {
	var ids []string
	for _, n := range nodes[:min(len(nodes), message.MaxListed)] {
		ids = append(ids, d.nodes[n].id)
	}
	if len(nodes) > message.MaxListed {
		ids = append(ids, "...")
	}
	return strings.Join(append(ids, ids[0]), " -> ")
}

// findUnreached reports the nodes that cannot be reached from the trigger.
func (d *draft) findUnreached() {
	g := &d.graph
	reached := make([]bool, len(d.nodes))
	reached[d.trigger] = true
	for next := []int{d.trigger}; len(next) > 0; next = next[1:] {
		for _, e := range g.out[next[0]] {
			if to := g.edges[e].to; !reached[to] {
				reached[to] = true
				next = append(next, to)
			}
		}
	}
	for i, n := range d.nodes {
		if known, ok := d.byID[n.id]; ok && known == i && !reached[i] && n.typ != TypeTrigger {
			d.add(n.at, "node %s cannot be reached from the trigger", message.Quoted(n.id))
		}
	}
}

// arrange computes layers, upstream nodes and the plan order of a DAG: in topological order, each
// node passes on what it has.
func (g *graph) arrange(trigger int) {
	n := len(g.out)
	g.layer, g.above, g.rank = make([]int, n), make([]set, n), make([]int, n)
	waiting := make([]int, n)
	for _, e := range g.edges {
		waiting[e.to]++
	}
	for ready := []int{trigger}; len(ready) > 0; ready = ready[1:] {
		i := ready[0]
		g.order = append(g.order, i)
		for _, e := range g.out[i] {
			to := g.edges[e].to
			g.layer[to] = max(g.layer[to], g.layer[i]+1)
			g.above[to].addAll(&g.above[i])
			g.above[to].add(i)
			if waiting[to]--; waiting[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	slices.SortFunc(g.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(g.layer[a], g.layer[b]), cmp.Compare(a, b))
	})
	for rank, i := range g.order {
		g.rank[i] = rank
	}
}
