package engine

import (
	"sync"

	"github.com/flowtrux/edge/runtime/flow"
)

// Bounds of what an execution remembers for its record.
const (
	notedLines    = 100      // log lines of a node
	notedLogBytes = 32 << 10 // of log lines of an execution
	notedCalls    = 100      // of a node
	// bytes that nodes and the host have said to each other, of an execution
	notedHost = 256 << 10
)

// notes are what an execution remembers for its record while it runs: only what cannot be found out
// when it has ended, because most executions are not recorded. Safe for concurrent use.
type notes struct {
	mu       sync.Mutex
	globals  []notedGlobals
	items    map[int]int         // that have begun, by node with forEach
	lines    map[int][]notedLine // by node
	logBytes int
	calls    map[int][]notedCall // by node
	heard    int                 // bytes of requests and answers in calls
}

// notedGlobals are the globals that a node's templates have found.
type notedGlobals struct {
	node    int
	globals []flow.Global
}

// notedLine is a line that a node has logged, as it gave it.
type notedLine struct {
	call  call
	level int
	text  string
}

// found notes what the templates of a node have found in a scope that is not used for it any more.
func (t *notes) found(node int, s *flow.Scope) {
	if len(s.Globals) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.globals = append(t.globals, notedGlobals{node, s.Globals})
}

// size is how many bytes are remembered.
func (t *notes) size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(t.logBytes + t.heard)
}

// began notes how many items of a node with forEach have begun.
func (t *notes) began(node, items int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items = make(map[int]int)
	}
	t.items[node] = items
}

// begun is how many items of a node have begun, at most all.
func (t *notes) begun(node, all int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return min(t.items[node], all)
}

// globalsOf are the globals as a node has found them. Of one that was not the same each time only
// that is known.
func (t *notes) globalsOf(node int) map[string]flow.Global {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all map[string]flow.Global
	for _, found := range t.globals {
		if found.node != node {
			continue
		}
		if all == nil {
			all = make(map[string]flow.Global)
		}
		for _, g := range found.globals {
			if was, ok := all[g.Key]; ok && !was.Same(g) {
				g = flow.Global{Key: g.Key, Changed: true}
			}
			all[g.Key] = g
		}
	}
	return all
}

// log notes a line. Where lines are dropped because there are too many, a line says so.
func (t *notes) log(c call, level int, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines[c.node]
	switch {
	case len(lines) > 0 && lines[len(lines)-1].text == linesDropped:
		return
	case len(lines) >= notedLines || t.logBytes+len(text) > notedLogBytes:
		text = linesDropped
	}
	if t.lines == nil {
		t.lines = make(map[int][]notedLine)
	}
	t.lines[c.node] = append(lines, notedLine{c, level, text})
	t.logBytes += len(text)
}

const linesDropped = "(more lines are dropped)"
