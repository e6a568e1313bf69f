package engine

import (
	"bytes"
	"sync"

	"github.com/flowtrux/edge/runtime/flow"
)

// Bounds of what an execution remembers for its record.
const (
	notedLines    = 100       // log lines of a node
	notedLogBytes = 32 << 10  // of log lines of an execution
	notedCalls    = 100       // of a node
	notedHost     = 256 << 10 // bytes that nodes and the host have said to each other, of an execution
)

// notes are what an execution remembers for its record while it runs: only what cannot be found out when it has ended,
// because most executions are not recorded. Safe for concurrent use.
type notes struct {
	mu       sync.Mutex
	globals  []notedGlobals
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

// global is the value of a global as a node has found it. known is false when it has not, or has found several.
func (t *notes) global(node int, key string) (value []byte, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, found := range t.globals {
		if found.node != node {
			continue
		}
		for _, g := range found.globals {
			if g.Key != key {
				continue
			}
			if known && !bytes.Equal(value, g.Value) {
				return nil, false
			}
			value, known = g.Value, true
		}
	}
	return value, known
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
