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

// Limits bound what requests, nodes and executions can use. A limit that is missing or 0 has its
// default. They are the configured ones, other than engine.Limits, sandbox.Limits and bbolt.Limits,
// which are made from them.
type Limits struct {
	// Maximum size of a request body, in bytes. Default: 1 MiB.
	Body int64 `json:"body,omitempty"`

	// Maximum time for a sender to send the body. Default: 10s.
	BodyTimeout caddy.Duration `json:"body_timeout,omitempty"`

	// Memory for request bodies that are being read or wait for an execution slot, in bytes. Bytes
	// count as they arrive. While more than half of it is in use, one client address can use at
	// most a quarter, or one body. Default: 256 MiB.
	BodyMemory int64 `json:"body_memory,omitempty"`

	// Maximum number of concurrent executions. Default: 256.
	Executions int `json:"executions,omitempty"`

	// How long a request waits for an execution slot. Default: 1s.
	QueueWait caddy.Duration `json:"queue_wait,omitempty"`

	// Maximum linear memory of one call of a node, in bytes, at least 4 MiB. Default: 64 MiB.
	NodeMemory int64 `json:"node_memory,omitempty"`

	// Timeout of one attempt of a node, including its host calls. Default: 10s.
	NodeTimeout caddy.Duration `json:"node_timeout,omitempty"`

	// Maximum size of a node's config with its templates resolved, in bytes. Default: 4 MiB, or 4
	// times `body` if that is more.
	NodeInput int64 `json:"node_input,omitempty"`

	// Maximum size of a node's output, in bytes. An output as long as the trigger's data is always
	// accepted, so that a body can be passed on. Default: 1 MiB.
	NodeOutput int64 `json:"node_output,omitempty"`

	// Maximum number of items of a `forEach`. Default: 10000.
	ForEachItems int `json:"foreach_items,omitempty"`

	// Maximum size of all live values of an execution, in bytes. Default: 32 MiB, or 8 times `body`
	// if that is more.
	ExecutionMemory int64 `json:"execution_memory,omitempty"`

	// Timeout of an execution, including retries and backoff. Default: 5m.
	ExecutionTimeout caddy.Duration `json:"execution_timeout,omitempty"`

	// Maximum memory of all sandboxes of the process, in bytes: instances of nodes with their
	// memories, stacks and tables, and prepared snapshots. Calls of one workflow can use at most
	// three quarters of it. At least 64 MiB. Default: 1 GiB, or twice the memory of one call if
	// that is more.
	SandboxMemory int64 `json:"sandbox_memory,omitempty"`
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// maxSize is the largest size that can be configured, in bytes: no value of an execution may need a
// 64-bit length.
const maxSize = 1 * gib

// The lower bounds of memory limits, in bytes.
const (
	// of one node type: a page of WebAssembly, as memory comes in pages
	leastMemory = 64 * kib
	// of all node types: the memory of the built-in node that needs most, since built-in nodes are
	// not loaded when a config is checked
	leastForAll = 4 * mib
	// of all calls together: snapshots of the built-in nodes, and some calls of each
	leastTotal = 64 * mib
)

// check fills in the defaults and rejects what cannot work.
func (l *Limits) check() error {
	return cmp.Or(l.checkEach(), l.checkTogether())
}

// checkEach fills in the defaults and rejects values that are out of range whatever the others are.
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
	// A body that is accepted can be used: the room for an execution's values grows with body.
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

// checkTogether rejects limits that contradict each other.
func (l *Limits) checkTogether() error {
	if l.Body > l.BodyMemory {
		return fmt.Errorf("body (%d bytes) is more than body_memory (%d bytes): the longest body could never be read", l.Body, l.BodyMemory)
	}
	return nil
}

// tooTight names limits that are too low for the longest body; "" = none is. That is no error: not
// every workflow passes bodies on.
func (l *Limits) tooTight() string {
	switch {
	case l.NodeInput <= l.Body:
		return "node_input is not more than body: the longest bodies cannot be handed to a node"
	case l.ExecutionMemory < 4*l.Body:
		return "execution_memory is less than 4 times body: the longest bodies cannot be handed on"
	}
	return ""
}

// checkSandbox fills in the default of SandboxMemory and rejects a value that is too low, given the
// largest memory that a call may have.
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

// engine returns the limits of the engine.
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

// limits returns the limits of one call of the node.
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
