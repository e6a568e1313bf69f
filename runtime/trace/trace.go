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

// Bounds of a trace.
const (
	MaxCalls = 100      // calls of a node
	MaxLine  = 8 << 10  // bytes of a log line as shown
	MaxValue = 64 << 10 // bytes of a request or a response, and of any value in a record

	maxLines     = 100       // log lines of a node
	maxLogBytes  = 32 << 10  // bytes of the log lines of an execution
	maxHostBytes = 256 << 10 // bytes of requests and responses of an execution
	hostCallSize = 128       // bytes of a HostCall without its request and response
)

// Trace is the trace of one execution. It is safe for concurrent use.
type Trace struct {
	mu        sync.Mutex
	globals   []nodeGlobals
	items     map[int]int    // items that have begun, by node
	lines     map[int][]Line // by node
	logBytes  int
	calls     map[int][]Call // by node
	hostBytes int            // bytes of requests and responses in calls
}

// CallID identifies one call of a node within an execution.
type CallID struct {
	Node    int // index in the plan
	Item    int // index of the item, 0 without forEach
	Attempt int // from 1
}

// Line is a log line as the node wrote it.
type Line struct {
	CallID
	Level zapcore.Level
	Text  string
}

// Call is one call of a node.
type Call struct {
	CallID
	Start         time.Time
	Duration      time.Duration
	Fuel          uint64
	Host          *Host  // nil = the host was not used
	Code, Message string // why the call failed; "" = it did not
}

// Host is one call's use of the host. It is empty for most calls.
type Host struct {
	Random bool // the call used random numbers of its seed
	Live   bool // the call used real time or real randomness, see hostapi.Session
	Calls  []HostCall

	full bool // further calls are dropped
}

// HostCall is one request of a node to the host. A nil Request or Response with a size was too long
// to store.
type HostCall struct {
	Function                  string
	Request, Response         []byte
	RequestSize, ResponseSize int
	Failure                   *hostapi.Failure
}

// nodeGlobals are the globals that a node's templates read.
type nodeGlobals struct {
	node    int
	globals []flow.Global
}

// AddGlobals adds the globals that a node's templates read in s. The node must not use s any more.
func (t *Trace) AddGlobals(node int, s *flow.Scope) {
	if len(s.Globals) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.globals = append(t.globals, nodeGlobals{node, s.Globals})
}

// Globals returns the globals that a node read, by key. A global whose value varied has only Key
// and Changed set.
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

// SetItems sets the number of a node's items that have begun.
func (t *Trace) SetItems(node, items int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items == nil {
		t.items = make(map[int]int)
	}
	t.items[node] = items
}

// Items returns the number of a node's items that have begun.
func (t *Trace) Items(node int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.items[node]
}

// AddLine adds a log line. If there are too many, lines are dropped and the last line says so.
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

// Lines returns a node's log lines.
func (t *Trace) Lines(node int) []Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines[node])
}

// AddCall adds a call of a node, up to MaxCalls of them.
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

// CopyIfFits returns a copy of a request or a response, or nil if it is longer than MaxValue or
// exceeds the trace's room.
func (t *Trace) CopyIfFits(b []byte) []byte { return bytes.Clone(t.KeepIfFits(b)) }

// KeepIfFits is CopyIfFits for bytes that never change: it returns b itself.
func (t *Trace) KeepIfFits(b []byte) []byte {
	if len(b) > MaxValue || !t.reserve(len(b)) {
		return nil
	}
	return b
}

// reserve takes n bytes for requests and responses and reports whether that many were left.
func (t *Trace) reserve(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hostBytes+n > maxHostBytes {
		return false
	}
	t.hostBytes += n
	return true
}

// Size returns the number of bytes that the trace holds.
func (t *Trace) Size() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(t.logBytes + t.hostBytes)
}

// Empty reports whether the call did not use the host.
func (h *Host) Empty() bool { return !h.Random && !h.Live && h.Calls == nil }

// Add adds a host call, which failed with err unless err is nil. If t has no room for more, the
// last call in h has no request and no response.
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
