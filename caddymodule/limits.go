package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/flowtrux/edge/runtime/engine"
	"github.com/flowtrux/edge/runtime/sandbox"
)

// Limits bound what requests, nodes and executions may use. A limit that is not given or 0 has its
// default.
type Limits struct {
	// The longest body of a request, in bytes. Default: 1 MiB.
	Body int64 `json:"body,omitempty"`

	// The most time a sender may take for the body. Default: 10s.
	BodyTimeout caddy.Duration `json:"body_timeout,omitempty"`

	// What has come of the bodies of all requests that are being read or wait for an execution,
	// together, in bytes. While more than half of it is in use, one client address has at most a
	// quarter, or one body. Default: 256 MiB.
	BodyMemory int64 `json:"body_memory,omitempty"`

	// Executions at the same time. Default: 256.
	Executions int `json:"executions,omitempty"`

	// How long a request waits for one of them to end. Default: 1s.
	QueueWait caddy.Duration `json:"queue_wait,omitempty"`

	// The linear memory of one call of a node, in bytes, at least 4 MiB. Default: 64 MiB.
	NodeMemory int64 `json:"node_memory,omitempty"`

	// The time of one attempt of a node, host calls included. Default: 10s.
	NodeTimeout caddy.Duration `json:"node_timeout,omitempty"`

	// A node's config after its templates were resolved, in bytes. Default: 4 MiB, or 4 times
	// `body` where that is more.
	NodeInput int64 `json:"node_input,omitempty"`

	// A node's output, in bytes. An output as long as the trigger's data is never too long, so that
	// a body can be handed on. Default: 1 MiB.
	NodeOutput int64 `json:"node_output,omitempty"`

	// The items of a `forEach`. Default: 10000.
	ForEachItems int `json:"foreach_items,omitempty"`

	// All live values of an execution, in bytes. Default: 32 MiB, or 8 times `body` where that is
	// more.
	ExecutionMemory int64 `json:"execution_memory,omitempty"`

	// The time of an execution, retries and back-off included. Default: 5m.
	ExecutionTimeout caddy.Duration `json:"execution_timeout,omitempty"`

	// What all sandboxes of the process take together, in bytes: instances of nodes with their
	// memories, stacks and tables, and prepared images. Calls of one workflow have at most three
	// quarters of it. It is at least 64 MiB. Default: 1 GiB, or twice the memory of one call where
	// that is more.
	SandboxMemory int64 `json:"sandbox_memory,omitempty"`
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// maxSize bounds the sizes that can be configured, in bytes: no value of an execution may need
// 64-bit lengths.
const maxSize = 1 * gib

// Least memory of calls, in bytes.
const (
	leastMemory = 64 * kib // of one node type: a page of WebAssembly, memory comes in pages
	// of all: that of the built-in node which needs most; they are not loaded when a config is
	// checked
	leastForAll = 4 * mib
	// of all calls together: images of the built-in nodes, and some calls of each
	leastTotal = 64 * mib
)

// check fills in the defaults and refuses what cannot work.
func (l *Limits) check() error {
	return cmp.Or(l.checkEach(), l.checkTogether())
}

// checkEach fills in the defaults and refuses values that no others would make right.
func (l *Limits) checkEach() error {
	size := func(name string, v *int64, def, most int64) error {
		if *v == 0 {
			*v = def
		}
		if *v < 0 || *v > most {
			return fmt.Errorf("%s is %d bytes; it must be between 1 byte and %d", name, *v, most)
		}
		return nil
	}
	memory := func(name string, v *int64, def int64) error {
		if *v == 0 {
			*v = def
		}
		if *v < leastForAll || *v > 4*gib {
			return fmt.Errorf("%s is %d bytes; it must be between 4MiB, which the built-in nodes need, and 4GiB; the memory of a node of your own can be less",
				name, *v)
		}
		return nil
	}
	total := func(name string, v int64) error { // its default follows from others
		if v != 0 && (v < leastTotal || v > 1<<50) {
			return fmt.Errorf("%s is %d bytes; it must be between 64MiB and %d", name, v, int64(1<<50))
		}
		return nil
	}
	count := func(name string, v *int, def, most int) error {
		if *v == 0 {
			*v = def
		}
		if *v < 0 || *v > most {
			return fmt.Errorf("%s is %d; it must be between 1 and %d", name, *v, most)
		}
		return nil
	}
	wait := func(name string, v *caddy.Duration, def time.Duration) error {
		if *v == 0 {
			*v = caddy.Duration(def)
		}
		if *v < 0 {
			return fmt.Errorf("%s is negative", name)
		}
		return nil
	}
	d := engine.DefaultLimits()
	body := size("body", &l.Body, 1*mib, maxSize)
	// A body that is taken can be used: what an execution may hold follows the limit of bodies.
	follow := func(def, times int64) int64 { return max(def, min(times*l.Body, maxSize)) }
	return errors.Join(
		body,
		wait("body_timeout", &l.BodyTimeout, 10*time.Second),
		size("body_memory", &l.BodyMemory, 256*mib, 1<<50),
		count("executions", &l.Executions, d.Executions, 1<<20),
		wait("queue_wait", &l.QueueWait, d.QueueWait),
		memory("node_memory", &l.NodeMemory, 64*mib),
		wait("node_timeout", &l.NodeTimeout, d.NodeTimeout),
		size("node_input", &l.NodeInput, follow(int64(d.NodeInput), 4), maxSize),
		size("node_output", &l.NodeOutput, int64(d.NodeOutput), maxSize),
		count("foreach_items", &l.ForEachItems, d.ForEachItems, 1<<24),
		size("execution_memory", &l.ExecutionMemory, follow(int64(d.ExecutionMemory), 8), maxSize),
		wait("execution_timeout", &l.ExecutionTimeout, d.ExecutionTimeout),
		total("sandbox_memory", l.SandboxMemory),
	)
}

// checkTogether refuses limits that contradict each other.
func (l *Limits) checkTogether() error {
	if l.Body > l.BodyMemory {
		return fmt.Errorf("body (%d bytes) is more than body_memory (%d bytes): the longest body could never be read", l.Body, l.BodyMemory)
	}
	return nil
}

// tooTight says which limits are less than what the longest body needs; "" = none is. It is no
// error: not every workflow hands bodies on.
func (l *Limits) tooTight() string {
	switch {
	case l.NodeInput <= l.Body:
		return "node_input is not more than body: the longest bodies cannot be handed to a node"
	case l.ExecutionMemory < 4*l.Body:
		return "execution_memory is less than 4 times body: the longest bodies cannot be handed on"
	}
	return ""
}

// checkSandbox fills in the default of SandboxMemory where a call may have so much memory, and
// refuses what is too little for it.
func (l *Limits) checkSandbox(call int64) error {
	if l.SandboxMemory == 0 {
		l.SandboxMemory = max(sandbox.DefaultBudget, 2*call)
	}
	if share := l.SandboxMemory / 4 * 3; call > share {
		return fmt.Errorf("sandbox_memory is %d bytes; calls of one workflow have at most three quarters of it, and one call of a node may have %d",
			l.SandboxMemory, call)
	}
	return nil
}

// engine is the engine's part of the limits.
func (l *Limits) engine() engine.Limits {
	return engine.Limits{
		Executions:       l.Executions,
		QueueWait:        time.Duration(l.QueueWait),
		NodeTimeout:      time.Duration(l.NodeTimeout),
		NodeInput:        int(l.NodeInput),
		NodeOutput:       int(l.NodeOutput),
		ForEachItems:     l.ForEachItems,
		ExecutionMemory:  int(l.ExecutionMemory),
		ExecutionTimeout: time.Duration(l.ExecutionTimeout),
	}
}

// limits are the limits of one call of the node.
func (n *Node) limits(l *Limits) sandbox.Limits {
	s := sandbox.Limits{
		Memory: uint64(l.NodeMemory), Timeout: time.Duration(l.NodeTimeout), Output: int(l.NodeOutput),
		Fuel: uint64(n.Fuel), NoSnapshot: n.Snapshot == "off",
	}
	if n.Memory > 0 {
		s.Memory = uint64(n.Memory)
	}
	if n.Timeout > 0 {
		s.Timeout = min(s.Timeout, time.Duration(n.Timeout))
	}
	return s
}
