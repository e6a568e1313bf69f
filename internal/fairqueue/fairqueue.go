// Package fairqueue is a round-robin queue: each group of entries is served in turn, and within a
// group the entry with the lowest order comes first. Here a group is a workflow, so that a workflow
// with many entries does not delay the others.
package fairqueue

import (
	"container/heap"
	"container/list"
	"slices"
)

// Queue holds entries of type T by their group. Its zero value is empty. It is not safe for
// concurrent use.
//
// Adding or removing an entry costs the logarithm of the entries in its group. The number of groups
// does not matter.
type Queue[T any] struct {
	groups map[string]*group[T]
	ring   list.List // of *group: the groups that have entries, the next one to be served in front
}

// Element is an entry in a queue.
type Element[T any] struct {
	value T
	order uint64
	group *group[T]
	index int // in the group's heap
}

// group is a heap of the entries of one group.
type group[T any] struct {
	name     string
	elements []*Element[T]
	inRing   *list.Element
}

// Add adds an entry behind those of its group that have a lower order. A group that had no entries
// is served after all others.
func (q *Queue[T]) Add(groupName string, order uint64, value T) *Element[T] {
	if q.groups == nil {
		q.groups = make(map[string]*group[T])
	}
	g := q.groups[groupName]
	if g == nil {
		g = &group[T]{name: groupName}
		g.inRing = q.ring.PushBack(g)
		q.groups[groupName] = g
	}
	e := &Element[T]{value: value, order: order, group: g}
	heap.Push(g, e)
	return e
}

// Remove removes an entry that is in the queue.
func (q *Queue[T]) Remove(e *Element[T]) {
	heap.Remove(e.group, e.index)
	q.dropIfEmpty(e.group)
}

// Next removes and returns the next entry; ok is false if there is none. Groups in except are
// passed over: they keep their entries and their place in the round.
func (q *Queue[T]) Next(except []string) (value T, ok bool) {
	for at := q.ring.Front(); at != nil; at = at.Next() {
		g := at.Value.(*group[T])
		if slices.Contains(except, g.name) {
			continue
		}
		value = heap.Pop(g).(*Element[T]).value
		q.ring.MoveToBack(at)
		q.dropIfEmpty(g)
		return value, true
	}
	return value, false
}

// Upcoming yields entries that stay in the queue, about in the order in which they will be next.
// The queue must not be changed meanwhile.
func (q *Queue[T]) Upcoming(yield func(T) bool) {
	for round, more := 0, true; more; round++ {
		more = false
		for at := q.ring.Front(); at != nil; at = at.Next() {
			g := at.Value.(*group[T])
			if round >= len(g.elements) {
				continue
			}
			if more = true; !yield(g.elements[round].value) {
				return
			}
		}
	}
}

func (q *Queue[T]) dropIfEmpty(g *group[T]) {
	if len(g.elements) == 0 {
		q.ring.Remove(g.inRing)
		delete(q.groups, g.name)
	}
}

// The following methods implement heap.Interface.

func (g *group[T]) Len() int           { return len(g.elements) }
func (g *group[T]) Less(a, b int) bool { return g.elements[a].order < g.elements[b].order }

func (g *group[T]) Swap(a, b int) {
	g.elements[a], g.elements[b] = g.elements[b], g.elements[a]
	g.elements[a].index, g.elements[b].index = a, b
}

func (g *group[T]) Push(x any) {
	e := x.(*Element[T])
	e.index = len(g.elements)
	g.elements = append(g.elements, e)
}

func (g *group[T]) Pop() any {
	last := len(g.elements) - 1
	e := g.elements[last]
	g.elements[last] = nil
	g.elements = g.elements[:last]
	return e
}
