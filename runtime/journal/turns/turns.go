// Package turns is the order in which what waits is given out by who knows all of it, such as an
// engine what is pending: workflows take turns, and of each the entry that was accepted first is
// the next.
package turns

import (
	"container/heap"
	"container/list"
	"slices"
)

// Queue holds entries of type T by their workflow. Its zero value is empty. It is not safe for
// concurrent use.
//
// Adding and removing an entry costs the logarithm of how many its workflow has; how many workflows
// there are costs nothing.
type Queue[T any] struct {
	lines map[string]*line[T]
	ring  list.List // of *line: the workflows that have entries, the one whose turn it is first
}

// Place is an entry's place in a queue.
type Place[T any] struct {
	value T
	order uint64
	line  *line[T]
	at    int // in the line
}

// line are the entries of one workflow, as a heap.
type line[T any] struct {
	workflow string
	places   []*Place[T]
	turn     *list.Element
}

// Add puts an entry behind those of its workflow that have a lower order. A workflow that had none
// is the last whose turn comes.
func (q *Queue[T]) Add(workflow string, order uint64, value T) *Place[T] {
	if q.lines == nil {
		q.lines = make(map[string]*line[T])
	}
	l := q.lines[workflow]
	if l == nil {
		l = &line[T]{workflow: workflow}
		l.turn = q.ring.PushBack(l)
		q.lines[workflow] = l
	}
	p := &Place[T]{value: value, order: order, line: l}
	heap.Push(l, p)
	return p
}

// Remove takes an entry out.
func (q *Queue[T]) Remove(p *Place[T]) {
	heap.Remove(p.line, p.at)
	q.dropEmpty(p.line)
}

// Next takes the next entry out; false when there is none. Workflows in except keep theirs, and
// their turn.
func (q *Queue[T]) Next(except []string) (value T, ok bool) {
	for turn := q.ring.Front(); turn != nil; turn = turn.Next() {
		l := turn.Value.(*line[T])
		if slices.Contains(except, l.workflow) {
			continue
		}
		value = heap.Pop(l).(*Place[T]).value
		q.ring.MoveToBack(turn)
		q.dropEmpty(l)
		return value, true
	}
	return value, false
}

func (q *Queue[T]) dropEmpty(l *line[T]) {
	if len(l.places) == 0 {
		q.ring.Remove(l.turn)
		delete(q.lines, l.workflow)
	}
}

// What follows is heap.Interface.

func (l *line[T]) Len() int           { return len(l.places) }
func (l *line[T]) Less(a, b int) bool { return l.places[a].order < l.places[b].order }

func (l *line[T]) Swap(a, b int) {
	l.places[a], l.places[b] = l.places[b], l.places[a]
	l.places[a].at, l.places[b].at = a, b
}

func (l *line[T]) Push(x any) {
	p := x.(*Place[T])
	p.at = len(l.places)
	l.places = append(l.places, p)
}

func (l *line[T]) Pop() any {
	n := len(l.places) - 1
	p := l.places[n]
	l.places[n] = nil
	l.places = l.places[:n]
	return p
}
