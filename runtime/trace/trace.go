package trace

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/flowtrux/edge/runtime/flow"
	"github.com/flowtrux/edge/runtime/hostapi"
)

// Bounds of what a trace remembers.
const (
	MaxCalls = 100      // calls of a node
	MaxLine  = 8 << 10  // bytes of a log line that is shown
	MaxValue = 64 << 10 // bytes of a request or a response; a record shows no longer values either

	maxLines     = 100       // log lines of a node
	maxLogBytes  = 32 << 10  // bytes of the log lines of an execution
	maxHostBytes = 256 << 10 // bytes that the nodes of an execution and the host exchange
	hostCallSize = 128       // bytes that a HostCall takes beside its request and response
)

// Trace is what an execution remembers for its record while it runs: only what cannot be found out
// when it has ended, because most executions are not recorded. It is safe for concurrent use.
type Trace struct {
	mu        sync.Mutex
	globals   []nodeGlobals
	items     map[int]int    // that have begun, by node with forEach
	lines     map[int][]Line // by node
	logBytes  int
	calls     map[int][]Call // by node
	hostBytes int            // bytes of requests and responses in calls
}

// CallID names one call of a node within an execution.
type CallID struct {
	Node    int // index in the plan
	Item    int // index of the item, 0 without forEach
	Attempt int // from 1
}

// Line is a line that a node has logged, as the node wrote it.
type Line struct {
	CallID
	Level zapcore.Level
	Text  string
}

// Call is one call of a node.
type Call struct {
	CallID
	Start         time.Time
	Fuel          uint64
	Host          *Host  // nil = the node used nothing of the host
	Code, Message string // why the call failed; "" = it did not
}

// Host is what one call of a node used of the host. Most calls leave it empty.
type Host struct {
	Random bool // random numbers of the call's seed
	Live   bool // real time or real randomness, see hostapi.Session
	Calls  []HostCall

	full bool // there were more calls
}

// HostCall is one request of a node to the host. A request or response that is nil although its
// size is not was too long.
type HostCall struct {
	Function                  string
	Request, Response         []byte
	RequestSize, ResponseSize int
	Failure                   *hostapi.Failure
}

// nodeGlobals are the globals that a node's templates have found.
type nodeGlobals struct {
	node    int
	globals []flow.Global
}

// AddGlobals adds what the templates of a node have found in a scope that is no longer used for it.
func (t *Trace) AddGlobals(node int, s *flow.Scope) {
	if len(s.Globals) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.globals = append(t.globals, nodeGlobals{node, s.Globals})
}

// Globals returns the globals as a node has found them, by key. Of one that was not the same each
// time only that is known.
func (t *Trace) Globals(node int) map[string]flow.Global {
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

// SetItems sets how many items of a node with forEach have begun.
func (t *Trace) SetItems(node, items int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items = make(map[int]int)
	}
	t.items[node] = items
}

// Items returns how many items of a node have begun.
func (t *Trace) Items(node int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.items[node]
}

// AddLine adds a log line. Where lines are dropped because there are too many, the last line says
// so.
func (t *Trace) AddLine(c CallID, level zapcore.Level, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines[c.Node]
	switch {
	case len(lines) > 0 && lines[len(lines)-1].Text == linesDropped:
		return
	case len(lines) >= maxLines || t.logBytes+len(text) > maxLogBytes:
		text = linesDropped
	}
	if t.lines == nil {
		t.lines = make(map[int][]Line)
	}
	t.lines[c.Node] = append(lines, Line{c, level, text})
	t.logBytes += len(text)
}

const linesDropped = "(more lines are dropped)"

// Lines returns the lines that a node has logged.
func (t *Trace) Lines(node int) []Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines[node])
}

// AddCall adds a call of a node, unless the node has MaxCalls already.
func (t *Trace) AddCall(c Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = make(map[int][]Call)
	}
	if len(t.calls[c.Node]) < MaxCalls {
		t.calls[c.Node] = append(t.calls[c.Node], c)
	}
}

// Calls returns the calls of a node, in the order in which they ended.
func (t *Trace) Calls(node int) []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls[node])
}

// CopyIfFits returns a copy of a request or a response, or nil when it is longer than MaxValue or
// than the trace has room for.
func (t *Trace) CopyIfFits(b []byte) []byte {
	if len(b) > MaxValue || !t.reserve(len(b)) {
		return nil
	}
	return bytes.Clone(b)
}

// reserve takes n bytes for what nodes and the host exchange and reports whether there were as
// many.
func (t *Trace) reserve(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hostBytes+n > maxHostBytes {
		return false
	}
	t.hostBytes += n
	return true
}

// Size returns how many bytes the trace holds.
func (t *Trace) Size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(t.logBytes + t.hostBytes)
}

// Empty reports whether the call used nothing of the host.
func (h *Host) Empty() bool { return !h.Random && !h.Live && h.Calls == nil }

// Add adds a request to the host, which failed with err unless that is nil. When t has no room for
// more, the last call that is kept has no request.
func (h *Host) Add(t *Trace, c HostCall, err error) {
	if h.full {
		return
	}
	if h.full = !t.reserve(hostCallSize); h.full {
		c.Request, c.Response = nil, nil
	}
	if err != nil && !errors.As(err, &c.Failure) {
		c.Failure = &hostapi.Failure{Code: "host_error"}
	}
	h.Calls = append(h.Calls, c)
}
